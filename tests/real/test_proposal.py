"""The proposal's own text: its samples run as written, and its sketches break the laws that ours keep."""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor, nn

import modules
from tests.modules._agents import ENVIRONMENT, config

SAMPLES = (
    "test_linear_module",
    "test_actor_module",
    "test_merge_module",
    "test_safe_module",
    "test_regularized_module",
    "test_composed_wrappers",
    "test_regularization_computation",
    "test_full_agent_pipeline",
)
SKETCHES = ("MettaModule", "ComponentContainer", "SafeModule", "RegularizedModule", "WeightMonitoringModule")


@pytest.fixture(scope="module")
def blocks(pytestconfig: pytest.Config) -> list[str]:
    path = Path(pytestconfig.rootpath).parent / "shared" / "proposal.md"
    if not path.is_file():
        pytest.skip("REAL FILES ABSENT: no proposal beside the repository, so its samples were not run")
    return [textwrap.dedent(block) for block in re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)]


class MockModule(modules.MettaModule):
    """The proposal names it and leaves it to its readers."""

    def __init__(self) -> None:
        super().__init__(("input",), ("output",))
        self.weight = nn.Parameter(torch.ones(()))

    def compute(self, x: Tensor) -> Tensor:
        return x * self.weight


def surroundings() -> dict[str, Any]:
    """What the samples take for granted."""
    actions = {"names": ["noop"], "max_params": [0]}
    return {
        **{name: getattr(modules, name) for name in modules.__all__},
        "torch": torch,
        "nn": nn,
        "TensorDict": TensorDict,
        "MockModule": MockModule,
        "SimpleLinear": modules.LinearModule,
        "test_tensordict": TensorDict({"input": torch.ones(2, 10)}, batch_size=[2]),
        "input_tensordict": TensorDict({"state": torch.ones(2, 64)}, batch_size=[2]),
        "config": {**config(), "environment": ENVIRONMENT.to_dict(), "actions": actions},
        "test_observation": {"x": torch.zeros(1, *ENVIRONMENT.obs_shape)},
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_runs_as_written(blocks: list[str], name: str) -> None:
    (block,) = [block for block in blocks if f"def {name}()" in block]
    namespace = surroundings()
    exec(block, namespace)
    namespace[name]()


def test_the_nesting_of_wrappers_runs_as_written(blocks: list[str]) -> None:
    (block,) = [block for block in blocks if "PolicyModule(64, 32)" in block]
    namespace = surroundings()
    exec(block, namespace)
    assert namespace["result"]["action"].shape == (2, 32)


def sketches(blocks: list[str]) -> dict[str, Any]:
    namespace: dict[str, Any] = {"torch": torch, "nn": nn, "TensorDict": TensorDict}
    for name in SKETCHES:
        block = next(block for block in blocks if f"class {name}(" in block and "def __init__" in block)
        exec(block, namespace)
    return namespace


class Keyed(nn.Module):
    """A module with keys that both stacks can hold: a weight times its input."""

    def __init__(self, in_key: str, out_key: str) -> None:
        super().__init__()
        self.in_keys, self.out_keys = (in_key,), (out_key,)
        self.weight = nn.Parameter(torch.full((1, 1), 3.0))

    def forward(self, data: Any) -> Any:
        data[self.out_keys[0]] = data[self.in_keys[0]] @ self.weight
        return data


def it_runs_components_in_the_order_of_the_graph(stack: Mapping[str, Any]) -> None:
    container = stack["ComponentContainer"]()
    container.register_component("b", Keyed("a", "b"), ["a"])
    container.register_component("a", Keyed("x", "a"))
    assert container.execute({"x": torch.ones(1, 1)})["b"].item() == 9


def it_refuses_a_second_writer(stack: Mapping[str, Any]) -> None:
    container = stack["ComponentContainer"]()
    container.register_component("a", Keyed("x", "y"))
    with pytest.raises(ValueError, match="two writers"):
        container.register_component("b", Keyed("x", "y"))


def it_refuses_a_swap_that_changes_keys(stack: Mapping[str, Any]) -> None:
    container = stack["ComponentContainer"]()
    container.register_component("a", Keyed("x", "a"))
    with pytest.raises(ValueError, match="keeps the keys"):
        container.replace_component("a", Keyed("x", "other"))


def it_clips_the_action_by_its_real_name(stack: Mapping[str, Any]) -> None:
    bounds = {"_action_": (-1.0, 1.0)} if stack is not SKETCHED else (-1.0, 1.0)
    safe = stack["SafeModule"](Keyed("x", "_action_"), action_bounds=bounds)
    assert safe({"x": torch.ones(1, 1)})["_action_"].item() == 1


def it_warns_of_extreme_values_by_their_real_name(stack: Mapping[str, Any]) -> None:
    safe = stack["SafeModule"](Keyed("x", "_value_"))
    with pytest.warns(UserWarning, match="extreme values"):
        safe({"x": torch.full((1, 1), 1e6)})


def it_says_nothing_on_standard_output(stack: Mapping[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stack["SafeModule"](Keyed("x", "a_value"))({"x": torch.full((1, 1), 1e6)})
    assert capsys.readouterr().out == ""


def it_leaves_gradients_alone_when_it_limits_weights(stack: Mapping[str, Any]) -> None:
    upstream, module = Keyed("x", "a"), Keyed("a", "b")
    data = stack["WeightMonitoringModule"](module, clip_value=1.0)(upstream({"x": torch.ones(1, 1)}))
    data["b"].sum().backward()
    assert upstream.weight.grad is not None
    assert upstream.weight.grad.item() == 3.0


def it_counts_a_parameter_once_when_nested(stack: Mapping[str, Any]) -> None:
    regularized = stack["RegularizedModule"]
    loss = regularized(regularized(Keyed("x", "a"), l2_scale=1.0), l2_scale=1.0)({"x": torch.ones(1, 1)})
    assert loss["regularization_loss"].item() == 9


def it_keeps_the_names_of_parameters(stack: Mapping[str, Any]) -> None:
    assert list(stack["SafeModule"](Keyed("x", "a")).state_dict()) == ["weight"]


LAWS: tuple[Callable[..., None], ...] = (
    it_runs_components_in_the_order_of_the_graph,
    it_refuses_a_second_writer,
    it_refuses_a_swap_that_changes_keys,
    it_clips_the_action_by_its_real_name,
    it_warns_of_extreme_values_by_their_real_name,
    it_leaves_gradients_alone_when_it_limits_weights,
    it_counts_a_parameter_once_when_nested,
    it_keeps_the_names_of_parameters,
)
SKETCHED: dict[str, Any] = {}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_law_holds_here_and_not_in_the_sketch(blocks: list[str], law: Callable[..., None]) -> None:
    law({name: getattr(modules, name) for name in modules.__all__})
    SKETCHED.update(sketches(blocks))
    with pytest.raises((AssertionError, AttributeError, pytest.fail.Exception)):
        law(SKETCHED)


def test_ours_is_silent_and_the_sketch_prints(blocks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    it_says_nothing_on_standard_output({"SafeModule": modules.SafeModule}, capsys)
    with pytest.raises(AssertionError):
        it_says_nothing_on_standard_output(sketches(blocks), capsys)
