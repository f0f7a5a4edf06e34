"""Reads YAML text into plain values that know where in the text they stand; the ground that `yaml_edit` works on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import yaml

from migrate.errors import UnusableFileError

MAX_DEPTH = 64
BOM = "\ufeff"
# Characters that PyYAML refuses, or takes for line breaks where editors and git do not.
_ODD = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]|\r(?!\n)"
)
_COMMENT = re.compile(r"#[^\r\n]*")
_COLON = re.compile(r" *:")
_EVENTS: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# OmegaConf's float: PyYAML alone reads `1e-3` as a string.
_FLOAT = re.compile(
    r"""^(?:[-+]?[0-9]+(?:_[0-9]+)*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)
    |\.[0-9]+(?:_[0-9]+)*(?:[eE][-+][0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?::[0-5]?[0-9])+\.[0-9_]*
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)


class _Scalars(yaml.SafeLoader):
    """Resolves plain scalars as OmegaConf does: its floats, and no timestamps."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own class attribute
        first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Scalars.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


@dataclass(frozen=True)
class Node:
    """A value and the span of its text: from its first character to behind its last, comments excluded."""

    kind: Literal["scalar", "sequence", "mapping"]
    value: Any
    start: int
    end: int
    flow: bool = False
    entries: dict[str, Entry] = field(default_factory=dict)
    items: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One key of a mapping; `colon` is the position behind its colon."""

    key: str
    start: int
    key_end: int
    colon: int
    node: Node


@dataclass(frozen=True)
class Tree:
    """A whole document: the root mapping and the spans of all comments, in order."""

    root: Node
    comments: tuple[tuple[int, int], ...]


def read_tree(text: str, *, where: str) -> Tree:
    """Parses text strictly.

    Args:
        text: one YAML document.
        where: the file, for error messages.

    Raises:
        UnusableFileError: "is not valid YAML", "is not text", or names what this editor refuses (duplicate keys,
            anchors, aliases, merge keys, tags, tabs, keys that are not strings, several documents), with the place.
    """
    reader = _Reader(text, where)
    return reader.read()


def plain_scalar(text: str) -> Any:
    """What an unquoted scalar means to us; raises ValueError or yaml.YAMLError if it means nothing."""
    loader = _Scalars("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return loader.construct_object(yaml.ScalarNode(tag, text))


class _Reader:
    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.shift = len(BOM) if text.startswith(BOM) else 0
        self.scalars: list[tuple[int, int]] = []

    def fail(self, what: str, index: int, fix: str = "") -> NoReturn:
        line = self.text.count("\n", 0, index) + 1
        column = index - self.text.rfind("\n", 0, index)
        raise UnusableFileError(what, where=f"{self.where}, line {line}, column {column}", fix=fix)

    def read(self) -> Tree:
        odd = _ODD.search(self.text, self.shift)
        if odd:
            self.fail(f"is not text: holds the character {odd[0]!r}", odd.start(), "escape or remove it")
        events = yaml.parse(self.text[self.shift :], Loader=_EVENTS)
        try:
            root = self.document(events)
        except yaml.MarkedYAMLError as error:
            # What is never closed is missed at the end of the file; where it was opened says more.
            marks = [mark for mark in (error.problem_mark, error.context_mark) if mark is not None]
            inside = [mark for mark in marks if mark.index + self.shift < len(self.text)]
            place = "".join(f", line {mark.line + 1}, column {mark.column + 1}" for mark in [*inside, *marks][:1])
            what = f"is not valid YAML: {', '.join(filter(None, (error.context, error.problem)))}"
            raise UnusableFileError(what, where=f"{self.where}{place}") from error
        return Tree(root, tuple(self.comments()))

    def document(self, events: Iterator[Any]) -> Node:
        roots: list[Node] = []
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if roots:
                    self.fail("holds several documents", self.at(event), "split it into one file each")
                roots.append(self.node(next(events), events, 0, flow=False))
        if not roots:
            self.fail("is empty, expected a mapping", len(self.text))
        if roots[0].kind != "mapping":
            self.fail(f"is a {roots[0].kind}, expected a mapping", roots[0].start)
        return roots[0]

    def at(self, event: Any) -> int:
        return int(event.start_mark.index) + self.shift

    def node(self, event: Any, events: Iterator[Any], depth: int, *, flow: bool) -> Node:
        start, end = self.at(event), int(event.end_mark.index) + self.shift
        if isinstance(event, yaml.AliasEvent):
            self.fail(f"uses the alias *{event.anchor}", start, "write the value out")
        if event.anchor is not None:
            self.fail(f"uses the anchor &{event.anchor}", start, "write the value out where it is used")
        if event.tag is not None:
            self.fail(f"uses the tag {event.tag}", start, "write the plain value")
        if depth > MAX_DEPTH:
            self.fail(f"is nested deeper than {MAX_DEPTH} levels", start)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, start, end, flow)
        flow = flow or bool(event.flow_style)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(events, start, depth, flow)
        return self.mapping(events, start, depth, flow)

    def scalar(self, event: yaml.ScalarEvent, start: int, end: int, flow: bool) -> Node:
        value: Any = event.value
        if event.style in ("|", ">"):
            # The mark stands behind the trailing empty lines, which belong to the value only with `+`.
            source = self.text[start:end]
            body = source if "+" in source.split("\n", 1)[0].split("#", 1)[0] else source.rstrip("\r\n")
            end = start + len(body)
        elif event.implicit[0]:
            try:
                value = plain_scalar(event.value)
            except (yaml.YAMLError, ValueError):
                self.fail(f"holds {event.value!r}, which has no YAML value", start, "quote it")
        self.scalars.append((start, end))
        return Node("scalar", value, start, end, flow)

    def sequence(self, events: Iterator[Any], start: int, depth: int, flow: bool) -> Node:
        items: list[Node] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self.node(event, events, depth + 1, flow=flow))
        end = int(event.end_mark.index) + self.shift if flow else items[-1].end
        return Node("sequence", [item.value for item in items], start, end, flow, items=tuple(items))

    def mapping(self, events: Iterator[Any], start: int, depth: int, flow: bool) -> Node:
        entries: dict[str, Entry] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            entry = self.entry(event, events, depth, flow)
            if entry.key in entries:
                line = self.text.count("\n", 0, entries[entry.key].start) + 1
                self.fail(f"has the key {entry.key!r} twice, first in line {line}", entry.start, "remove one of them")
            entries[entry.key] = entry
        end = int(event.end_mark.index) + self.shift if flow else list(entries.values())[-1].node.end
        return Node("mapping", {k: e.node.value for k, e in entries.items()}, start, end, flow, entries)

    def entry(self, event: Any, events: Iterator[Any], depth: int, flow: bool) -> Entry:
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == "<<":
            self.fail("uses the merge key <<", self.at(event), "write the merged keys out")
        key = self.node(event, events, depth + 1, flow=flow)
        source = self.text[key.start : key.end]
        if not isinstance(key.value, str):
            self.fail(f"has the key {source or 'null'}, which is not a string", key.start, "quote it")
        found = _COLON.match(self.text, key.end)
        colon = found.end() if found else key.end
        value = self.node(next(events), events, depth + 1, flow=flow)
        return Entry(key.value, key.start, key.end, colon, value)

    def comments(self) -> Iterator[tuple[int, int]]:
        """All comments: outside of scalars a `#` can be nothing else."""
        position = 0
        for start, end in [*sorted(self.scalars), (len(self.text), len(self.text))]:
            self.refuse(position, start, end)
            yield from (found.span() for found in _COMMENT.finditer(self.text, position, start))
            position = max(position, end)

    def refuse(self, position: int, start: int, end: int) -> None:
        gap = _COMMENT.sub(lambda found: " " * len(found[0]), self.text[position:start])
        if "?" in gap:
            self.fail("uses `?` before a key", position + gap.index("?"), "write `key: value`")
        tab = (gap + self.text[max(start, position) : end]).find("\t")
        if tab >= 0:
            self.fail("holds a tab outside of a comment", position + tab, "use spaces, or \\t in double quotes")
