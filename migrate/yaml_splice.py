"""Plans the smallest set of text edits that gives a block mapping other contents; the engine of `Document.rewrite`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from migrate.yaml_lines import Lines
from migrate.yaml_text import entry_lines, indented, same, scalar
from migrate.yaml_tree import Entry, Node
from migrate.yaml_want import Want, fits, renamed


@dataclass(frozen=True)
class Style:
    """How the text around an edit is indented: a nested mapping by `step`, the dashes of a list by `dash`."""

    step: int
    dash: int


@dataclass(frozen=True)
class _Job:
    """One mapping that loses entries and gets others."""

    node: Node
    removed: tuple[Entry, ...]
    added: Mapping[str, Want]


def style_of(lines: Lines, around: Sequence[Node], owner: int | None) -> Style:
    """How the surroundings of a mapping are indented; the nearest example counts.

    Args:
        lines: the text.
        around: the mapping, the mapping that holds it, and so on to the root.
        owner: the position behind the colon of the mapping's key; None for the root.
    """
    node = around[0]
    step = next(_steps(lines, node), 0)
    if not step and owner is not None and node.entries and not node.flow:
        step = lines.column(next(iter(node.entries.values())).start) - lines.indent_at(owner)
    steps = (step for outer in around[1:] for step in _steps(lines, outer))
    dashes = (dash for outer in around for dash in _dashes(lines, outer))
    step = step or next(steps, 2)
    return Style(step, next(dashes, step))


def _steps(lines: Lines, node: Node) -> Iterator[int]:
    for entry in _nested(node):
        if entry.node.entries:
            yield lines.column(next(iter(entry.node.entries.values())).start) - lines.column(entry.start)


def _dashes(lines: Lines, node: Node) -> Iterator[int]:
    for entry in _nested(node):
        if entry.node.items:
            yield lines.column(entry.node.start) - lines.column(entry.start)


def _nested(node: Node) -> Iterator[Entry]:
    """All entries below `node` whose values are in block style, outermost first."""
    blocks = [entry for entry in node.entries.values() if not entry.node.flow and entry.node.kind != "scalar"]
    yield from blocks
    for entry in blocks:
        yield from _nested(entry.node)


class Splicer:
    """Collects the edits of one rewrite.

    Args:
        lines: the text and its tree.
        style: how emitted lines are indented.
    """

    def __init__(self, lines: Lines, style: Style) -> None:
        self._lines, self._style = lines, style
        self._edits: list[tuple[int, int, str]] = []
        self._jobs: list[_Job] = []
        self._removed: list[tuple[int, int]] = []
        self._claimed: set[int] = set()  # where comments start that have found their place

    def rewrite(self, owner: int | None, node: Node, wants: Mapping[str, Want]) -> str:
        """The text in which the block mapping `node` has exactly the keys `wants`.

        Args:
            owner: the position behind the colon of the mapping's key; None for the root.
            node: a block mapping.
            wants: what it is to hold.
        """
        if not wants and owner is not None:
            self._edits.append((owner, owner, " {}"))
        self._merge_mapping(node, wants)
        rendered = [(job, self._render(job.added)) for job in self._jobs]
        for job, new in rendered:
            kept = self._left_over(job.removed)
            self._place(job, [*kept, *new, *(["{}"] if owner is None and not wants else [])])
        return self._lines.apply(self._edits)

    def fill(self, owner: int | None, node: Node, wants: Mapping[str, Want]) -> str:
        """The text in which a block mapping stands in the place of the empty value `node`."""
        if not wants:
            space = " " if node.start == node.end else ""
            return self._lines.apply([(node.start, node.end, f"{space}{{}}")])
        if owner is None:
            return self._lines.apply([(node.start, node.end, self._lines.joined(self._render(wants), 0))])
        indent = self._lines.indent_at(owner) + self._style.step
        end = self._lines.line_end(node.end)
        block = self._lines.newline + " " * indent + self._lines.joined(self._render(wants), indent)
        start = owner if self._lines.on_one_line(owner, node.start) else self._lines.before_line(node.start)
        return self._lines.apply([(start, node.end, ""), (end, end, block)])

    def expand(self, owner: int | None, node: Node) -> str:
        """The text in which the flow mapping `node` is written in block style, its values and comments verbatim."""
        indent = 0 if owner is None else self._lines.indent_at(owner) + self._style.step
        new: list[str] = []
        position = node.start
        for entry in node.entries.values():
            new += self._lines.comments_in(position, entry.start)
            key = self._lines.text[entry.start : entry.key_end]
            new += self._lines.shifted(f"{key}:", self._flow_value(entry.node), entry.start, 0)
            position = entry.node.end
        new += self._lines.comments_in(position, node.end)
        block = self._lines.joined(new, indent)
        break_before = self._lines.newline + " " * indent
        if owner is None:
            clean = self._lines.is_blank_before(node.start)
            return self._lines.apply([(node.start, node.end, block if clean else break_before + block)])
        end = self._lines.line_end(node.end)
        start = owner if self._lines.on_one_line(owner, node.start) else self._lines.before_line(node.start)
        return self._lines.apply([(start, node.end, ""), (end, end, break_before + block)])

    def _flow_value(self, node: Node) -> str:
        return f" {self._lines.text[node.start : node.end]}" if node.end > node.start else ""

    def _merge(self, node: Node, want: Want) -> None:
        if same(node.value, want.value):
            return
        if node.kind == "scalar":
            space = " " if node.start == node.end else ""
            self._edits.append((node.start, node.end, space + scalar(want.value)))
        elif node.kind == "sequence":
            for child, value in zip(node.items, want.value, strict=True):
                self._merge(child, renamed(child, value))
        else:
            self._merge_mapping(node, want.keys or {})

    def _merge_mapping(self, node: Node, wants: Mapping[str, Want]) -> None:
        added, removed = dict(wants), []
        for key, entry in node.entries.items():
            if key in wants and fits(self._lines, entry.node, wants[key]):
                self._merge(entry.node, added.pop(key))
            else:
                removed.append(entry)
                self._removed.append((entry.start, self._lines.line_end(entry.node.end)))
        if added or removed:
            self._jobs.append(_Job(node, tuple(removed), added))

    def _render(self, wants: Mapping[str, Want]) -> list[str]:
        """The lines of some keys, unindented, with the comments that travel with them."""
        new: list[str] = []
        for key, want in wants.items():
            if want.source is not None:
                new += self._moved(key, want.source)
            elif want.keys:
                new += [f"{scalar(key)}:", *indented(self._render(want.keys), self._style.step)]
            else:
                new += entry_lines(key, want.value, self._style.step, self._style.dash)
        return new

    def _moved(self, key: str, source: Entry) -> list[str]:
        """The lines of a value whose text the old mapping has; its comments come along unless it stays there too."""
        lines, node, head = self._lines, source.node, f"{scalar(key)}:"
        if node.flow and not lines.owns_lines(source):
            return lines.shifted(head, self._flow_value(node), source.start, 0)
        tail = lines.line_end(node.end)
        above = [span for span in lines.comments_above(source.start) if self._is_removed(span[0])]
        behind = [span for span in lines.comments if source.colon <= span[0] < tail]
        starts = {start for start, _ in (*above, *behind)}
        if self._is_removed(source.start) and not self._claimed & starts:
            self._claimed |= starts
            comments = [lines.text[slice(*span)] for span in above]
            return [*comments, *lines.shifted(head, lines.text[source.colon : tail], source.start, 0)]
        if any(start < node.end for start, _ in behind):
            return entry_lines(key, node.value, self._style.step, self._style.dash)
        return lines.shifted(head, lines.text[source.colon : node.end], source.start, 0)

    def _is_removed(self, position: int) -> bool:
        return any(start <= position < end for start, end in self._removed)

    def _left_over(self, removed: Iterable[Entry]) -> list[str]:
        """Comments of removed text that did not go elsewhere; one behind a scalar went with it."""
        spans = [
            span
            for entry in removed
            for span in self._lines.comments
            if entry.start <= span[0] < self._lines.line_end(entry.node.end) and span[0] not in self._claimed
        ]
        return [self._lines.text[slice(*span)] for span in spans if self._lines.outlives_scalars(span[0])]

    def _place(self, job: _Job, new: list[str]) -> None:
        """Puts the new lines where the first removed entry stood, or behind the last one."""
        lines = self._lines
        indent = lines.column(next(iter(job.node.entries.values())).start)
        block = lines.joined(new, indent)
        removed = list(job.removed)
        if not removed:
            end = lines.line_end(job.node.end)
            self._edits.append((end, end, lines.newline + " " * indent + block))
        elif new:
            first = removed.pop(0)
            self._edits.append((first.start, lines.line_end(first.node.end), block))
        for entry in removed:
            self._edits.append((lines.before_line(entry.start), lines.line_end(entry.node.end), ""))
