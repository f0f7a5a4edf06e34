"""Where the marks of each figure stand: the graph with its blame, and differences by component and by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from equivalence.report_words import arrow, count, grouped, listed, some_levels
from equivalence.result import DIFFERENT, EQUAL, ComponentResult

WIDTH = 960.0
ROW = 24.0
TEXT = 7.3
"""Width of a monospaced character of the size that `style.css` gives to figures."""
LONGEST = 30
FLOOR = 46.0
"""Width of the band for 0, which a logarithm has no place for."""
BEYOND = 34.0
"""How far behind the axis a difference stands that cannot be counted in ulp."""
ABSENT = "absent"
"""The state of a component of which nothing was compared."""
SUPERSCRIPTS = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


class Tick(NamedTuple):
    """A line of an axis: where, and what it says."""

    at: float
    text: str


class Edge(NamedTuple):
    """A value on its way from one component to a later one: its line, and whether both differ."""

    path: str
    hot: bool


@dataclass(frozen=True)
class Mark:
    """One point of a figure, or one node of the graph.

    Attributes:
        x: its place.
        y: its place.
        label: its name, short enough for its column.
        title: the whole story, shown on hovering and read aloud.
        text: what stands beside it.
        state: a verdict or `ABSENT`, which decides its form and colour.
        begins: whether the difference begins here.
        note: what stands behind the text.
    """

    x: float
    y: float
    label: str
    title: str
    text: str
    state: str
    begins: bool = False
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """Everything that a template needs to draw.

    Attributes:
        width: of the canvas.
        height: of the canvas.
        left: where the labels end and the marks begin.
        title: what the figure shows, in a sentence.
        marks: its points.
        ticks: of its logarithmic axis.
        edges: of the graph.
    """

    width: float
    height: float
    left: float
    title: str
    marks: list[Mark]
    ticks: list[Tick]
    edges: list[Edge]


class LogAxis:
    """Ulps from 1 up to the next power of ten, behind a band for 0."""

    def __init__(self, largest: int, length: float) -> None:
        self.decades = max(1, math.ceil(math.log10(max(largest, 1))))
        self.length = length

    def at(self, ulp: int) -> float:
        """Distance from the start of the axis, the middle of the band for 0."""
        return FLOOR + (self.length - FLOOR) * math.log10(ulp) / self.decades if ulp else 0.0

    def ticks(self) -> list[Tick]:
        """At 0 and at powers of ten, at most eight of them."""
        powers = range(0, self.decades + 1, math.ceil((self.decades + 1) / 8))
        return [Tick(0.0, "0"), *(Tick(self.at(10**power), _power(power)) for power in powers)]


def _power(power: int) -> str:
    return str(10**power) if power < 3 else f"10{str(power).translate(SUPERSCRIPTS)}"


def shortened(text: str, longest: int = LONGEST) -> str:
    """Text that fits its column; what is left out of the middle is marked."""
    head, tail = math.ceil((longest - 1) / 2), (longest - 1) // 2
    return text if len(text) <= longest else f"{text[:head]}\u2026{text[-tail:]}"


def _column(names: Sequence[str]) -> float:
    return max((len(shortened(name)) for name in names), default=0) * TEXT + 16


def _state(component: ComponentResult) -> str:
    if component.differing or component.blamed:
        return DIFFERENT
    return EQUAL if component.compared else ABSENT


def graph(components: Sequence[ComponentResult]) -> Figure:
    """Components from top to bottom in execution order, an arc on the left for every value that skips some."""
    rows = {component.name: index for index, component in enumerate(components)}
    pairs = [(source, component.name) for component in components for source in component.sources if source in rows]
    spans = [(rows[source], rows[reader]) for source, reader in pairs if rows[source] < rows[reader]]
    reach = max((_bulge(start, end) for start, end in spans), default=0.0)
    x = 12 + reach * 0.75
    column = _column([component.name for component in components])
    marks = [_node(component, x, ROW * (index + 0.75)) for index, component in enumerate(components)]
    edges = [_edge(marks[start], marks[end], _bulge(start, end)) for start, end in spans]
    title = f"The graph of {count(len(components), 'component')} in execution order. {_blame(components)}"
    return Figure(WIDTH, ROW * (len(components) + 0.5), x + 14 + column, title, marks, [], edges)


def _bulge(start: int, end: int) -> float:
    """How far an arc reaches to the left; neighbours are joined by a straight line."""
    return 0.0 if end - start == 1 else min(16.0 + 9.0 * (end - start), 150.0)


def _node(component: ComponentResult, x: float, y: float) -> Mark:
    state = _state(component)
    notes = {EQUAL: "equal", ABSENT: "not compared", DIFFERENT: "differs"}
    text = f"the difference begins here ({some_levels(component.blamed)})" if component.blamed else notes[state]
    reads = f", reads {listed(component.sources)}" if component.sources else ""
    title = f"{component.name}: {component.old} became {component.new}{reads}; {text}"
    return Mark(x, y, shortened(component.name), title, arrow(component), state, bool(component.blamed), text)


def _edge(start: Mark, end: Mark, bulge: float) -> Edge:
    x, left = start.x, start.x - bulge
    curve = f"M{x:.1f} {start.y:.1f}C{left:.1f} {start.y:.1f} {left:.1f} {end.y:.1f} {x:.1f} {end.y:.1f}"
    return Edge(curve, start.state == end.state == DIFFERENT)


def _blame(components: Sequence[ComponentResult]) -> str:
    blamed = [component.name for component in components if component.blamed]
    return f"The difference begins at {listed(blamed)}." if blamed else "No component is blamed."


def by_component(components: Sequence[ComponentResult]) -> Figure | None:
    """The largest difference of every component in execution order; None where no component differs."""
    if not any(component.differing for component in components):
        return None
    left = _column([component.name for component in components])
    axis = LogAxis(max(component.ulp or 0 for component in components), WIDTH - left - FLOOR / 2 - BEYOND - 140)
    start = left + FLOOR / 2
    marks = [_point(c, start, axis, ROW * (index + 0.75)) for index, c in enumerate(components)]
    ticks = [Tick(start + tick.at, tick.text) for tick in axis.ticks()]
    worst = max(components, key=lambda c: c.ulp or 0)
    largest = f"The largest is {_ulps(worst)} at {worst.name}." if worst.ulp else "None can be counted in ulp."
    title = f"The largest difference of each component in ulp, on a logarithmic axis. {largest}"
    return Figure(WIDTH, ROW * (len(components) + 0.5) + 34, left, title, marks, ticks, [])


def _point(component: ComponentResult, start: float, axis: LogAxis, y: float) -> Mark:
    state = _state(component)
    text = {DIFFERENT: _ulps(component), EQUAL: "", ABSENT: "not compared"}[state]
    x = start + axis.at(component.ulp or 0)
    if state == DIFFERENT and not component.ulp:
        x = start + axis.length + BEYOND
    title = f"{component.name}: {text or '0 ulp'}, {component.differing} of {component.compared} tensors differ"
    return Mark(x, y, shortened(component.name), title, text, state, bool(component.blamed))


def _ulps(component: ComponentResult) -> str:
    return f"{grouped(component.ulp)} ulp" if component.ulp else "not countable"


def by_step(steps: Sequence[int], level: str) -> Figure | None:
    """The largest difference of every step of a rollout or a training; None where no step differs."""
    if not any(steps):
        return None
    height, left, top = 216.0, 52.0, 26.0
    axis = LogAxis(max(steps), height - top - 40)
    bottom = height - 40
    gap = min(90.0, (WIDTH - left - 60) / max(len(steps) - 1, 1))
    marks = [
        Mark(
            left + 30 + gap * index, bottom - axis.at(ulp), str(index), f"step {index}: {grouped(ulp)} ulp",
            grouped(ulp) if gap >= 40 else "", DIFFERENT if ulp else EQUAL,
        )
        for index, ulp in enumerate(steps)
    ]  # fmt: skip
    ticks = [Tick(bottom - tick.at, tick.text) for tick in axis.ticks()]
    first = next(index for index, ulp in enumerate(steps) if ulp)
    axes = f"The largest difference of each step of {level} in ulp, on a logarithmic axis."
    title = f"{axes} Step {first} is the first that differs."
    return Figure(marks[-1].x + 60, height, left, title, marks, ticks, [])
