"""`ObsSlotAttnModule`: slots that take turns in attending to tokens and in updating themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.base import Shape, TokenAttentionModule, one_of, positive

# N batch times time, M tokens, D features of a token, K slots, S features of a slot

COMPETING = ("slots", "tokens")
NOISE = ("in_training", "always")
EPSILON = 1e-8


class ObsSlotAttnModule(TokenAttentionModule):
    """Tokens `[N, M, D]` and perhaps a mask `[N, M]`, true for what is ignored -> slots `[N, K, S]`.

    Slots start from a learned mean and random numbers, so a pass draws from the global generator (trap 41).

    Args:
        feature_dim: D.
        num_slots: K.
        slot_dim: S.
        num_iterations: updates per pass.
        init_mean: of the normal distribution that the learned means are drawn from.
        init_std: likewise.
        mlp_hidden_dim: size of the hidden layer in each update, None for S.
        use_mask: whether there is a mask.
        competing: what a softmax of the attention runs over: `slots`, so that each token chooses (Locatello et al.,
            2020), or `tokens`, as in the old stack, where a row of masked tokens only becomes NaN.
        noise: whether slots start at their means in evaluation (`in_training`), or never, as in the old stack.

    Raises:
        ConfigError: a size that is not positive, "... must be ... or ...".
    """

    io_sizes = ("feature_dim", "num_slots", "slot_dim")

    def __init__(  # noqa: PLR0913 - as the old class, and two of its quirks
        self,
        feature_dim: int,
        num_slots: int,
        slot_dim: int,
        num_iterations: int,
        *,
        init_mean: float = 0.0,
        init_std: float = 1.0,
        mlp_hidden_dim: int | None = None,
        use_mask: bool = False,
        competing: str = "slots",
        noise: str = "in_training",
        in_keys: Sequence[str] | None = None,
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        hidden = slot_dim if mlp_hidden_dim is None else mlp_hidden_dim
        positive(feature_dim=feature_dim, num_slots=num_slots, slot_dim=slot_dim, mlp_hidden_dim=hidden)
        positive(num_iterations=num_iterations)
        one_of("competing", competing, COMPETING)
        one_of("noise", noise, NOISE)
        super().__init__(use_mask, in_keys, out_keys)
        self.feature_dim, self.num_slots, self.slot_dim = feature_dim, num_slots, slot_dim
        self.num_iterations, self.competing, self.noise = num_iterations, competing, noise
        self.mean = nn.Parameter(torch.randn(1, num_slots, slot_dim))
        nn.init.normal_(self.mean, init_mean, init_std)
        self.log_std = nn.Parameter(torch.zeros(1, num_slots, slot_dim))
        self.norm_input, self.norm_slots = nn.LayerNorm(feature_dim), nn.LayerNorm(slot_dim)
        self.norm_mlp = nn.LayerNorm(slot_dim)
        self.key = nn.Linear(feature_dim, slot_dim, bias=False)
        self.value = nn.Linear(feature_dim, slot_dim, bias=False)
        self.query = nn.Linear(slot_dim, slot_dim, bias=False)
        self.gru = nn.GRUCell(slot_dim, slot_dim)
        self.mlp = nn.Sequential(nn.Linear(slot_dim, hidden), nn.ReLU(), nn.Linear(hidden, slot_dim))

    @property
    def draws_random_numbers(self) -> bool:
        """In training, and always where `noise` says so."""
        return self.noise == "always" or self.training

    def compute(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """`x` `[N, M, D]`, `mask` `[N, M]` bool -> `[N, K, S]`."""
        x = self.norm_input(x)
        keys, values = self.key(x), self.value(x)
        shape = (x.shape[0], self.num_slots, self.slot_dim)
        slots = self.mean.expand(shape)
        if self.draws_random_numbers:
            slots = self.mean + torch.exp(self.log_std) * torch.randn(shape, device=x.device, dtype=x.dtype)
        for _ in range(self.num_iterations):
            queries = self.query(self.norm_slots(slots))
            scores = torch.einsum("nkd,nmd->nkm", queries, keys) / self.slot_dim**0.5
            updates = torch.einsum("nkm,nmd->nkd", self._attention(scores, mask), values)
            slots = self.gru(updates.reshape(-1, self.slot_dim), slots.reshape(-1, self.slot_dim)).reshape(shape)
            slots = slots + self.mlp(self.norm_mlp(slots))
        return slots

    def _attention(self, scores_NKM: Tensor, mask: Tensor | None) -> Tensor:
        """Weights of the tokens in each slot, which add up to 1."""
        if self.competing == "tokens":
            if mask is not None:
                scores_NKM = scores_NKM.masked_fill(mask.unsqueeze(1), float("-inf"))
            return torch.softmax(scores_NKM, dim=-1)
        weights = torch.softmax(scores_NKM, dim=1)
        if mask is not None:
            weights = weights.masked_fill(mask.unsqueeze(1), 0)
        return weights / (weights.sum(dim=-1, keepdim=True) + EPSILON)

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(num_slots, slot_dim)`."""
        return (options["num_slots"], options["slot_dim"])
