from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from modules import ComponentContainer, MergeModule, MettaModule, RegularizedModule
from modules.errors import GraphError
from modules.layers.concat_merge import ConcatMergeModule
from modules.layers.conv2d import Conv2dModule
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


def test_a_swap_that_changes_the_size_of_images_is_refused() -> None:
    components = ComponentContainer()
    keys: Any = {"in_keys": ("x",), "out_keys": ("a",)}
    components.register_component("a", Conv2dModule(3, 4, kernel_size=3, **keys))
    with pytest.raises(GraphError, match=r"has sizes \(3, 4, 5, 2\), the old one \(3, 4, 3, 1\)"):
        components.replace_component("a", Conv2dModule(3, 4, kernel_size=5, stride=2, **keys))
    components.replace_component("a", Conv2dModule(3, 4, kernel_size=5, padding=1, **keys))


def test_a_swap_of_one_merge_for_another_keeps_what_is_merged() -> None:
    components = ComponentContainer()
    components.register_component("merged", MergeModule(["a", "b"]))
    components.replace_component("merged", ConcatMergeModule(["a", "b"]))
    for other in (MergeModule(["a", "b"], "add"), MergeModule(["a", "b"], slices=[(0, 1), None])):
        with pytest.raises(GraphError, match="the new 'merged' has sizes"):
            components.replace_component("merged", other)


@pytest.mark.parametrize("how", ["item", "update", "attribute"])
def test_a_second_writer_of_a_key_is_refused_however_it_came_in(how: str) -> None:
    components = container(a="x", b="a")
    second = Add(("x",), "a", 100)
    if how == "item":
        components["c"] = second
    elif how == "update":
        components.update({"c": second})
    else:
        components.c = second
    with pytest.raises(GraphError, match="key 'a' has two writers: 'a' and 'c'"):
        components.execute({"x": X})


def test_a_component_that_was_set_to_none_is_missed_by_name() -> None:
    components = container(a="x", b="a")
    components.execute({"x": X})
    components.a = None
    with pytest.raises(GraphError, match="component 'a' \\(NoneType\\) needs to be a module"):
        components.execute({"x": X})


def test_a_regulariser_that_is_put_on_a_child_later_counts() -> None:
    class Parent(MettaModule):
        def __init__(self) -> None:
            super().__init__(("x",), ("y",))
            self.child: Any = LinearModule(2, 2)

        def compute(self, x: Any) -> Any:
            return self.child.compute(x)

    components, parent = ComponentContainer(), Parent()
    components.register_component("y", parent)
    assert "regularization_loss" not in components.execute({"x": X})
    parent.child = RegularizedModule(parent.child)
    assert "regularization_loss" in components.execute({"x": X})


def test_a_loss_that_alone_is_wanted_is_that_of_all() -> None:
    components = linears()
    components.replace_component("a", RegularizedModule(components["a"]))
    assert set(components.execute({}, outputs=["regularization_loss"])) == {"regularization_loss"}


def test_a_component_must_not_write_the_loss_that_regularisers_add_up() -> None:
    with pytest.raises(GraphError, match="component 'a' writes 'regularization_loss', which regularisers add up in"):
        ComponentContainer().register_component("a", Add(("x",), "regularization_loss"))
