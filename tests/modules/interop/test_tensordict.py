from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
import torch
from tensordict import TensorDict
from tensordict.nn import (
    InteractionType,
    ProbabilisticTensorDictModule,
    TensorDictModule,
    TensorDictModuleBase,
    TensorDictSequential,
)
from torch import Tensor, nn

from modules import ComponentContainer, LinearModule, SafeModule
from modules.errors import InputError
from modules.layers.concat_merge import ConcatMergeModule
from modules.layers.lstm import LSTMModule
from tests.modules._agents import agent, observations

ROWS = 4
Mapping = MutableMapping[str, Any]
MAPPINGS: list[Callable[[dict[str, Tensor]], Mapping]] = [
    dict,
    lambda data: TensorDict(data, batch_size=[]),
    lambda data: TensorDict(data, batch_size=[ROWS]),
]
each_mapping = pytest.mark.parametrize("mapping", MAPPINGS, ids=["dict", "tensordict", "with batch size"])


def layers() -> dict[str, LinearModule]:
    """`x -> hidden`, and two readers of it, `left` and `right`."""
    torch.manual_seed(0)
    return {
        "hidden": LinearModule(3, 5, nonlinearity="Tanh", in_keys=("x",), out_keys=("hidden",)),
        "left": LinearModule(5, 2, in_keys=("hidden",), out_keys=("left",)),
        "right": LinearModule(5, 1, in_keys=("hidden",), out_keys=("right",)),
    }


def inputs() -> Tensor:
    return torch.randn(ROWS, 3, generator=torch.Generator().manual_seed(1))


def gradients(module: nn.Module, results: Mapping) -> list[Tensor]:
    loss = results["left"].square().sum() + results["right"].sum()
    return list(torch.autograd.grad(loss, list(module.parameters())))


def ours() -> tuple[ComponentContainer, Mapping]:
    components = ComponentContainer()
    for name, layer in layers().items():
        components.register_component(name, layer)
    return components, components.execute({"x": inputs()})


def same(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_modules_in_a_tensordict_sequential_give_the_containers_values_and_gradients() -> None:
    sequential = TensorDictSequential(*layers().values())
    components, expected = ours()
    results = sequential(TensorDict({"x": inputs()}, batch_size=[ROWS]))
    assert all(torch.equal(results[key], expected[key]) for key in ("hidden", "left", "right"))
    assert same(gradients(sequential, results), gradients(components, expected))


def test_a_sequential_tells_the_keys_of_our_modules_as_its_own() -> None:
    sequential = TensorDictSequential(*layers().values())
    assert list(sequential.in_keys) == ["x"]
    assert list(sequential.out_keys) == ["hidden", "left", "right"]


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        ({"out_keys": ["left"]}, ["hidden", "left"]),
        ({"out_keys": ["hidden"]}, ["hidden"]),
        ({"in_keys": ["hidden"]}, ["left", "right"]),
        ({"in_keys": ["x"], "out_keys": ["right"]}, ["hidden", "right"]),
    ],
    ids=["by an output", "by an inner key", "by an input", "by both"],
)
def test_a_selected_subsequence_holds_the_modules_that_are_needed(
    selection: dict[str, list[str]], chosen: list[str]
) -> None:
    parts = layers()
    subsequence = TensorDictSequential(*parts.values()).select_subsequence(**selection)
    assert [id(module) for module in subsequence.module] == [id(parts[name]) for name in chosen]
    _, expected = ours()
    data = {key: expected[key].detach() for key in ("x", "hidden") if key in subsequence.in_keys}
    results = subsequence(TensorDict(data, batch_size=[ROWS]))
    assert all(torch.equal(results[name], expected[name]) for name in chosen)


def test_a_module_with_several_inputs_and_outputs_runs_between_theirs() -> None:
    lstm = LSTMModule(3, 4, in_keys=("x", "lstm_h", "lstm_c"), out_keys=("core", "next_lstm_h", "next_lstm_c"))
    double = TensorDictModule(lambda x: x * 2, in_keys=["core"], out_keys=["doubled"])
    joined = ConcatMergeModule(["doubled", "core"], out_keys=("joined",))
    h, c = lstm.initial_state(ROWS, inputs())
    data = TensorDict({"x": inputs(), "lstm_h": h, "lstm_c": c}, batch_size=[])
    results = TensorDictSequential(lstm, double, joined)(data)
    assert torch.equal(results["joined"], torch.cat([results["core"] * 2, results["core"]], dim=1))


def test_a_wrapped_module_runs_in_a_sequential() -> None:
    wrapped = [SafeModule(layer) for layer in layers().values()]
    results = TensorDictSequential(*wrapped)(TensorDict({"x": inputs()}, batch_size=[ROWS]))
    _, expected = ours()
    assert torch.equal(results["left"], expected["left"])


def test_the_components_of_an_agent_run_as_a_sequential_with_its_values() -> None:
    policy, x = agent(), observations(ROWS)
    core: Any = policy.components["_core_"]
    state = dict(zip(("lstm_h", "lstm_c"), core.initial_state(ROWS, x), strict=True))
    sequential = TensorDictSequential(*(policy.components[name] for name in policy.components.order()))
    results = sequential(TensorDict({"x": x, **state}, batch_size=[]))
    expected = policy.components.execute({"x": x, **state})
    assert all(torch.equal(results[key], expected[key]) for key in ("_value_", "_action_", "next_lstm_h"))


def with_theirs(theirs: TensorDictModuleBase) -> tuple[ComponentContainer, dict[str, LinearModule]]:
    """Our container, with one of tensordict's modules in the place of `hidden`."""
    parts, components = layers(), ComponentContainer()
    for name, layer in {**parts, "hidden": theirs}.items():
        components.register_component(name, layer)
    return components, parts


@each_mapping
def test_a_tensordict_module_in_the_container_gives_our_modules_values_and_gradients(
    mapping: Callable[[dict[str, Tensor]], Mapping],
) -> None:
    plain = nn.Sequential(nn.Linear(3, 5), nn.Tanh())
    components, parts = with_theirs(TensorDictModule(plain, in_keys=["x"], out_keys=["hidden"]))
    plain[0].load_state_dict(parts["hidden"].state_dict())
    results = components.execute(mapping({"x": inputs()}))
    reference, expected = ours()
    for key in ("hidden", "left", "right"):
        torch.testing.assert_close(results[key], expected[key])
    for a, b in zip(gradients(components, results), gradients(reference, expected), strict=True):
        torch.testing.assert_close(a, b)


@each_mapping
def test_a_whole_sequential_is_a_component(mapping: Callable[[dict[str, Tensor]], Mapping]) -> None:
    parts = layers()
    components = ComponentContainer()
    components.register_component("both", TensorDictSequential(parts["hidden"], parts["left"]))
    components.register_component("right", parts["right"])
    _, expected = ours()
    data = mapping({"x": inputs()})
    assert components.execute(data, outputs=["right", "left"]) is data
    assert torch.equal(data["left"], expected["left"])
    assert torch.equal(data["right"], expected["right"])


@each_mapping
def test_a_wrapper_around_a_tensordict_module_is_a_component(
    mapping: Callable[[dict[str, Tensor]], Mapping],
) -> None:
    components = ComponentContainer()
    theirs = TensorDictModule(nn.ReLU(), in_keys=["x"], out_keys=["positive"])
    components.register_component("positive", SafeModule(theirs))
    assert torch.equal(components.execute(mapping({"x": inputs()}))["positive"], inputs().relu())


def test_a_probabilistic_module_of_theirs_samples_from_our_logits() -> None:
    components = ComponentContainer()
    components.register_component("logits", LinearModule(3, 5, in_keys=("x",), out_keys=("logits",)))
    sample = ProbabilisticTensorDictModule(
        in_keys=["logits"],
        out_keys=["action"],
        distribution_class=torch.distributions.Categorical,
        default_interaction_type=InteractionType.RANDOM,
    )
    components.register_component("action", sample)
    torch.manual_seed(3)
    results = components.execute({"x": inputs()})
    torch.manual_seed(3)
    expected: Any = torch.distributions.Categorical(logits=results["logits"])
    assert torch.equal(results["action"], expected.sample())


def test_functional_parameters_of_tensordict_swap_into_our_container() -> None:
    components, expected = ours()
    doubled = TensorDict.from_module(components).data * 2
    with doubled.to_module(components):
        changed = components.execute({"x": inputs()})
    assert not torch.equal(changed["left"], expected["left"])
    assert torch.equal(components.execute({"x": inputs()})["left"], expected["left"])


def test_steps_with_states_of_their_own_need_a_dict() -> None:
    policy, x = agent(), observations(ROWS, 2)
    policy.config["sequences"] = "single_steps"
    action = torch.zeros(ROWS, 2, 2, dtype=torch.int64)
    assert policy({"x": x, "action": action})["next_lstm_h"].shape[1] == ROWS * 2
    with pytest.raises(InputError, match=r"no TensorDict of batch_size \[B\] can hold: give a dict"):
        policy(TensorDict({"x": x, "action": action}, batch_size=[ROWS]))
