"""Random mappings, comments, layouts and requests: the YAML editor gives the wanted data and leaves all other lines."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from migrate.yaml_edit import Document, Item, Path
from migrate.yaml_text import entry_lines, same


def parse(text: str) -> Document:
    return Document.parse(text, where="f.yaml")


KEYS = st.sampled_from(["a", "b", "c", "d", "_target_", "nn_params", "key with blanks", "0-11", "true", "ä"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(
        ["", "x", "1e-3", "on", "a: b", "# no", "- a", "2020-01-01", "${env.x}", "a\nb", " a ", "'", '"', "\\"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
LISTS = st.one_of(
    st.lists(SCALARS, max_size=3),
    st.lists(st.dictionaries(KEYS, st.one_of(SCALARS, st.lists(SCALARS, max_size=2)), max_size=2), max_size=2),
)
VALUES = st.one_of(SCALARS, LISTS, st.dictionaries(KEYS, st.one_of(SCALARS, LISTS), max_size=3))
MAPPINGS = st.dictionaries(KEYS, VALUES, max_size=4)


@given(SCALARS)
def test_scalars_read_back_here_and_in_omegaconf(value: Any) -> None:
    (line,) = entry_lines("a", value, 2, 2)
    assert same(parse(line).data["a"], value)
    flow = entry_lines("a", [value, value], 2, 2)[0]
    assert same(parse(flow).data["a"], [value, value])
    assert same(yaml.safe_load(line)["a"], value)


@st.composite
def written(draw: st.DrawFn, data: dict[str, Any], indent: int, marker: list[int]) -> list[str]:
    """Lines of a block mapping, with comments of every kind and values in several layouts."""
    step, dash = draw(st.sampled_from([(2, 2), (4, 4), (3, 0), (2, 0)]))
    lines: list[str] = []
    for key, value in data.items():
        lines += draw(noise(indent, marker))
        head, *rest = entry_lines(key, value, step, dash)
        if isinstance(value, dict) and value and draw(st.booleans()):
            rest = draw(written(value, step, marker))
        elif isinstance(value, list) and len(value) > 0 and not rest and draw(st.booleans()):
            head = head.replace("[", "[\n" + " " * (indent + step)) if "[" not in key else head
        comment = draw(st.booleans())
        marker[0] += comment
        lines += [
            " " * indent + head + (f" # behind {marker[0]}" if comment else ""),
            *(" " * indent + line for line in rest),
        ]
    return [part for line in lines for part in line.split("\n")]


@st.composite
def noise(draw: st.DrawFn, indent: int, marker: list[int]) -> list[str]:
    kinds = draw(st.lists(st.sampled_from(["", "#"]), max_size=2))
    marker[0] += len(kinds)
    return [" " * indent + f"# line {marker[0]}.{n}" if kind else "" for n, kind in enumerate(kinds)]


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, int, int]:
    """A text with a mapping at (`top`, `in`), and the number of lines before and behind it."""
    marker = [0]
    before = ["# head", "first: 1 # one", "top: # t", "  one: {a: 1}", "  in: # i"]
    body = draw(written(draw(MAPPINGS.filter(bool)), draw(st.sampled_from([3, 4, 6])), marker))
    behind = ["  two:", "    x: [1, 2] # x", "last:", "- y"]
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = newline.join([*before, *body, *behind]) + draw(st.sampled_from(["", newline]))
    return text, len(before), len(behind)


@st.composite
def rewrites(draw: st.DrawFn) -> tuple[str, int, int, dict[str, Any], list[Item]]:
    """A document, and new contents for its mapping: some keys kept, some moved, some new, some given in parts."""
    text, before, behind = draw(documents())
    old = parse(text).get(("top", "in"))
    places = [(key,) for key in old] + [(k, n) for k, v in old.items() if isinstance(v, dict) for n in v]
    target: dict[str, Any] = draw(MAPPINGS)
    origins: dict[Path, Path] = {}
    for place in draw(st.lists(st.sampled_from(places), max_size=4)):
        value = parse(text).get(("top", "in", *place))
        to: Path = draw(st.one_of(st.just(place), st.tuples(KEYS), st.tuples(st.just("nn_params"), KEYS)))
        origins[to] = place
        if len(to) == 1:
            target[to[0]] = value
        else:
            outer = target.get(to[0])
            target[to[0]] = {**(outer if isinstance(outer, dict) else {}), to[1]: value}
    items: list[Item] = []
    for key, value in target.items():
        if isinstance(value, dict) and value and draw(st.booleans()):
            items += [Item((key, name), child, origins.get((key, name))) for name, child in value.items()]
        else:
            items.append(Item((key,), value, origins.get((key,))))
    return text, before, behind, target, items


@given(rewrites())
def test_a_rewrite_gives_the_wanted_data_and_leaves_all_other_lines(
    case: tuple[str, int, int, dict[str, Any], list[Item]],
) -> None:
    text, before, behind, target, items = case
    old = parse(text)
    new = old.rewrite(("top", "in"), items)
    assert same(new.data, {**old.data, "top": {**old.data["top"], "in": target}})
    left, right = text.split("\n"), new.text.split("\n")
    behind += text.endswith("\n")
    assert right[-behind:] == left[-behind:]
    assert right[: before - 1] == left[: before - 1]
    assert right[before - 1].replace("in: {}", "in:") == left[before - 1]
    assert new.rewrite(("top", "in"), items) is new
    assert new.text.count("# line ") == text.count("# line ")
    assert new.text.count("\r\n") == (new.text.count("\n") if "\r\n" in text else 0)


@given(documents())
def test_rewriting_with_what_is_there_changes_nothing(case: tuple[str, int, int]) -> None:
    document = parse(case[0])
    for path in ((), ("top",), ("top", "in")):
        items = [Item((key,), value) for key, value in document.get(path).items()]
        assert document.rewrite(path, items) is document


@given(rewrites())
def test_there_and_back_restores_the_data(case: tuple[str, int, int, dict[str, Any], list[Item]]) -> None:
    old = parse(case[0])
    new = old.rewrite(("top", "in"), case[4])
    back = new.rewrite(("top", "in"), [Item((key,), value) for key, value in old.get(("top", "in")).items()])
    assert same(back.data, old.data)
