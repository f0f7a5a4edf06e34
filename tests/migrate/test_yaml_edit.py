"""The YAML editor changes what it is asked to change, and not one byte besides."""

from __future__ import annotations

import re
from typing import Any

import pytest

from migrate.errors import MigrationError, UnusableFileError
from migrate.yaml_edit import Item
from tests.migrate._yaml import parse, rewritten

OLD = """\
# the whole file
agent:
  components:
    # about fc1
    fc1: # first
      _target_: metta.agent.lib.nn_layer_library.Linear
      sources:
        - name: x   # where from
      # before the sizes
      nn_params: # sizes
        # wide enough
        out_features: 1_28 # wide
      # between
      effective_rank: true # dead
      # behind

    fc2:
      sources:
          null
"""
NEW_ITEMS = [
    Item(("_target_",), "modules.layers.linear.LinearModule"),
    Item(("sources",), [{"name": "x"}]),
    Item(("out_features",), 128, ("nn_params", "out_features")),
    Item(("nonlinearity",), "ReLU"),
]
NEW = """\
# the whole file
agent:
  components:
    # about fc1
    fc1: # first
      _target_: modules.layers.linear.LinearModule
      sources:
        - name: x   # where from
      # before the sizes
      # sizes
      # wide enough
      out_features: 1_28 # wide
      nonlinearity: ReLU
      # between
      # behind

    fc2:
      sources:
          null
"""
BACK_ITEMS = [
    Item(("_target_",), "metta.agent.lib.nn_layer_library.Linear"),
    Item(("sources",), [{"name": "x"}]),
    Item(("nn_params", "out_features"), 128, ("out_features",)),
    Item(("nn_params", "bias"), True),
]
BACK = """\
# the whole file
agent:
  components:
    # about fc1
    fc1: # first
      _target_: metta.agent.lib.nn_layer_library.Linear
      sources:
        - name: x   # where from
      # before the sizes
      # sizes
      # wide enough
      nn_params:
        out_features: 1_28 # wide
        bias: true
      # between
      # behind

    fc2:
      sources:
          null
"""
FC1 = ("agent", "components", "fc1")


def test_a_component_goes_to_the_new_form_and_back_with_its_comments() -> None:
    assert rewritten(OLD, FC1, *NEW_ITEMS) == NEW
    assert rewritten(NEW, FC1, *BACK_ITEMS) == BACK


@pytest.mark.parametrize("text", [OLD, NEW])
def test_crlf_stays_crlf(text: str) -> None:
    items, expected = (NEW_ITEMS, NEW) if text == OLD else (BACK_ITEMS, BACK)
    assert rewritten(text.replace("\n", "\r\n"), FC1, *items) == expected.replace("\n", "\r\n")


def test_unicode_and_a_byte_order_mark_survive() -> None:
    old = "\ufeffa: 1 # größe 🦊\nname: 'ü🦊' # é\nc: 3\n"
    items = [Item(("name",), "ü🦊"), Item(("c",), "λ"), Item(("b",), 1, ("a",))]
    assert rewritten(old, (), *items) == "\ufeffb: 1 # größe 🦊\nname: 'ü🦊' # é\nc: \"λ\"\n"
    assert rewritten(old, (), Item(("c",), 3)) == "\ufeffc: 3\n"


@pytest.mark.parametrize(
    ("old", "items", "new"),
    [
        ("a: 1\nb: 2", [Item(("a",), 1)], "a: 1"),
        ("a: 1\nb: 2", [Item(("b",), 2)], "b: 2"),
        ("a: 1\nb: 2\nc: 3", [Item(("c",), 3)], "c: 3"),
        ("a: 1\nb: 2", [Item(("a",), 1), Item(("b",), 2), Item(("c",), 3)], "a: 1\nb: 2\nc: 3"),
        ("a: 1\nb: 2", [Item(("a",), 1), Item(("c",), [1, 2])], "a: 1\nc: [1, 2]"),
        ("a: 1\nb: 2", [Item(("a",), 1), Item(("b",), 3)], "a: 1\nb: 3"),
    ],
)
def test_a_file_without_a_final_newline_gets_none(old: str, items: list[Item], new: str) -> None:
    assert rewritten(old, (), *items) == new
    assert rewritten(old.replace("\n", "\r\n"), (), *items) == new.replace("\n", "\r\n")
    assert rewritten(old + "\n", (), *items) == new + "\n"


def test_items_must_not_clash_and_must_be_plain() -> None:
    with pytest.raises(MigrationError, match=r"items clash: a\.b is given twice, or both whole and in parts"):
        parse("x: 1").rewrite((), [Item(("a", "b"), 1), Item(("a", "b"), 1)])
    with pytest.raises(MigrationError, match="items clash: a is given twice"):
        parse("x: 1").rewrite((), [Item(("a", "b"), 1), Item(("a",), 1)])
    with pytest.raises(MigrationError, match="cannot write a value of type tuple as plain YAML"):
        parse("x: 1").rewrite((), [Item(("a",), (1, 2))])


def test_a_result_that_would_mean_something_else_is_refused() -> None:
    with pytest.raises(
        MigrationError, match=r"f\.yaml: the root cannot be rewritten: the text would mean something else"
    ):
        parse("x: 1").rewrite((), [Item(("a",), [OrderedInt(1)])])


class OrderedInt(int):
    """Reads back as a plain int."""


def test_blocks_are_the_lines_of_an_entry() -> None:
    document = parse(OLD)
    assert document.block((*FC1, "nn_params")) == (
        "      nn_params: # sizes\n        # wide enough\n        out_features: 1_28 # wide"
    )
    assert document.block(("agent", "components", "fc2")) == "    fc2:\n      sources:\n          null"
    assert document.replace_block(("agent", "components", "fc2"), "    fc3: 1").get(("agent", "components", "fc3")) == 1
    flow = parse("a: {b: 1, c: [2]} # d\n")
    assert (flow.block(("a",)), flow.block(("a", "c"))) == ("a: {b: 1, c: [2]} # d", "c: [2]")
    assert flow.replace_block(("a", "c"), "e: 3").text == "a: {b: 1, e: 3} # d\n"


def test_single_edits() -> None:
    document = parse("a: 1 # c\nb:\n  c: x\n  d: {e: 1}\n")
    assert document.replace_scalar(("a",), 2.0).text == "a: 2.0 # c\nb:\n  c: x\n  d: {e: 1}\n"
    assert document.replace_scalar(("b", "d", "e"), None).text == "a: 1 # c\nb:\n  c: x\n  d: {e: null}\n"
    assert document.replace_scalar(("a",), 1) is document
    assert parse("a:\n").replace_scalar(("a",), "x").text == "a: x\n"
    assert document.set_value(("b", "c"), "y").text == "a: 1 # c\nb:\n  c: y\n  d: {e: 1}\n"
    assert document.set_value(("b", "f"), [1]).text == "a: 1 # c\nb:\n  c: x\n  d: {e: 1}\n  f: [1]\n"
    assert document.delete(("b", "c")).text == "a: 1 # c\nb:\n  d: {e: 1}\n"
    assert document.delete(("a",)).text == "b:\n  c: x\n  d: {e: 1}\n"
    assert document.insert_before(("b", "c"), "# TODO").text == "a: 1 # c\nb:\n  # TODO\n  c: x\n  d: {e: 1}\n"
    assert document.get(()) == document.data == {"a": 1, "b": {"c": "x", "d": {"e": 1}}}


def test_data_is_a_copy() -> None:
    document = parse("a: {b: [1]}")
    document.data["a"]["b"].append(2)
    document.get(("a",))["b"].append(2)
    assert document.data == {"a": {"b": [1]}}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.get(("a", "x")), "f.yaml: has no key a.x"),
        (lambda d: d.delete(("x",)), "f.yaml: has no key x"),
        (lambda d: d.get(("s", "x")), "f.yaml: has no key s.x"),
        (lambda d: d.rewrite(("s",), []), "f.yaml: s is not a mapping"),
        (lambda d: d.set_value(("a", "b", "c"), 1), "f.yaml: a.b is not a mapping"),
        (lambda d: d.replace_scalar(("a",), 1), "f.yaml: a is a mapping, expected a scalar"),
        (lambda d: d.replace_scalar(("a", "b"), [1]), "f.yaml: a.b is a list, expected a scalar"),
        (lambda d: d.insert_before(("a", "b"), "# x"), "f.yaml: a.b has no line of its own"),
    ],
)
def test_edits_that_cannot_be_made(edit: Any, message: str) -> None:
    with pytest.raises(UnusableFileError, match=re.escape(message)):
        edit(parse("a: {b: 1}\ns: [1]\n"))
