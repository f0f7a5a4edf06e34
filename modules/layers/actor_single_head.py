"""`ActorSingleHeadModule`: a bilinear score of hidden state and action embedding."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from modules.base import EXACT, BilinearActorModule

# N batch times time, A actions, H hidden, E embedding


class ActorSingleHeadModule(BilinearActorModule):
    """Hidden state `[N, H]` and action embeddings `[N, A, E]` -> logits `[N, A]`: `tanh(h W) . e + bias`.

    Args:
        hidden_size: H.
        embedding_dim: E.
        numerics: see `BilinearActorModule`.

    Raises:
        ConfigError: a size that is not positive, another `numerics`.
    """

    def __init__(
        self,
        hidden_size: int,
        embedding_dim: int,
        *,
        numerics: str = EXACT,
        in_keys: Sequence[str] = ("hidden", "action_embeddings"),
        out_keys: Sequence[str] = ("logits",),
    ) -> None:
        super().__init__(hidden_size, embedding_dim, 1, numerics, in_keys, out_keys)

    def compute(self, hidden: Tensor, embeds: Tensor) -> Tensor:
        """`hidden` `[N, H]`, `embeds` `[N, A, E]` -> `[N, A]`."""
        return self._scores(hidden, embeds).reshape(embeds.shape[:2])
