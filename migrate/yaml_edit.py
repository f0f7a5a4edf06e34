"""Changes the mappings of a YAML text so that only the edited spans differ, and comments travel with their block."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from migrate.errors import MigrationError, UnusableFileError
from migrate.yaml_lines import Lines
from migrate.yaml_splice import Splicer, style_of
from migrate.yaml_text import is_scalar, same, scalar
from migrate.yaml_tree import Entry, Node, Tree, read_tree
from migrate.yaml_want import Want, entry_at, fits, wants_of

Path = tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """One key of a rewritten mapping.

    Args:
        path: its place, relative to the mapping; `("nn_params", "bias")` stands in a nested mapping.
        value: a plain YAML value.
        origin: where in the old mapping the value stood; its text, with spelling and comments, is used again if the
            value there is equal. None means the place itself.
    """

    path: Path
    value: Any
    origin: Path | None = None


@dataclass(frozen=True)
class Document:
    """One YAML file: its text, and where in it everything stands. Every edit gives a new document."""

    text: str
    where: str
    tree: Tree

    @classmethod
    def parse(cls, text: str, *, where: str) -> Document:
        """Reads a text strictly.

        Args:
            text: one YAML document whose root is a mapping.
            where: the file, for error messages.

        Raises:
            UnusableFileError: "is not valid YAML", "is not text", or names the feature that cannot be edited
                (duplicate or non-string keys, anchors, aliases, merge keys, tags, tabs), with line and column.
        """
        return cls(text, where, read_tree(text, where=where))

    @property
    def data(self) -> dict[str, Any]:
        """The plain values, as OmegaConf reads them; a copy."""
        return deepcopy(self._root)

    def get(self, path: Path) -> Any:
        """The plain value at `path`, a copy.

        Raises:
            UnusableFileError: "has no key".
        """
        return deepcopy(self._node(path).value)

    def block(self, path: Path) -> str:
        """The lines of one entry, from its key's line to its value's last, without the last line break.

        Raises:
            UnusableFileError: "has no key".
        """
        return self.text[slice(*self.span(path))]

    def span(self, path: Path) -> tuple[int, int]:
        """Where `block` stands in the text; inside a flow mapping, the entry's own characters.

        Raises:
            UnusableFileError: "has no key".
        """
        entry = self._entry(path)
        if not self._lines.owns_lines(entry):
            return entry.start, entry.node.end
        return self._lines.line_start(entry.start), self._lines.line_end(entry.node.end)

    def replace_block(self, path: Path, block: str) -> Document:
        """Puts other text in the place of one entry's block.

        Raises:
            UnusableFileError: "has no key", or as `parse` if the result cannot be read.
        """
        return self._edited(*self.span(path), block)

    def replace_scalar(self, path: Path, value: Any) -> Document:
        """Replaces the span of one scalar.

        Raises:
            UnusableFileError: "has no key", or "is a mapping, expected a scalar" and the like.
        """
        node = self._node(path)
        if node.kind != "scalar" or not is_scalar(value):
            kind = node.kind if node.kind != "scalar" else type(value).__name__
            raise UnusableFileError(f"{_name(path)} is a {kind}, expected a scalar", where=self.where)
        if same(node.value, value):
            return self
        space = " " if node.start == node.end else ""
        return self._edited(node.start, node.end, space + scalar(value))

    def set_value(self, path: Path, value: Any) -> Document:
        """Gives one key, old or new, a value; the mapping that holds it must exist.

        Raises:
            UnusableFileError: "has no key", "is not a mapping".
        """
        return self._with_keys(path[:-1], {**self._keys(path[:-1]), path[-1]: value})

    def delete(self, path: Path) -> Document:
        """Removes one key and its value.

        Raises:
            UnusableFileError: "has no key".
        """
        self._entry(path)
        keys = self._keys(path[:-1])
        del keys[path[-1]]
        return self._with_keys(path[:-1], keys)

    def insert_before(self, path: Path, text_line: str) -> Document:
        """Puts a line, for example a comment, before the entry at `path`, indented like it.

        Raises:
            UnusableFileError: "has no key", "has no line of its own".
        """
        entry = self._entry(path)
        if not self._lines.is_blank_before(entry.start):
            raise UnusableFileError(f"{_name(path)} has no line of its own", where=self.where)
        indent = " " * self._lines.column(entry.start)
        return self._edited(entry.start, entry.start, text_line + self._lines.newline + indent)

    def rewrite(self, path: Path, items: Sequence[Item]) -> Document:
        """Gives the mapping at `path` exactly these keys.

        Keys that stay equal stay verbatim, changed values are replaced where they stand, the rest is removed, and what
        is new stands where the first removed key stood, or behind the last one. A comment behind a scalar goes where
        the scalar goes, and with it if it is dropped; all other comments stay.

        Args:
            path: where the mapping is; `()` is the root.
            items: all keys that it is to have.

        Raises:
            UnusableFileError: "has no key", "is not a mapping".
            MigrationError: "items clash", "cannot write", "cannot be rewritten".
        """
        node = self._mapping(path)
        wants = wants_of(node, [(item.path, item.value, item.origin) for item in items])
        target = {key: want.value for key, want in wants.items()}
        if node.kind == "mapping" and same(node.value, target):
            return self
        for depth in range(len(path) + 1):
            outer = self._node(path[:depth])
            if outer.flow and outer.entries and not fits(self._lines, node, Want(target, keys=wants)):
                return self._expanded(path[:depth]).rewrite(path, items)
        result = self._parsed(self._spliced(path, wants))
        if not same(result._root, _replaced(self._root, path, target)):
            raise MigrationError(
                f"{_name(path)} cannot be rewritten: the text would mean something else", where=self.where
            )
        return result

    @property
    def _root(self) -> dict[str, Any]:
        root: dict[str, Any] = self.tree.root.value
        return root

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text, self.tree)

    def _spliced(self, path: Path, wants: dict[str, Want]) -> str:
        node, owner = self._node(path), self._owner(path)
        if node.entries:
            return self._splicer(path).rewrite(owner, node, wants)
        return self._splicer(path).fill(owner, node, wants)

    def _expanded(self, path: Path) -> Document:
        return self._parsed(self._splicer(path).expand(self._owner(path), self._node(path)))

    def _splicer(self, path: Path) -> Splicer:
        around = [self._node(path[:depth]) for depth in range(len(path), -1, -1)]
        return Splicer(self._lines, style_of(self._lines, around, self._owner(path)))

    def _owner(self, path: Path) -> int | None:
        return self._entry(path).colon if path else None

    def _parsed(self, text: str) -> Document:
        return Document.parse(text, where=self.where)

    def _edited(self, start: int, end: int, new: str) -> Document:
        return self._parsed(self._lines.apply([(start, end, new)]))

    def _with_keys(self, path: Path, keys: dict[str, Any]) -> Document:
        return self.rewrite(path, [Item((key,), value) for key, value in keys.items()])

    def _keys(self, path: Path) -> dict[str, Any]:
        return dict(self._mapping(path).value or {})

    def _entry(self, path: Path) -> Entry:
        entry = entry_at(self.tree.root, path)
        if entry is None:
            raise UnusableFileError(f"has no key {_name(path)}", where=self.where)
        return entry

    def _node(self, path: Path) -> Node:
        return self._entry(path).node if path else self.tree.root

    def _mapping(self, path: Path) -> Node:
        node = self._node(path)
        if node.kind != "mapping" and node.value is not None:
            raise UnusableFileError(f"{_name(path)} is not a mapping", where=self.where)
        return node


def _name(path: Path) -> str:
    return ".".join(path) or "the root"


def _replaced(data: Any, path: Path, value: Any) -> Any:
    """The data with another value at `path`."""
    return {**data, path[0]: _replaced(data[path[0]], path[1:], value)} if path else value
