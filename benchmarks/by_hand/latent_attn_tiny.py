"""The agent `latent_attn_tiny`, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.by_hand.parts import HIDDEN, Actions, Agent, SingleHead, Step

# B batch, T time, N = B * T, M tokens, K kept tokens, L recurrent layers, H hidden, D token, Q query, S heads
PADDING, FEATURE, FREQUENCIES = 255, 10, 4
TOKEN, QUERY, HEADS, LAYERS = FEATURE + 4 * FREQUENCIES + 1, 32, 4, 2


class Block(nn.Module):
    """A query that attends to keys and values, and a small network behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(QUERY), nn.LayerNorm(QUERY)
        self.to_q, self.to_out = nn.Linear(QUERY, QUERY, bias=False), nn.Linear(QUERY, QUERY)
        self.mlp_in, self.mlp_out = nn.Linear(QUERY, 4 * QUERY), nn.Linear(4 * QUERY, QUERY)

    def forward(self, query: Tensor, k_NSMD: Tensor, v_NSMD: Tensor, bias: Tensor) -> Tensor:
        """Queries `[N, 1, Q]` -> the same shape."""
        q_NSQD = by_head(self.to_q(self.norm1(query)))
        scores = torch.einsum("nsqd,nsmd->nsqm", q_NSQD, k_NSMD) * (QUERY // HEADS) ** -0.5 + bias
        attended = torch.einsum("nsqm,nsmd->nsqd", scores.softmax(dim=-1), v_NSMD)
        query = query + self.to_out(attended.transpose(1, 2).flatten(2))
        y: Tensor = query + self.mlp_out(F.gelu(self.mlp_in(self.norm2(query))))
        return y


class Attention(nn.Module):
    """Tokens `[N, K, D]`, a mask `[N, K]` -> `[N, H]`: what one learned query finds among them."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.empty(1, 1, QUERY))
        self.norm_kv = nn.LayerNorm(TOKEN)
        self.to_k, self.to_v = nn.Linear(TOKEN, QUERY, bias=False), nn.Linear(TOKEN, QUERY, bias=False)
        self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
        self.final_norm, self.project = nn.LayerNorm(QUERY), nn.Linear(QUERY, HIDDEN)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens `[N, K, D]`, mask `[N, K]`, true for padding -> `[N, H]`."""
        bias = mask[:, None, None].float() * -torch.finfo(torch.float32).max
        tokens = self.norm_kv(tokens)
        k_NSMD, v_NSMD = by_head(self.to_k(tokens)), by_head(self.to_v(tokens))
        query = self.query.expand(tokens.shape[0], -1, -1)
        for block in self.blocks:
            query = block(query, k_NSMD, v_NSMD, bias)
        y: Tensor = self.project(self.final_norm(query))
        return y.squeeze(1)


def by_head(x: Tensor) -> Tensor:
    """`[N, M, S * D]` -> `[N, S, M, D]`."""
    return x.view(*x.shape[:2], HEADS, -1).transpose(1, 2)


class ByHand(Agent):
    """Tokens `[B, M, 3]` or `[B, T, M, 3]` (cell, feature, value) -> actions, values, new state."""

    divisors: Tensor
    frequencies: Tensor

    def __init__(self, divisors: Sequence[float], actions: Actions) -> None:
        super().__init__(SingleHead(len(actions.pairs)), actions)
        self.register_buffer("divisors", torch.ones(256))
        self.divisors[: len(divisors)] = torch.tensor(divisors)
        self.register_buffer("frequencies", 2.0 ** torch.arange(FREQUENCIES))
        self.feature = nn.Embedding(256, FEATURE, padding_idx=PADDING)
        self.attention = Attention()

    def forward(self, obs: Tensor, h: Tensor, c: Tensor, action: Tensor | None = None) -> tuple[Tensor, ...]:
        """Observations, state `[L, B, H]`, perhaps actions `[B, T, 2]` -> results, and the new state."""
        tokens, mask = self.strip(obs)
        x = self.attention(self.embed(tokens), mask)
        x, h, c = self.recur(x, h, c)
        value = self.value(torch.tanh(self.critic(x)))
        logits = self.head(torch.relu(self.actor(x)))
        if action is None:
            action, log_prob, entropy, log_probs = self.actions.sample(logits)
        else:
            action, log_prob, entropy, log_probs = self.actions.evaluate(logits, action)
        return action, log_prob, entropy, value, log_probs, h, c

    @staticmethod
    def strip(obs: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens `[N, K, 3]` up to the largest position at which padding begins (trap 40), and what is padding."""
        tokens = obs.flatten(0, 1) if obs.dim() == 4 else obs
        mask = tokens[..., 0] == PADDING
        kept = int(mask.int().argmax(dim=1).max()) or tokens.shape[1]
        return tokens[:, :kept], mask[:, :kept]

    def embed(self, tokens: Tensor) -> Tensor:
        """`[N, K, 3]` -> `[N, K, D]`: the feature's vector, waves of row and column, the quotient, cut (trap 30)."""
        cell, feature = tokens[..., 0], tokens[..., 1].long()
        row, column = self.angles(cell >> 4), self.angles(cell & 15)
        value = (tokens[..., 2] / self.divisors[feature]).to(tokens.dtype).float().unsqueeze(-1)
        waves = (row.cos(), row.sin(), column.cos(), column.sin())
        return torch.cat([self.feature(feature), *waves, value], dim=-1)

    def angles(self, position: Tensor) -> Tensor:
        """`[N, K]` in 0..10 -> `[N, K, frequencies]`."""
        return (position / 10.0 * 2.0 - 1.0).unsqueeze(-1) * self.frequencies

    def steps(self) -> list[Step]:
        return [
            (self.strip, ("obs",), ("tokens", "mask")),
            (self.embed, ("tokens",), ("embedded",)),
            (self.attention, ("embedded", "mask"), ("encoded",)),
        ]
