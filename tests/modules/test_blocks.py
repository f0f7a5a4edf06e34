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


MERGE = {"_target_": "modules.blocks.merge.MergeModule"}


@pytest.mark.parametrize(("shapes", "dim", "expected"), [([(3, 5), (3, 6)], 2, (3, 11)), ([(3, 5), (4, 5)], 1, (7, 5))])
def test_a_merge_goes_along_the_dim_of_its_sources(shapes: list[Any], dim: int, expected: tuple[int, ...]) -> None:
    sources = tuple({"name": f"source{i}", "dim": dim} for i in range(2))
    context = BuildContext(in_shapes=tuple(shapes), sources=sources, obs_shape=(4, 4, 3))
    module, announced = build_component("merge", MERGE, context)
    assert module.compute(*(torch.ones(2, *shape) for shape in shapes)).shape[1:] == announced == expected


def test_a_merge_of_shapes_that_do_not_fit_is_refused() -> None:
    context = BuildContext(in_shapes=((3, 5), (4, 6)), sources=({"name": "a"}, {"name": "b"}), obs_shape=(4, 4, 3))
    with pytest.raises(ConfigError, match="cannot concatenate shapes"):
        build_component("merge", MERGE, context)


@pytest.mark.parametrize("cut", [[0, 1, 2], [0], [2, 1], "ab"])
def test_a_slice_of_ones_own_code_is_checked(cut: Any) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"slice {cut!r} of input 'a' must be [start, end]")):
        MergeModule(["a"], slices=[cut])


def test_a_merge_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="merge_type must be concat, add, subtract, mean, got 'glue'"):
        MergeModule(["a"], "glue")


def test_sizes_must_be_positive() -> None:
    with pytest.raises(ConfigError, match=re.escape("obs_shape[1] must be a positive integer, got 0")):
        ObsModule((3, 0), 4)


def test_a_merge_needs_an_input() -> None:
    with pytest.raises(ConfigError, match="in_keys must name at least one input to merge"):
        MergeModule([])


def test_a_state_manager_reads_its_sizes_off_two_sources() -> None:
    manager = {"_target_": "modules.blocks.state_manager.StateManager"}
    sources = ({"name": "state"}, {"name": "action"})
    module, shape = build_component("next", manager, BuildContext(in_shapes=((3,), (2,)), sources=sources))
    data = module({"state": torch.ones(1, 3), "action": torch.ones(1, 2)})
    assert (shape, data["next"].shape, data["state_delta"].shape) == ((3,), (1, 3), (1, 3))
    with pytest.raises(ConfigError, match="needs two sources, a state and an action, vectors both"):
        build_component("next", manager, BuildContext(in_shapes=((3,),), sources=sources[:1]))
