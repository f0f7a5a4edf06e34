"""The general blocks build from a config, announce the shapes that they give, and refuse what they cannot be."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from modules import MergeModule, ObsModule
from modules.base import BuildContext
from modules.builder import build_component
from modules.errors import ConfigError

BLOCKS = "modules.blocks"


@pytest.mark.parametrize(
    ("config", "in_shapes", "inputs", "shape"),
    [
        ({"_target_": f"{BLOCKS}.actor.ActorModule", "action_dim": 3}, [(5,)], [(2, 5)], (3,)),
        ({"_target_": f"{BLOCKS}.policy.PolicyModule", "action_dim": 3}, [(5,)], [(2, 5)], (3,)),
        ({"_target_": f"{BLOCKS}.obs.ObsModule", "out_features": 6}, [], [(2, 4, 4, 3)], (6,)),
        ({"_target_": f"{BLOCKS}.merge.MergeModule"}, [(5,), (2,)], [(2, 5), (2, 2)], (7,)),
        ({"_target_": f"{BLOCKS}.merge.MergeModule", "merge_type": "mean"}, [(5,), (5,)], [(2, 5), (2, 5)], (5,)),
    ],
    ids=lambda value: value["_target_"].rpartition(".")[2] if isinstance(value, dict) else "",
)
def test_the_announced_shape_is_what_comes_out(
    config: dict[str, Any], in_shapes: list[Any], inputs: list[Any], shape: tuple[int, ...]
) -> None:
    sources = tuple({"name": f"source{i}"} for i in range(len(in_shapes)))
    context = BuildContext(in_shapes=tuple(in_shapes), sources=sources, obs_shape=(4, 4, 3))
    module, announced = build_component("block", config, context)
    assert announced == shape
    assert module.compute(*(torch.randn(sizes) for sizes in inputs)).shape[1:] == shape


@pytest.mark.parametrize(
    ("merge_type", "expected"), [("concat", [8, 2]), ("add", [10]), ("subtract", [6]), ("mean", [5])]
)
def test_a_merge_does_what_its_type_says(merge_type: str, expected: list[int]) -> None:
    data: dict[str, Any] = {"a": torch.tensor([[8.0]]), "b": torch.tensor([[2.0]])}
    assert MergeModule(["a", "b"], merge_type)(data)["merged"].tolist() == [expected]


def test_a_merge_takes_slices() -> None:
    merge = MergeModule(["a", "b"], slices=[(0, 1), None])
    assert merge({"a": torch.ones(2, 3), "b": torch.ones(2, 2)})["merged"].shape == (2, 3)


def test_a_merge_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="merge_type must be concat, add, subtract, mean, got 'glue'"):
        MergeModule(["a"], "glue")


def test_sizes_must_be_positive() -> None:
    with pytest.raises(ConfigError, match=re.escape("obs_shape[1] must be a positive integer, got 0")):
        ObsModule((3, 0), 4)
