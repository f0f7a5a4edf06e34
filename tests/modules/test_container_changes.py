from __future__ import annotations

import pytest
from torch import nn

from modules.errors import GraphError
from modules.layers.layer_norm import LayerNormModule
from modules.layers.linear import LinearModule
from tests.modules._graphs import Add, X, container, linears


def test_a_swap_returns_the_old_component_and_acts_at_the_next_run() -> None:
    components = container(a="x", b="a")
    components.execute({"x": X})
    old = components["a"]
    assert components.replace_component("a", Add(("x",), "a", 100)) is old
    assert components.execute({"x": X})["b"].tolist() == [102.0, 103.0]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (LinearModule(3, 4, in_keys=("y",), out_keys=("a",)), r"has keys \('y',\) -> \('a',\), the old one \('x',\)"),
        (LinearModule(3, 5, in_keys=("x",), out_keys=("a",)), r"has sizes \(3, 5\), the old one \(3, 4\)"),
        (LayerNormModule(3, in_keys=("x",), out_keys=("a",)), r"has sizes \(3, 3\), the old one \(3, 4\)"),
        (nn.Linear(3, 4), "needs to be a module with in_keys and out_keys"),
    ],
    ids=["keys", "sizes", "class", "no keys"],
)
def test_a_swap_that_does_not_fit_changes_nothing(module: nn.Module, message: str) -> None:
    components = linears()
    before = components["a"]
    with pytest.raises(GraphError, match=message):
        components.replace_component("a", module)
    assert components["a"] is before


def test_a_swap_of_nothing_is_refused() -> None:
    with pytest.raises(GraphError, match="there is no component 'z' to replace; there are: a"):
        container(a="x").replace_component("z", Add(("x",), "z"))


@pytest.mark.parametrize("how", ["item", "attribute", "update"])
def test_assignment_as_to_any_module_dict_is_seen_by_the_next_run(how: str) -> None:
    components, new = container(a="x", b="a", y="x"), Add(("y",), "a", 10)
    components.execute({"x": X})
    if how == "item":
        components["a"] = new
    elif how == "attribute":
        components.a = new
    else:
        components.update({"a": new})
    assert components.execute({"x": X})["b"].tolist() == [13.0, 14.0]


@pytest.mark.parametrize("how", ["item", "attribute", "pop"])
def test_a_deleted_component_runs_no_more(how: str) -> None:
    components = container(a="x", b="x")
    components.execute({"x": X})
    if how == "item":
        del components["b"]
    elif how == "attribute":
        del components.b
    else:
        components.pop("b")
    assert set(components.execute({"x": X})) == {"x", "a"}
    components.register_component("c", Add(("x",), "b"))
    assert components.order() == ["a", "c"]


def test_a_cleared_container_is_empty() -> None:
    components = container(a="x")
    components.execute({"x": X})
    components.clear()
    assert components.execute({"x": X}) == {"x": X}
