"""Executors give one result; the parallel one runs in threads, and refuses what threads would change."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import threading
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modules import (
    ComponentContainer,
    LinearModule,
    MettaAgent,
    MettaModule,
    ParallelDAGExecutor,
    SequentialDAGExecutor,
)
from modules.blocks import MergeModule
from modules.errors import ConfigError, GraphError
from modules.layers.dropout import DropoutModule
from modules.layers.obs_slot_attn import ObsSlotAttnModule
from tests.modules._agents import ENVIRONMENT, config, observations
from tests.modules._agents import agent as make_agent
from tests.modules._graphs import X, container


def wide(branches: int = 3) -> ComponentContainer:
    """Branches from one input to one merge."""
    container, names = ComponentContainer(), [f"branch{i}" for i in range(branches)]
    for name in names:
        container.register_component(name, LinearModule(4, 4, nonlinearity="Tanh", out_keys=(name,)))
    container.register_component("merged", MergeModule(names))
    return container


@pytest.fixture(autouse=True)
def _without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def both(container: ComponentContainer, **data: Tensor) -> list[Any]:
    return [execute(container, dict(data)) for execute in (SequentialDAGExecutor(), ParallelDAGExecutor())]


def test_results_are_those_of_the_sequence() -> None:
    sequential, parallel = both(wide(), input=torch.randn(5, 4))
    assert sequential.keys() == parallel.keys()
    assert all(torch.equal(sequential[key], parallel[key]) for key in sequential)


def test_with_gradients_it_is_the_sequence() -> None:
    """Threads would add up the gradients of what several components read in another order each time."""
    threads = set()

    class Seen(LinearModule):
        def compute(self, x: Tensor) -> Tensor:
            threads.add(threading.current_thread())
            return super().compute(x)

    container = ComponentContainer()
    for name in "abc":
        container.register_component(name, Seen(4, 4, in_keys=("input",), out_keys=(name,)))
    with torch.enable_grad():
        ParallelDAGExecutor()(container, {"input": torch.randn(2, 4)})
    assert threads == {threading.current_thread()}


def test_branches_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)

    class Meeting(MettaModule):
        def compute(self, x: Tensor) -> Tensor:
            meeting.wait()
            return x

    container = ComponentContainer()
    for name in ("a", "b"):
        container.register_component(name, Meeting(("input",), (name,)))
    assert set(ParallelDAGExecutor(max_workers=2)(container, {"input": torch.ones(1)})) == {"input", "a", "b"}


def test_only_wanted_outputs_are_computed_and_kept() -> None:
    container = wide()
    data = ParallelDAGExecutor()(container, {"input": torch.ones(1, 4)}, outputs=["branch1"])
    assert set(data) == {"input", "branch1"}


@pytest.mark.parametrize("mode", [torch.no_grad(), torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16)])
def test_threads_take_over_the_callers_modes(mode: Any) -> None:
    container = wide()
    with mode:
        sequential, parallel = both(container, input=torch.ones(2, 4))
    for key in ("branch0", "merged"):
        assert sequential[key].dtype == parallel[key].dtype
        assert sequential[key].requires_grad == parallel[key].requires_grad
        assert sequential[key].is_inference() == parallel[key].is_inference()


def test_threads_take_over_the_default_device() -> None:
    class Making(MettaModule):
        def compute(self, x: Tensor) -> Tensor:
            return torch.zeros(len(x))

    container = ComponentContainer()
    container.register_component("made", Making(("input",), ("made",)))
    with torch.device("meta"):
        assert ParallelDAGExecutor()(container, {"input": torch.ones(2)})["made"].device.type == "meta"


def test_what_draws_random_numbers_is_refused_in_training_only() -> None:
    container = ComponentContainer()
    container.register_component("drop", DropoutModule(p=0.5))
    with pytest.raises(GraphError, match="component 'drop' draws random numbers: run it with `execution: sequential`"):
        ParallelDAGExecutor()(container, {"input": torch.ones(3)})
    ParallelDAGExecutor()(container.eval(), {"input": torch.ones(3)})


@pytest.mark.parametrize(
    "module",
    [
        ObsSlotAttnModule(4, 2, 4, 1),
        nn.Sequential(nn.Dropout()),
        nn.RReLU(),
        nn.MultiheadAttention(4, 2, dropout=0.1),
        nn.LSTM(4, 4, 2, dropout=0.1),
    ],
    ids=lambda module: type(module).__name__,
)
def test_random_children_count(module: nn.Module) -> None:
    class Around(MettaModule):
        def __init__(self) -> None:
            super().__init__(("input",), ("output",))
            self.inside = module

    container = ComponentContainer()
    container.register_component("around", Around())
    with pytest.raises(GraphError, match="draws random numbers"):
        ParallelDAGExecutor()(container, {"input": torch.ones(1, 2, 4)})


def test_what_writes_into_its_input_is_refused() -> None:
    container = ComponentContainer()
    container.register_component("drop", DropoutModule(p=0.0, inplace=True))
    with pytest.raises(GraphError, match="component 'drop' writes into its input"):
        ParallelDAGExecutor()(container, {"input": torch.ones(3)})


def test_an_error_in_a_thread_is_the_callers() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        ParallelDAGExecutor()(wide(), {"input": torch.ones(1, 5)})


def test_a_missing_input_is_named() -> None:
    with pytest.raises(GraphError, match="component 'branch0' reads 'input', which no component writes"):
        ParallelDAGExecutor()(wide(), {})


def test_hooks_fire() -> None:
    container, seen = wide(), list[str]()
    container["branch1"].register_forward_hook(lambda *_: seen.append("branch1"))
    ParallelDAGExecutor()(container, {"input": torch.ones(1, 4)})
    assert seen == ["branch1"]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda agent: pickle.loads(pickle.dumps(agent))])
def test_an_agent_runs_as_its_config_says_copies_too(copied: Any) -> None:
    parallel = MettaAgent(config() | {"execution": "parallel"}, ENVIRONMENT)
    sequential = make_agent()
    parallel.load_state_dict(sequential.state_dict(), strict=False)
    parallel.activate_actions(["noop", "move", "attack"], [0, 1, 2])
    parallel.load_state_dict(sequential.state_dict())
    parallel(observations(3))
    answers = []
    for each in (sequential, copied(parallel)):
        torch.manual_seed(0)
        answers.append(each(observations(3)))
    assert all(torch.equal(a, b) for a, b in zip(*answers, strict=True))


def test_unknown_words_are_refused() -> None:
    with pytest.raises(ConfigError, match="execution must be sequential or parallel, got 'both'"):
        MettaAgent(config() | {"execution": "both"}, ENVIRONMENT)
    with pytest.raises(ConfigError, match="max_workers must be a positive integer, got 0"):
        ParallelDAGExecutor(max_workers=0)


def test_inside_a_transform_of_torch_it_is_the_sequence() -> None:
    container, x = wide(), torch.randn(5, 4)

    def loss(execute: Any, x: Tensor) -> Tensor:
        result: Tensor = execute(container, {"input": x})["merged"].square().sum()
        return result

    executors = SequentialDAGExecutor(), ParallelDAGExecutor()
    one, other = (torch.func.grad(partial(loss, execute))(x) for execute in executors)
    assert torch.equal(one, other)
    assert one.any()
    batched = torch.vmap(lambda x: ParallelDAGExecutor()(container, {"input": x})["merged"])(x.unsqueeze(0))
    torch.testing.assert_close(batched[0], SequentialDAGExecutor()(container, {"input": x})["merged"])


def test_hooks_for_saved_tensors_see_what_every_component_saves() -> None:
    packed: list[Tensor] = []

    def pack(x: Tensor) -> Tensor:
        packed.append(x)
        return x

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        ParallelDAGExecutor()(wide(), {"input": torch.randn(5, 4)})
    assert len(packed) >= 3


def test_a_forked_process_has_threads_of_its_own() -> None:
    container, execute = wide(), ParallelDAGExecutor()
    expected = execute(container, {"input": torch.ones(1, 4)})["merged"]
    context = multiprocessing.get_context("fork")
    found = context.Queue()

    def run() -> None:
        found.put(execute(container, {"input": torch.ones(1, 4)})["merged"].tolist())

    child = context.Process(target=run)
    child.start()
    try:
        assert found.get(timeout=60) == expected.tolist()
    finally:
        child.terminate()
        child.join()


def test_inside_a_component_it_is_the_sequence() -> None:
    execute, inner = ParallelDAGExecutor(max_workers=1), container(b="a")

    class Outer(MettaModule):
        def compute(self, x: Tensor) -> Any:
            return execute(inner, {"a": x})["b"]

    outer = ComponentContainer()
    outer.register_component("y", Outer(("x",), ("y",)))
    found: list[Any] = []
    call = torch.no_grad()(lambda: found.append(execute(outer, {"x": X})))
    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    caller.join(10)
    assert found[0]["y"].tolist() == [2.0, 3.0]


def test_backward_hooks_in_threads_leave_the_filters_of_warnings_as_they_were() -> None:
    components = wide(4)
    for module in components.values():
        module.register_full_backward_hook(lambda *_: None)
    before, execute = list(warnings.filters), ParallelDAGExecutor(4)
    for _ in range(100):
        execute(components, {"input": torch.ones(2, 4)})
    assert list(warnings.filters) == before
