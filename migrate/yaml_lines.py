"""Answers questions about lines, indentation and comments of a parsed YAML text, and applies edits to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from migrate.yaml_text import indented
from migrate.yaml_tree import BOM, Entry, Tree

_NO_SCALAR = re.compile(r"(?:^|[:,\[\]{}-]) *$")


class Lines:
    """A text beside its tree; all positions are indices into the text.

    Args:
        text: the text.
        tree: what `read_tree` made of it.
    """

    def __init__(self, text: str, tree: Tree) -> None:
        self.text, self.comments = text, tree.comments
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def line_start(self, position: int) -> int:
        start = self.text.rfind("\n", 0, position) + 1
        return start + len(BOM) if start == 0 and self.text.startswith(BOM) else start

    def line_end(self, position: int) -> int:
        """The end of the line that holds the last character before `position`, line break excluded."""
        found = self.text.find("\n", position - 1 if self.text[position - 1 : position] == "\n" else position)
        end = len(self.text) if found < 0 else found
        return end - 1 if self.text[end - 1 : end + 1] == "\r\n" else end

    def before_line(self, position: int) -> int:
        """The position before the line break before the line of `position`; the line's start if it is the first."""
        start = self.line_start(position)
        if start <= len(BOM) and not self.text[:start].endswith("\n"):
            return start
        return start - (2 if self.text[:start].endswith("\r\n") else 1)

    def column(self, position: int) -> int:
        return position - self.line_start(position)

    def indent_at(self, position: int) -> int:
        """The indentation of the line of `position`."""
        rest = self.text[self.line_start(position) :]
        return len(rest) - len(rest.lstrip(" "))

    def is_blank_before(self, position: int) -> bool:
        return not self.text[self.line_start(position) : position].strip(" ")

    def on_one_line(self, left: int, right: int) -> bool:
        return "\n" not in self.text[left:right]

    def owns_lines(self, entry: Entry) -> bool:
        """Whether the entry's key opens a line and nothing but a comment follows its value."""
        rest = self.text[entry.node.end : self.line_end(entry.node.end)].strip(" ")
        return self.is_blank_before(entry.start) and (not rest or rest.startswith("#"))

    def outlives_scalars(self, position: int) -> bool:
        """Whether the comment at `position` has its own line, or stands behind something else than a scalar."""
        return _NO_SCALAR.search(self.text[self.line_start(position) : position]) is not None

    def comments_in(self, start: int, end: int) -> list[str]:
        return [self.text[slice(*span)] for span in self.comments if start <= span[0] < end]

    def comments_above(self, position: int) -> list[tuple[int, int]]:
        """The comments on the lines right above the line of `position`."""
        starts = {self.line_start(span[0]): span for span in self.comments if self.is_blank_before(span[0])}
        found: list[tuple[int, int]] = []
        start = self.line_start(position)
        while start and (above := self.line_start(start - 1)) in starts and above != start:
            found.insert(0, starts[above])
            start = above
        return found

    def shifted(self, head: str, value: str, old: int, new: int) -> list[str]:
        """The lines of `head` and a value's source text, moved left or right with its key.

        Args:
            head: the key and its colon.
            value: the text behind the colon, as it was.
            old: a position in the line that the value began in.
            new: the key's new indentation.
        """
        before = self.text[self.line_start(old) : old]
        delta = new - (self.indent_at(old) if before.strip(" -") else len(before))
        first, *rest = value.replace("\r\n", "\n").split("\n")
        return [head + first, *(self._shift(line, delta) for line in rest)]

    @staticmethod
    def _shift(line: str, delta: int) -> str:
        if delta >= 0:
            return indented([line], delta)[0]
        return line[min(-delta, len(line) - len(line.lstrip(" "))) :]

    def joined(self, lines: list[str], indent: int) -> str:
        """The lines as text to be put at column `indent`: all but the first are indented."""
        return self.newline.join([*lines[:1], *indented(lines[1:], indent)])

    def apply(self, edits: Sequence[tuple[int, int, str]]) -> str:
        """The text after non-overlapping edits; those at one position apply in the given order."""
        parts: list[str] = []
        position = 0
        first = self.line_start(0)
        for start, end, new in sorted(edits, key=lambda edit: edit[0]):
            parts += [self.text[position:start], new]
            position = end
        result = "".join([*parts, self.text[position:]])
        if any(start == first and end > start and not new for start, end, new in edits):
            # The first line went away without the line break before it: there was none.
            return result[:first] + result[first:].removeprefix(self.newline)
        return result
