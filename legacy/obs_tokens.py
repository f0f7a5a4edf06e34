"""What the token shapers of E5 shared: the tokens on the blackboard, the cells they name, tables and divisors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from legacy.base import Blackboard, LayerBase


class TokenShaper(LayerBase):
    """Tokens `td["x"]` `[B, (T,) M, 3]` -> `[B * T, M, D]` and `td["obs_mask"]`, true where a token is to be ignored.

    A token is a byte for its cell, a feature, and a value. Also writes the ints `_B_`, `_TT_` and `_BxTT_`.

    Quirks kept: the mask is `feature == 0`, which is right only as long as padding is made of zeros: from 2025-06-06 on
    padding is attended, and the tokens of feature 0 are not (trap 35). Rows of padding are initialised like any other
    and get no gradient, so they stay there (trap 36). Divisors are those of the environment, which gave them in the
    order of box layers until 2025-06-17, not by the numbers of tokens (trap 34).
    """

    M: int
    _feat_dim: int
    _max_embeds: int
    _norm_factors: Tensor

    def _register_norm_factors(self, told: Any) -> None:
        """Divisor by feature, from a list or from pairs.

        Raises:
            ValueError: "Feature normalization ... is out of bounds for Embedding layer size ...".
        """
        factors = torch.ones(self._max_embeds, dtype=torch.float32)
        for number, value in told.items() if isinstance(told, Mapping) else enumerate(told):
            if number >= self._max_embeds:
                raise ValueError(
                    f"Feature normalization {value} is out of bounds for Embedding layer size {number}",
                )
            factors[number] = value
        self.register_buffer("_norm_factors", factors)

    def _forward(self, td: Blackboard) -> Blackboard:
        tokens = td["x"]
        time = 1 if tokens.dim() == 3 else tokens.shape[1]
        td["_B_"], td["_TT_"], td["_BxTT_"] = tokens.shape[0], time, tokens.shape[0] * time
        if tokens.dim() != 3:
            tokens = tokens.flatten(0, 1)
        cell, feature, value = tokens[..., 0].to(torch.uint8), tokens[..., 1].long(), tokens[..., 2].float()
        td["obs_mask"] = feature == 0
        td[str(self._name)] = self._vectors(cell >> 4 & 15, cell & 15, feature, value)
        return td

    def _vectors(self, x: Tensor, y: Tensor, feature: Tensor, value: Tensor) -> Tensor:
        raise NotImplementedError


def kept(feature_normalizations: Any) -> Any:
    """Divisors as the layers stored them: a list as a plain one."""
    return feature_normalizations if isinstance(feature_normalizations, Mapping) else list(feature_normalizations)


def table(rows: int, width: int, padding_row: int | None = None) -> nn.Embedding:
    """An embedding with every weight, that of padding too, uniform in (-0.1, 0.1)."""
    embedding = nn.Embedding(rows, width, padding_idx=padding_row)
    nn.init.uniform_(embedding.weight, -0.1, 0.1)
    return embedding


def pair_index(x: Tensor, y: Tensor) -> Tensor:
    """Row of a cell in a table of 256."""
    return (y * 16 + x).long()
