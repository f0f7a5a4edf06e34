"""`PufferActor`: a score of hidden state and action embedding without weights (2025-05-01 to 05-06)."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange, repeat

from legacy.base import Blackboard, LayerBase


class PufferActor(LayerBase):
    """`[N, H]`, `[N, A, E]` -> logits `[N, A]`.

    Quirks kept: the sizes are called `h` and `e` in one product, so each is summed up by itself, and a logit is the sum
    of the hidden state times the sum of the embedding. It has no `_out_tensor_shape`, so nothing can follow it.
    """

    def _forward(self, td: Blackboard) -> Blackboard:
        sources: Any = self._sources
        hidden, embeds = td[sources[0]["name"]], td[sources[1]["name"]]
        batch, actions = hidden.shape[0], embeds.shape[1]
        hidden = repeat(hidden, "b h -> b a h", a=actions)
        hidden = rearrange(hidden, "b a h -> (b a) h")
        embeds = rearrange(embeds, "b a e -> (b a) e")
        scores = torch.einsum("n h, n e -> n", hidden, embeds)
        td[str(self._name)] = scores.reshape(batch, actions)
        return td
