"""Says what a mapping is to hold, where its text can come from, and whether the old text can stay in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.errors import MigrationError
from migrate.yaml_lines import Lines
from migrate.yaml_text import is_scalar, same
from migrate.yaml_tree import Entry, Node


@dataclass(frozen=True)
class Want:
    """What is to stand at one place: a value, its keys if it is a mapping, and the old entry whose text says it."""

    value: Any
    source: Entry | None = None
    keys: Mapping[str, Want] | None = None


def entry_at(node: Node, path: tuple[str, ...]) -> Entry | None:
    """The entry at `path` below a mapping, if there is one."""
    entry = None
    for key in path:
        entry = node.entries.get(key)
        if entry is None:
            return None
        node = entry.node
    return entry


def wants_of(node: Node, items: Iterable[tuple[tuple[str, ...], Any, tuple[str, ...] | None]]) -> dict[str, Want]:
    """Groups (path, value, origin) by key, and finds the text of each value in the old mapping `node`.

    Raises:
        MigrationError: "items clash" if one path is given twice, or below another one.
    """
    groups: dict[str, list[tuple[tuple[str, ...], Any, Entry | None]]] = {}
    for path, value, origin in items:
        entry = entry_at(node, origin or path)
        found = entry if entry is not None and same(entry.node.value, value) else None
        groups.setdefault(path[0], []).append((path[1:], value, found))
    return {key: _grouped((key,), group) for key, group in groups.items()}


def _grouped(at: tuple[str, ...], group: list[tuple[tuple[str, ...], Any, Entry | None]]) -> Want:
    if len(group) == 1 and not group[0][0]:
        return Want(group[0][1], group[0][2], plain_want(group[0][1]).keys)
    groups: dict[str, list[tuple[tuple[str, ...], Any, Entry | None]]] = {}
    for path, value, source in group:
        if not path:
            raise MigrationError(f"items clash: {'.'.join(at)} is given twice, or both whole and in parts")
        groups.setdefault(path[0], []).append((path[1:], value, source))
    keys = {key: _grouped((*at, key), parts) for key, parts in groups.items()}
    return Want({key: want.value for key, want in keys.items()}, keys=keys)


def plain_want(value: Any) -> Want:
    """A value without a source."""
    keys = {key: plain_want(child) for key, child in value.items()} if isinstance(value, dict) and value else None
    return Want(value, keys=keys)


def fits(lines: Lines, node: Node, want: Want) -> bool:
    """Whether `node` can become `want` where it stands, touching only what differs."""
    if same(node.value, want.value):
        return True
    if want.source is not None and want.source.node is not node:
        return False
    if node.kind == "scalar":
        return is_scalar(want.value)
    if node.kind == "sequence":
        value = want.value
        if not isinstance(value, list) or len(value) != len(node.items):
            return False
        return all(fits(lines, child, renamed(child, new)) for child, new in zip(node.items, value, strict=True))
    return bool(node.entries and want.keys) and _mapping_fits(lines, node, want.keys or {})


def _mapping_fits(lines: Lines, node: Node, keys: Mapping[str, Want]) -> bool:
    stays = [key for key, entry in node.entries.items() if key in keys and fits(lines, entry.node, keys[key])]
    if node.flow:
        return len(stays) == len(keys) == len(node.entries)
    # The first key behind a dash cannot be taken away unless another one takes its place.
    behind_dash = not lines.is_blank_before(next(iter(node.entries.values())).start)
    return not behind_dash or next(iter(node.entries)) in stays or len(stays) < len(keys)


def renamed(node: Node, value: Any) -> Want:
    """The want for an element of a list; a key of it that was renamed is known by its value."""
    want = plain_want(value)
    if node.kind != "mapping" or not want.keys:
        return want
    lost = [entry for key, entry in node.entries.items() if key not in want.keys]
    keys = dict(want.keys)
    for key, child in want.keys.items():
        alike = [entry for entry in lost if same(entry.node.value, child.value)]
        if key not in node.entries and len(alike) == 1:
            keys[key] = Want(child.value, alike[0], child.keys)
    return Want(value, keys=keys)
