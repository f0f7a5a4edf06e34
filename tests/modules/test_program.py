from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from modules import ComponentContainer, LinearModule, ParallelDAGExecutor, SafeModule
from modules.base import MettaModule
from modules.errors import GraphError
from modules.graph import Node, execution_order
from modules.program import compile_program, run_plainly


class Mix(MettaModule):
    """Something that depends on the inputs and their order."""

    def __init__(self, name: str, in_keys: tuple[str, ...]) -> None:
        super().__init__(in_keys, (name,))
        self.salt = float(sum(map(ord, name)))

    def compute(self, *inputs: Tensor) -> Tensor:
        result = torch.tensor(self.salt)
        for i, x in enumerate(inputs):
            result = result * 0.5 + torch.sin(x) * (i + 1)
        return result


Sources = dict[str, tuple[str, ...]]


@st.composite
def dags(draw: st.DrawFn) -> Sources:
    """Names with earlier names as sources, shuffled."""
    names = [f"n{i}" for i in range(draw(st.integers(1, 9)))]
    sources: Sources = {}
    for i, name in enumerate(names):
        chosen = draw(st.lists(st.sampled_from(names[:i]), max_size=4)) if i else []
        sources[name] = tuple(chosen)
    return {name: sources[name] for name in draw(st.permutations(names))}


def by_recursion(sources: Sources, roots: list[str]) -> list[str]:
    """The pull order of the old stack, in three lines."""
    done: list[str] = []

    def visit(name: str) -> None:
        if name not in done:
            for source in sources[name]:
                visit(source)
            done.append(name)

    for root in roots:
        visit(root)
    return done


@given(dags(), st.data())
def test_order_is_that_of_a_recursive_pull(sources: Sources, data: st.DataObject) -> None:
    roots = data.draw(st.lists(st.sampled_from(sorted(sources)), min_size=1))
    nodes = {name: Node(name, each, (name,)) for name, each in sources.items()}
    assert [node.name for node in execution_order(nodes, roots)] == by_recursion(sources, roots)


@given(dags(), st.data())
def test_compiled_program_and_plain_loop_write_the_same(sources: Sources, data: st.DataObject) -> None:
    inputs = {name: (*each, "x") for name, each in sources.items()}
    modules = {name: Mix(name, each) for name, each in inputs.items()}
    nodes = {name: Node(name, each, (name,)) for name, each in inputs.items()}
    kept = data.draw(st.lists(st.sampled_from(sorted(sources)), min_size=1, unique=True))
    order = execution_order(nodes, kept)
    fast: dict[str, Any] = {"x": torch.tensor(0.7)}
    plain: dict[str, Any] = dict(fast)
    compile_program(order, kept, dict.fromkeys(sources, True))(modules, fast)
    run_plainly(order, kept, modules, plain)
    assert fast == plain
    assert set(fast) == {"x", *kept}


def test_a_cycle_is_told_in_the_direction_of_the_data() -> None:
    nodes = {"a": Node("a", ("c",), ("a",)), "b": Node("b", ("a",), ("b",)), "c": Node("c", ("b",), ("c",))}
    with pytest.raises(GraphError, match="cycle: a -> b -> c -> a"):
        execution_order(nodes, ["a"])


def test_keys_that_are_no_identifiers_are_no_code() -> None:
    key = "'] = 1; import os  # \n"
    node = Node(key, (key * 2,), (key,))
    data = {key * 2: torch.tensor(3.0)}
    compile_program([node], [key], {key: True})({key: Mix("m", (key * 2,))}, data)
    assert key in data


def test_a_program_of_nothing_does_nothing() -> None:
    data: dict[str, Any] = {}
    compile_program([], [], {})({}, data)
    assert data == {}


@pytest.mark.parametrize("run", [None, run_plainly, ParallelDAGExecutor()])
@torch.no_grad()
def test_an_error_of_torch_has_a_note_with_the_component(run: Any) -> None:
    container = ComponentContainer()
    container.register_component("a", LinearModule(3, 4, in_keys=("x",), out_keys=("a",)))
    container.register_component("b", SafeModule(LinearModule(5, 1, in_keys=("a",), out_keys=("b",))))
    data = {"x": torch.ones(2, 3)}
    with pytest.raises(RuntimeError, match="cannot be multiplied") as caught:
        run(container, data) if isinstance(run, ParallelDAGExecutor) else container.execute(data, run=run)
    assert caught.value.__notes__ == ["in component 'b' (SafeModule(LinearModule))"]
