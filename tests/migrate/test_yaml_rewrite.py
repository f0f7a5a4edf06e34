"""Rewriting a mapping: where each key, value and comment goes."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.yaml_edit import Item
from tests.migrate._yaml import rewritten

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
