"""`ActorBigModule`: several bilinear scores of hidden state and action embedding, and a small network behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from modules.base import EXACT, BilinearActorModule, positive

# N batch times time, A actions, H hidden, E embedding, K bilinear outputs


class ActorBigModule(BilinearActorModule):
    """Hidden state `[N, H]` and action embeddings `[N, A, E]` -> logits `[N, A]`.

    Per action: `mlp(relu(tanh(h W_k) . e + bias_k))` with K scores, and `mlp` of one hidden layer behind a ReLU.

    Args:
        hidden_size: H.
        embedding_dim: E.
        bilinear_output_dim: K.
        mlp_hidden_dim: size of the hidden layer.
        numerics: see `BilinearActorModule`.

    Raises:
        ConfigError: a size that is not positive, another `numerics`.
    """

    def __init__(
        self,
        hidden_size: int,
        embedding_dim: int,
        bilinear_output_dim: int,
        mlp_hidden_dim: int,
        *,
        numerics: str = EXACT,
        in_keys: Sequence[str] = ("hidden", "action_embeddings"),
        out_keys: Sequence[str] = ("logits",),
    ) -> None:
        positive(bilinear_output_dim=bilinear_output_dim, mlp_hidden_dim=mlp_hidden_dim)
        super().__init__(hidden_size, embedding_dim, bilinear_output_dim, numerics, in_keys, out_keys)
        self.mlp = nn.Sequential(
            nn.Linear(bilinear_output_dim, mlp_hidden_dim), nn.ReLU(), nn.Linear(mlp_hidden_dim, 1)
        )

    def compute(self, hidden: Tensor, embeds: Tensor) -> Tensor:
        """`hidden` `[N, H]`, `embeds` `[N, A, E]` -> `[N, A]`."""
        scores_MK = torch.relu(self._scores(hidden, embeds))
        return cast(Tensor, self.mlp(scores_MK)).reshape(embeds.shape[:2])
