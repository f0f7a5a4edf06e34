"""`Bilinear`: a bilinear form of two vectors."""

from __future__ import annotations

from typing import Any

from torch import nn

from legacy.base import Blackboard, LayerBase


class Bilinear(LayerBase):
    """`[B, in1]`, `[B, in2]` -> `[B, out_features]`; `nn_params` goes to `nn.Bilinear`.

    Quirks kept: `nn_params` becomes a plain dict that holds the input sizes too (trap 27); only index 0 of the shapes
    counts, so images are announced as vectors and fail at `forward`; a source listed twice is an IndexError (trap 56).
    """

    def _make_net(self) -> nn.Module:
        self._out_tensor_shape = [self._nn_params.out_features]
        self._nn_params = dict(
            self._nn_params, in1_features=self._in_tensor_shapes[0][0], in2_features=self._in_tensor_shapes[1][0]
        )
        return nn.Bilinear(**self._nn_params)

    def _forward(self, td: Blackboard) -> Blackboard:
        sources: Any = self._sources
        td[str(self._name)] = self._net(td[sources[0]["name"]], td[sources[1]["name"]])
        return td
