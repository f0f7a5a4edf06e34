"""A wrapper changes neither keys, nor names, nor order, and whoever looks finds what is inside."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modules import (
    ComponentContainer,
    LinearModule,
    MettaModule,
    RegularizedModule,
    SafeModule,
    WeightMonitoringModule,
    load_agent,
    save_agent,
)
from modules.errors import ConfigError
from modules.layers.actor_big import ActorBigModule
from modules.layers.batch_norm1d import BatchNorm1dModule
from modules.layers.dropout import DropoutModule
from tests.modules._agents import agent as make_agent

Wrap = Callable[[nn.Module], MettaModule]


def nested(module: nn.Module) -> MettaModule:
    return WeightMonitoringModule(RegularizedModule(SafeModule(module)), clip_value=1.0)


def nested_otherwise(module: nn.Module) -> MettaModule:
    return SafeModule(WeightMonitoringModule(RegularizedModule(module)))


WRAPS: dict[str, Wrap] = {
    "SafeModule": SafeModule,
    "RegularizedModule": RegularizedModule,
    "WeightMonitoringModule": WeightMonitoringModule,
    "nested": nested,
    "nested otherwise": nested_otherwise,
}
wraps = pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)


def wrap_all(components: ComponentContainer, wrap: Wrap) -> None:
    for name in list(components):
        components.replace_component(name, wrap(components[name]))


@wraps
def test_keys_names_and_order_are_those_of_the_wrapped_module(wrap: Wrap) -> None:
    module = ActorBigModule(8, 4, 3, 5)
    wrapped = wrap(module)
    assert (wrapped.in_keys, wrapped.out_keys) == (module.in_keys, module.out_keys)
    assert list(wrapped.state_dict()) == list(module.state_dict())
    assert [name for name, _ in wrapped.named_parameters()] == [name for name, _ in module.named_parameters()]
    assert all(a is b for a, b in zip(wrapped.parameters(), module.parameters(), strict=True))


@wraps
def test_an_agent_keeps_its_names_answers_and_random_numbers(wrap: Wrap) -> None:
    agent = make_agent()
    wrapped = copy.deepcopy(agent)
    wrap_all(wrapped.components, wrap)
    assert list(wrapped.state_dict()) == list(agent.state_dict())
    assert [name for name, _ in wrapped.named_parameters()] == [name for name, _ in agent.named_parameters()]
    answers = []
    for each in (agent, wrapped):
        torch.manual_seed(0)
        answers.append(each(torch.full((4, 5, 5, 3), 7, dtype=torch.uint8)))
    assert all(torch.equal(a, b) for a, b in zip(*answers, strict=True))


@wraps
def test_gradients_are_those_of_the_wrapped_module(wrap: Wrap) -> None:
    module = LinearModule(4, 3)
    x = torch.randn(2, 4)
    module({"input": x})["output"].square().sum().backward()
    alone = [parameter.grad for parameter in module.parameters()]
    module.zero_grad()
    wrap(module)({"input": x})["output"].square().sum().backward()
    assert all(torch.equal(a, p.grad) for a, p in zip(alone, module.parameters(), strict=True))  # type: ignore[arg-type]


@wraps
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_copies_have_weights_of_their_own_that_wrapper_and_wrapped_share(
    wrap: Wrap, copied: Callable[[Any], Any]
) -> None:
    original = wrap(LinearModule(4, 3))
    twin = copied(original)
    with torch.no_grad():
        twin.weight.zero_()
    assert original.get_parameter("weight").abs().sum() > 0
    assert torch.equal(twin({"input": torch.ones(1, 4)})["output"], twin.bias.expand(1, 3))


@wraps
def test_a_loaded_state_and_another_dtype_reach_the_wrapped_module(wrap: Wrap) -> None:
    module = LinearModule(4, 3)
    wrapped = wrap(module)
    wrapped.load_state_dict({"weight": torch.ones(3, 4), "bias": torch.zeros(3)})
    wrapped.double()
    assert module.weight.dtype == torch.float64
    assert torch.equal(module.weight, torch.ones(3, 4, dtype=torch.float64))


@wraps
def test_the_mode_reaches_the_wrapped_module_and_its_buffers_are_followed(wrap: Wrap) -> None:
    module = BatchNorm1dModule(3)
    wrapped = wrap(module).eval()
    assert not module.training
    assert not module.norm.training
    wrapped.train()({"input": torch.randn(8, 3) + 5})
    assert module.norm.running_mean is not None
    assert module.norm.running_mean.mean() > 0.1


@wraps
def test_hooks_on_the_wrapped_module_fire(wrap: Wrap) -> None:
    module, seen = LinearModule(4, 3), list[str]()
    module.register_forward_hook(lambda *_: seen.append("forward"))
    container = ComponentContainer()
    container.register_component("fc", wrap(module))
    container.execute({"input": torch.ones(1, 4)})
    assert seen == ["forward"]


@wraps
def test_children_that_are_swapped_are_swapped_in_the_wrapped_module(wrap: Wrap) -> None:
    module = BatchNorm1dModule(3)
    container = ComponentContainer()
    container.register_component("norm", wrap(module))
    nn.SyncBatchNorm.convert_sync_batchnorm(container)  # type: ignore[no-untyped-call]
    assert isinstance(module.norm, nn.SyncBatchNorm)


@wraps
def test_a_policy_is_saved_with_its_wrappers_and_loads_without(wrap: Wrap, tmp_path: Any) -> None:
    agent = make_agent()
    plain = {key: value.clone() for key, value in agent.state_dict().items()}
    wrap_all(agent.components, wrap)
    save_agent(agent, tmp_path / "policy.safetensors")
    loaded = load_agent(tmp_path / "policy.safetensors").state_dict()
    assert list(loaded) == list(plain)
    assert all(torch.equal(loaded[key], plain[key]) for key in plain)


@wraps
def test_trained_attributes_are_read_from_and_written_to_the_wrapped_module(wrap: Wrap) -> None:
    module = LinearModule(4, 3, clip_range=1.0)
    wrapped: Any = wrap(module)
    wrapped.clip_value = 0.25
    assert module.clip_value == wrapped.clip_value == 0.25


def test_a_wrapper_around_a_module_without_compute_runs_its_forward() -> None:
    class Doubling(nn.Module):
        in_keys, out_keys = ("a",), ("b",)

        def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
            data["b"] = data["a"] * 2
            return data

    assert SafeModule(Doubling())({"a": torch.ones(2)})["b"].sum() == 4


def test_what_cannot_be_wrapped_is_refused() -> None:
    with pytest.raises(ConfigError, match="SafeModule wraps a module with in_keys and out_keys, got Linear"):
        SafeModule(nn.Linear(2, 2))


@wraps
def test_attributes_are_set_where_they_are_read(wrap: Wrap) -> None:
    wrapped: Any = wrap(DropoutModule(p=0.5))
    wrapped.p = 0.0
    assert wrapped({"input": torch.ones(8)})["output"].tolist() == [1.0] * 8


class Renamed(MettaModule):
    """Once kept its weight transposed."""

    _version = 2

    def __init__(self) -> None:
        super().__init__(("x",), ("y",))
        self.weight = nn.Parameter(torch.arange(4.0).view(2, 2))
        self.scale = torch.ones(())

    def compute(self, x: Tensor) -> Tensor:
        return x @ self.weight * self.scale

    def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *rest: Any) -> None:
        if (metadata.get("version") or 1) < 2:
            state[f"{prefix}weight"] = state[f"{prefix}weight"].T.clone()
        super()._load_from_state_dict(state, prefix, metadata, *rest)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.scale = fn(self.scale)
        return self


@wraps
def test_the_version_of_a_state_is_that_of_the_wrapped_module(wrap: Wrap) -> None:
    plain = Renamed()
    plain.load_state_dict(wrap(Renamed()).state_dict())
    assert plain.weight.tolist() == [[0.0, 1.0], [2.0, 3.0]]


@wraps
def test_hooks_on_the_state_of_the_wrapped_module_fire(wrap: Wrap) -> None:
    module: Any = LinearModule(2, 2)
    fired: list[str] = []
    module.register_state_dict_pre_hook(lambda *_: fired.append("before saving"))
    module.register_state_dict_post_hook(lambda *_: fired.append("after saving"))
    module.register_load_state_dict_pre_hook(lambda *_: fired.append("before loading"))
    module.register_load_state_dict_post_hook(lambda *_: fired.append("after loading"))
    wrapped = wrap(module)
    wrapped.load_state_dict(wrapped.state_dict())
    assert fired == ["before saving", "after saving", "before loading", "after loading"]


@wraps
def test_what_a_module_moves_by_itself_is_moved(wrap: Wrap) -> None:
    module = Renamed()
    wrap(module).double()
    assert (module.scale.dtype, module.weight.dtype) == (torch.float64, torch.float64)


@wraps
def test_a_function_is_applied_once(wrap: Wrap) -> None:
    def double(module: nn.Module) -> None:
        if isinstance(getattr(module, "weight", None), Tensor):
            module.weight.data.mul_(2)  # type: ignore[operator]

    container = ComponentContainer()
    container.register_component("y", wrap(Renamed()))
    container.apply(double)
    assert container["y"].weight.tolist() == [[0.0, 2.0], [4.0, 6.0]]  # type: ignore[operator]


@wraps
def test_a_wrapper_is_in_the_mode_of_its_module(wrap: Wrap) -> None:
    assert [wrap(LinearModule(4, 3).train(mode)).training for mode in (True, False)] == [True, False]


@wraps
@pytest.mark.parametrize(
    "register", ["register_forward_pre_hook", "register_full_backward_hook", "register_full_backward_pre_hook"]
)
def test_every_kind_of_hook_on_the_wrapped_module_fires(wrap: Wrap, register: str) -> None:
    module, seen = LinearModule(4, 3), list[str]()
    getattr(module, register)(lambda *_: seen.append("hook"))
    container = ComponentContainer()
    container.register_component("fc", wrap(module))
    data = container.execute({"input": torch.ones(1, 4, requires_grad=True)})
    data["output"].sum().backward()
    assert seen == ["hook"]


class Reversed(LinearModule):
    """Keeps its weight upside down in state dicts."""

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[f"{prefix}weight"] = destination[f"{prefix}weight"].flip(0)

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        state[f"{prefix}weight"] = state[f"{prefix}weight"].flip(0)
        super()._load_from_state_dict(state, prefix, *rest)


@wraps
def test_a_module_saves_and_loads_in_its_own_way(wrap: Wrap) -> None:
    module, other = Reversed(4, 3), Reversed(4, 3)
    state = wrap(module).state_dict()
    assert torch.equal(state["weight"], module.weight.flip(0))
    wrap(other).load_state_dict(state)
    assert torch.equal(other.weight, module.weight)
