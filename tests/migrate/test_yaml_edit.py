"""The YAML editor changes what it is asked to change, and not one byte besides."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from migrate.errors import MigrationError, UnusableFileError
from migrate.yaml_edit import Document, Item, Path
from migrate.yaml_text import same

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


def parse(text: str) -> Document:
    return Document.parse(text, where="f.yaml")


def rewritten(text: str, path: Path, *items: Item) -> str:
    """The text after a rewrite; what every rewrite must fulfil is checked on the way."""
    document = parse(text).rewrite(path, items)
    assert document.rewrite(path, items) == document
    for item in items:
        assert same(document.get((*path, *item.path)), item.value)
    return document.text


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


ROOT_CASES: list[tuple[str, str, list[tuple[str, Any]], str]] = [
    ("a changed scalar keeps its place and comment", "a: 1 # c\nb: 2", [("a", 5), ("b", 2)], "a: 5 # c\nb: 2"),
    ("the scalar of a next line", "a:\n    null # c\nb: 2", [("a", "x"), ("b", 2)], "a:\n    x # c\nb: 2"),
    ("an empty value", "a: # c\nb: 2", [("a", "x"), ("b", 2)], "a: x # c\nb: 2"),
    ("a quoted scalar", "a: 'it''s' # c", [("a", "b c")], 'a: "b c" # c'),
    ("a literal block", "a: |\n  x\n  y\n\nb: 1", [("a", "z"), ("b", 1)], "a: z\n\nb: 1"),
    ("one nested key", "p: # c\n   x: 1\n   y: 2 # d", [("p.x", 1), ("p.y", 3)], "p: # c\n   x: 1\n   y: 3 # d"),
    (
        "a new nested key",
        "p:\n   x: 1 # c\nq: 1",
        [("p.x", 1), ("p.y", 3), ("q", 1)],
        "p:\n   x: 1 # c\n   y: 3\nq: 1",
    ),
    ("both levels grow", "p:\n   x: 1", [("p.x", 1), ("p.y", 3), ("q", 1)], "p:\n   x: 1\n   y: 3\nq: 1"),
    ("shrinks and grows", "p:\n x: 1\n y: 2", [("p.x", 1), ("q", 1)], "p:\n x: 1\nq: 1"),
    (
        "indent of four",
        "k: {}\np:\n    x: 1",
        [("k", {}), ("p.x", 1), ("q.y", 2)],
        "k: {}\np:\n    x: 1\nq:\n    y: 2",
    ),
    ("a key between lost ones", "a: 1\nb: 2\nc: 3", [("b", 2), ("d", 4)], "d: 4\nb: 2"),
    ("one element of a list", "s: [1, 2] # c", [("s", [1, 3])], "s: [1, 3] # c"),
    ("a shorter list", "s: [1, 2] # c\nt: 1", [("s", [1]), ("t", 1)], "# c\ns: [1]\nt: 1"),
    (
        "a renamed key of a list's mappings",
        "s:\n  - source_name: x # c\n    slice: [0, 12]  # d\n  - source_name: y",
        [("s", [{"name": "x", "slice": [0, 12]}, {"name": "y"}])],
        "s:\n  - name: x # c\n    slice: [0, 12]  # d\n  - name: y",
    ),
    (
        "a lost first key of a list's mapping",
        "s:\n  # why\n  - a: 1\n    b: 2\nt: 1",
        [("s", [{"b": 2}]), ("t", 1)],
        "# why\ns:\n  - b: 2\nt: 1",
    ),
    (
        "lists without indentation",
        "d:\n- a: 1\nx: 1",
        [("d", [{"a": 1}]), ("y", [{"b": 2}])],
        "d:\n- a: 1\ny:\n- b: 2",
    ),
    ("one key of a flow mapping", "p: {x: 1, y: 2} # c", [("p.x", 1), ("p.y", 3)], "p: {x: 1, y: 3} # c"),
    ("a flow mapping that grows", "p: {x: 1e-1} # c", [("p.x", 0.1), ("p.y", 3)], "# c\np:\n  x: 1e-1\n  y: 3"),
    (
        "a flow mapping's comments",
        "p: {\n  # why\n  x: 1, # one\n  y: 2 # two\n}\nq: 1",
        [("p.x", 1), ("q", 1)],
        "# why\n# one\np:\n  x: 1\nq: 1",
    ),
    ("a document in flow style", "--- {a: 1, b: [1,\n 2]} # c\n...", [("b", [1, 2])], "--- \nb: [1,\n 2] # c\n..."),
    ("an end mark", "---\na: 1\n...", [("a", 1), ("b", 2)], "---\na: 1\nb: 2\n..."),
    ("nothing is left", "a: 1\n# c\nb:\n  # d\n  x: 2", [], "# d\n{}\n# c"),
    ("an empty document", "{} # c", [("a", 1)], "a: 1 # c"),
]


@pytest.mark.parametrize(("old", "items", "new"), [pytest.param(*case, id=name) for name, *case in ROOT_CASES])
def test_rewriting_the_root(old: str, items: list[tuple[str, Any]], new: str) -> None:
    assert rewritten(old + "\n", (), *(Item(tuple(key.split(".")), value) for key, value in items)) == new + "\n"


COMPONENT_CASES: list[tuple[str, str, list[Item], str]] = [
    (
        "a flow component",
        "c:\n    f: {_target_: x.Y, n: {o: 0x10, 'q': [1, 2]}} # why\n# end",
        [Item(("_target_",), "z"), Item(("o",), 16, ("n", "o")), Item(("q",), [1, 2], ("n", "q"))],
        "c:\n    f: # why\n        _target_: z\n        o: 0x10\n        q: [1, 2]\n# end",
    ),
    (
        "a flow component among flow components",
        "c: {f: {a: 1}, # f\n  g: {b: 1}} # g",
        [Item(("b",), 1, ("a",))],
        "c: # g\n  f:\n    b: 1\n  # f\n  g: {b: 1}",
    ),
    ("an empty flow component", "c:\n  f: {} # why", [Item(("a",), 1)], "c:\n  f: # why\n    a: 1"),
    (
        "an absent component",
        "c:\n  f: # why\n  g: 1",
        [Item(("a", "b"), 1)],
        "c:\n  f: # why\n    a:\n      b: 1\n  g: 1",
    ),
    ("a null component", "c:\n  f: # why\n    null # w\n", [Item(("a",), 1)], "c:\n  f: # why # w\n    a: 1\n"),
    (
        "a component without keys",
        "c:\n  f: # why\n    a: 1\n    # b\n  g: 1",
        [],
        "c:\n  f: {} # why\n    # b\n  g: 1",
    ),
    ("a null component without keys", "c:\n  f: # why", [], "c:\n  f: {} # why"),
    (
        "renamed lists and multi-line values",
        (
            "c:\n  f:\n    p: # head\n      a: |+\n        x\n\n"
            "      b: >-\n        y\n         z\n      d: 'q\n        r' # s\n    e: 1"
        ),
        [Item(("a2",), "x\n\n", ("p", "a")), Item(("b",), "y\n z", ("p", "b")), Item(("d",), "q r", ("p", "d"))],
        "c:\n  f:\n    # head\n    a2: |+\n      x\n\n    b: >-\n      y\n       z\n    d: 'q\n      r' # s",
    ),
    (
        "one text used twice moves once",
        "c:\n  f:\n    p: 1e2 # one\n",
        [Item(("a",), 100.0, ("p",)), Item(("b",), 100.0, ("p",))],
        "c:\n  f:\n    a: 1e2 # one\n    b: 1e2\n",
    ),
    (
        "a list used twice keeps one copy of its comments",
        "c:\n  f:\n    p:\n      - x: 1\n        # one\n        y: 2\n",
        [Item(("a",), [{"x": 1, "y": 2}], ("p",)), Item(("b",), [{"x": 1, "y": 2}], ("p",))],
        "c:\n  f:\n    a:\n      - x: 1\n        # one\n        y: 2\n    b:\n      - x: 1\n        y: 2\n",
    ),
    (
        "the text of a key that stays",
        "c:\n  f:\n    p: 1e2 # one\n",
        [Item(("p",), 100.0), Item(("b",), 100.0, ("p",))],
        "c:\n  f:\n    p: 1e2 # one\n    b: 1e2\n",
    ),
    (
        "an origin with another value is none",
        "c:\n  f:\n    p: 1 # one\n",
        [Item(("a",), True, ("p",))],
        "c:\n  f:\n    a: true\n",
    ),
    (
        "a swap",
        "c:\n  f:\n    a: 1 # one\n    b: 2 # two\n",
        [Item(("a",), 2, ("b",)), Item(("b",), 1, ("a",))],
        "c:\n  f:\n    a: 2 # two\n    b: 1 # one\n",
    ),
]


@pytest.mark.parametrize(("old", "items", "new"), [pytest.param(*case, id=name) for name, *case in COMPONENT_CASES])
def test_rewriting_a_component(old: str, items: list[Item], new: str) -> None:
    assert rewritten(old, ("c", "f"), *items) == new


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


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        (
            "a: 1\nb: [1, 2",
            "line 2, column 4",
            "is not valid YAML: while parsing a flow sequence, did not find expected",
        ),
        ("a: 'x\n", "line 1, column 4", "is not valid YAML: while scanning a quoted scalar"),
        ("a: 1\n b: 2\n", "line 2, column 3", "is not valid YAML: mapping values are not allowed"),
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1", "has the key 'a' twice, first in line 1"),
        ("x:\n  - {a: 1, b: 2, a: 3}\n", "line 2, column 18", "has the key 'a' twice, first in line 2"),
        ("a: &b 1\n", "line 1, column 4", "uses the anchor &b"),
        ("a: &b {x: 1}\n", "line 1, column 4", "uses the anchor &b"),
        ("a: *b\n", "line 1, column 4", "uses the alias *b"),
        ("a:\n  <<: {b: 1}\n", "line 2, column 3", "uses the merge key <<"),
        ("a: !x 1\n", "line 1, column 4", "uses the tag !x"),
        ("a: !!float 1\n", "line 1, column 4", "uses the tag tag:yaml.org,2002:float"),
        ("a:\n  b:\t1\n", "line 2, column 5", ""),
        ("a: 'x\ty'\n", "line 1, column 6", "holds a tab outside of a comment"),
        ("? a\n: 1\n", "line 1, column 1", "uses `?` before a key"),
        ("1: a\n", "line 1, column 1", "has the key 1, which is not a string"),
        ("a:\n  on: 1\n", "line 2, column 3", "has the key on, which is not a string"),
        ("{[1]: a}\n", "line 1, column 2", "has the key [1], which is not a string"),
        ("- a\n", "line 1, column 1", "is a sequence, expected a mapping"),
        ("# c\nword\n", "line 2, column 1", "is a scalar, expected a mapping"),
        ("# only\n", "line 2, column 1", "is empty, expected a mapping"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1", "holds several documents"),
        ("a: =\n", "line 1, column 4", "holds '=', which has no YAML value"),
        ("a: 0x_\n", "line 1, column 4", "holds '0x_', which has no YAML value"),
        ("a: 1\nb: \x00\n", "line 2, column 4", "is not text: holds the character '\\x00'"),
        ("a: 1\rb: 2\n", "line 1, column 5", "is not text: holds the character '\\r'"),
        ("a: x\u2028b\n", "line 1, column 5", "is not text: holds the character '\\u2028'"),
        ("a: \udc80\n", "line 1, column 4", "is not text: holds the character '\\udc80'"),
        ("a: " + "[" * 100_000, "line 1, column 68", "is nested deeper than 64 levels"),
        ("\n".join(" " * n + "a:" for n in range(200)), "line 65, column 65", "is nested deeper than 64 levels"),
    ],
)
def test_files_that_cannot_be_edited(text: str, place: str, what: str) -> None:
    with pytest.raises(UnusableFileError, match=re.escape(place) + ".*" + re.escape(what)) as caught:
        parse(text)
    assert str(caught.value).startswith("f.yaml, line ")


@given(
    st.one_of(
        st.binary(max_size=40).map(lambda b: b.decode("latin-1")), st.text(alphabet="ab:-?[]{}#&*!|>'\"% \n\t,=1")
    )
)
def test_garbage_is_refused_with_its_place_or_read(text: str) -> None:
    result: Document | str
    try:
        result = parse(text)
    except UnusableFileError as error:
        result = str(error)
    if isinstance(result, str):
        assert re.match(r"f\.yaml, line \d+, column \d+: ", result)
    else:
        items = [Item((key,), value) for key, value in result.data.items()]
        assert result.rewrite((), items) is result


@pytest.mark.parametrize(
    "text",
    [
        "1e-3",
        "1e3",
        "1.5",
        "1_000",
        "0o17",
        "017",
        "2020-01-01",
        "12:30:45",
        "~",
        "yes",
        ".inf",
        "-.INF",
        ".5",
        "1_0.5e3",
        "'1'",
    ],
)
def test_scalars_are_read_as_omegaconf_reads_them(text: str) -> None:
    omega = OmegaConf.to_container(OmegaConf.create(f"a: {text}\n"))
    assert isinstance(omega, dict)
    assert same(parse(f"a: {text}\n").data["a"], omega["a"])


def test_what_looks_like_a_comment_in_a_scalar_is_none() -> None:
    text = dedent("""\
        a: |
          # text
        # comment
        b: 1
        """)
    assert parse(text).delete(("a",)).text == "# comment\nb: 1\n"
