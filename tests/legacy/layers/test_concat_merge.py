from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.concat_merge import ConcatMergeLayer
from tests.legacy._build import Source, build, run

IMAGE = Source("image", torch.zeros(1, 2, 3, 4))


def merge(*entries: dict[str, Any], **config: Any) -> Any:
    return build(ConcatMergeLayer, IMAGE, sources=[{"name": "image", **entry} for entry in entries], **config)


def test_channels_are_concatenated_by_default() -> None:
    layer = merge({}, {"slice": [0, 1], "dim": 1})
    assert layer._out_tensor_shape == [3, 3, 4]
    assert run(layer).shape == (1, 3, 3, 4)


def test_along_another_dim_the_shape_it_announces_is_wrong() -> None:  # trap 16
    layer = merge({"dim": 2}, {"dim": 2})
    assert run(layer).shape == (1, 2, 6, 4)
    assert layer._out_tensor_shape == [2, 2 + 2, 4]


def test_a_negative_dim_is_off_by_one_in_the_shape() -> None:  # trap 16
    layer = merge({"dim": -1}, {"dim": -1})
    assert run(layer).shape == (1, 2, 3, 8)
    assert layer._out_tensor_shape == [2, 4, 4]


def test_dims_must_agree() -> None:
    with pytest.raises(ValueError, match=r"^For 'concat', all sources must have the same 'dim'. Got dims: \[1, 2\]$"):
        merge({}, {"dim": 2})


def test_an_output_size_is_ignored() -> None:  # trap 18
    assert merge({}, {}, output_size=99)._out_tensor_shape == [4, 3, 4]
