"""`ActionScoresModule`: reads a hidden state and action embeddings; `BilinearActorModule`: scores by bilinear forms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.errors import ConfigError
from modules.module import MettaModule
from modules.shapes import FAST, NUMERICS, BuildContext, Shape, one_of, positive

# N batch times time, A actions, H hidden, E embedding, K bilinear outputs, M = N * A


class ActionScoresModule(MettaModule):
    """Reads a vector `[N, H]` and action embeddings `[N, A, E]`; writes logits `[N, A]` unless it says otherwise."""

    io_sizes = ("hidden_size", "embedding_dim")

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """H and E, off the two sources.

        Raises:
            ConfigError: "needs two sources, a vector and action embeddings ...".
        """
        ranks = [len(shape) for shape in context.in_shapes]
        if ranks != [1, 2]:
            raise ConfigError(f"needs two sources, a vector and action embeddings, got shapes {context.in_shapes}")
        return {"hidden_size": context.in_shapes[0][0], "embedding_dim": context.in_shapes[1][1]}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(A,)`, written as 0: the number of actions is not known before they are activated."""
        return (0,)


class BilinearActorModule(ActionScoresModule):
    """K bilinear forms of hidden state and action embedding, each with a tanh and a bias.

    Args:
        hidden_size: H.
        embedding_dim: E.
        num_scores: K.
        numerics: `exact` multiplies the hidden state by `W` once per action, as the old stack did; `fast` once per
            state, since the product does not depend on the action.

    Raises:
        ConfigError: a size that is not positive, another `numerics`.
    """

    def __init__(
        self,
        hidden_size: int,
        embedding_dim: int,
        num_scores: int,
        numerics: str,
        in_keys: Sequence[str],
        out_keys: Sequence[str],
    ) -> None:
        positive(hidden_size=hidden_size, embedding_dim=embedding_dim)
        one_of("numerics", numerics, NUMERICS)
        super().__init__(in_keys, out_keys)
        self.hidden_size, self.embedding_dim, self.numerics = hidden_size, embedding_dim, numerics
        self.W = nn.Parameter(torch.empty(num_scores, hidden_size, embedding_dim))
        self.bias = nn.Parameter(torch.empty(num_scores))
        bound = 1 / math.sqrt(hidden_size)
        nn.init.uniform_(self.W, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def _scores(self, hidden: Tensor, embeds: Tensor) -> Tensor:
        """`hidden` `[N, H]`, `embeds` `[N, A, E]` -> `tanh(h W_k) . e + bias_k` `[M, K]`."""
        if self.numerics == FAST:
            return self._scores_once_per_state(hidden, embeds)
        rows, actions = embeds.shape[:2]
        hidden_MH = hidden.unsqueeze(1).expand(-1, actions, -1).reshape(rows * actions, -1)
        query_MKE = torch.tanh(torch.einsum("mh,khe->mke", hidden_MH, self.W))
        scores_MK = torch.einsum("mke,me->mk", query_MKE, embeds.reshape(rows * actions, -1))
        return scores_MK + self.bias.reshape(1, -1)

    def _scores_once_per_state(self, hidden: Tensor, embeds: Tensor) -> Tensor:
        """The same, as two products of matrices where all states have the same embeddings."""
        rows, actions = embeds.shape[:2]
        num_scores = self.W.shape[0]
        W_H_KE = self.W.permute(1, 0, 2).reshape(self.hidden_size, -1)
        query_NKE = torch.tanh(hidden @ W_H_KE).view(rows, num_scores, self.embedding_dim)
        if embeds.stride(0) == 0:
            scores_NAK = torch.matmul(query_NKE, embeds[0].t()).transpose(1, 2)
        else:
            scores_NAK = torch.matmul(embeds, query_NKE.transpose(1, 2))
        return scores_NAK.reshape(rows * actions, num_scores) + self.bias
