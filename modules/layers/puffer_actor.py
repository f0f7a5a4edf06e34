"""`PufferActorModule`: a score of hidden state and action embedding without weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from modules.base import ActionScoresModule
from modules.errors import ConfigError

# N batch times time, A actions, H hidden, E embedding, M = N * A

PRODUCTS = {"of_sums": "mh,me->m", "inner": "mh,mh->m"}
"""`product` -> what is computed."""


class PufferActorModule(ActionScoresModule):
    """Hidden state `[N, H]` and action embeddings `[N, A, E]` -> logits `[N, A]`.

    Args:
        product: `inner`, the inner product, for which H must be E; or `of_sums`, the sum of the hidden state times the
            sum of the embedding, which is what the old stack computed.
        hidden_size: H.
        embedding_dim: E.

    Raises:
        ConfigError: "product must be ...", "an inner product needs ...".
    """

    def __init__(
        self,
        hidden_size: int,
        embedding_dim: int,
        *,
        product: str = "inner",
        in_keys: Sequence[str] = ("hidden", "action_embeddings"),
        out_keys: Sequence[str] = ("logits",),
    ) -> None:
        if product not in PRODUCTS:
            raise ConfigError(f"product must be inner or of_sums, got {product!r}")
        if product == "inner" and hidden_size != embedding_dim:
            raise ConfigError(f"an inner product needs two vectors of one size, got {hidden_size} and {embedding_dim}")
        super().__init__(in_keys, out_keys)
        self.hidden_size, self.embedding_dim, self.product = hidden_size, embedding_dim, product

    def compute(self, hidden: Tensor, embeds: Tensor) -> Tensor:
        """`hidden` `[N, H]`, `embeds` `[N, A, E]` -> `[N, A]`."""
        rows, actions = embeds.shape[:2]
        hidden_MH = hidden.unsqueeze(1).expand(-1, actions, -1).reshape(rows * actions, -1)
        embeds_ME = embeds.reshape(rows * actions, -1)
        return torch.einsum(PRODUCTS[self.product], hidden_MH, embeds_ME).reshape(rows, actions)
