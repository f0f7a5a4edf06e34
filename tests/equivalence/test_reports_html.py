"""`report.html` and `index.html`: complete, self-contained, accessible, and safe with any name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equivalence.report import write_summary
from equivalence.report_html import duration, render_html, render_index
from equivalence.report_plots import LogAxis, by_component, by_step, graph
from equivalence.result import ProofResult
from tests.equivalence._results import different, equal, inconclusive

Make = Callable[[], ProofResult]
VERDICTS = pytest.mark.parametrize("make", [equal, different, inconclusive])
VOID = {"meta", "link"}


class Page(HTMLParser):
    """A page as tags, attributes and text; refuses tags that are not closed in order."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(data.decode("utf-8"))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, *names: str) -> list[tuple[str, dict[str, str]]]:
        return [tag for tag in self.tags if tag[0] in names]


def pages() -> list[bytes]:
    results = [equal(), different(), inconclusive()]
    return [*map(render_html, results), render_index(results, ["001-a", "002-b", "003-c"]), render_index([], [])]


def named(text: str) -> ProofResult:
    """A result in which everything that comes from outside is one text."""
    result = different()
    result.old = result.new = result.reproduce = result.bundle = text
    result.conditions = {text: {text: [text]}, "obstacles": [text]}
    result.components = [replace(c, name=text, old=text, new=text, sources=[text]) for c in result.components[:1]]
    level = result.levels[2]
    level.level = level.purpose = level.blamed = text
    level.differences = [replace(level.differences[0], name=text, detail=text)]
    return result


@pytest.mark.parametrize("data", pages())
def test_nothing_is_loaded_from_elsewhere(data: bytes) -> None:
    page = Page(data)
    links = {value for _, attributes in page.tags for name, value in attributes.items() if name in {"href", "src"}}
    assert not {link for link in links if not re.fullmatch(r"#\w+|\d{3}-\w+/report\.html|data:,", link)}
    assert not page.all("script", "iframe", "img", "object", "embed", "base", "form")
    assert not re.search(rb"://|@import|url\(", data)


@pytest.mark.parametrize("data", pages())
def test_a_page_can_be_read_aloud(data: bytes) -> None:
    page = Page(data)
    assert len(page.all("h1")) == 1
    assert len(page.all("caption")) == len([t for t, a in page.all("div") if a.get("role") == "region"])
    assert all(attributes.get("scope") in {"row", "col"} for _, attributes in page.all("th"))
    assert all(a.get("role") == "img" and a.get("aria-label", "").endswith(".") for _, a in page.all("svg"))
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    targets = {a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a}
    assert (targets | {a["href"][1:] for _, a in page.all("a") if a["href"].startswith("#")}) <= set(identifiers)


@pytest.mark.parametrize("media", ["prefers-color-scheme: dark", "print"])
def test_the_style_knows_dark_screens_and_paper(media: str) -> None:
    assert (
        f"@media ({media})" in Page(render_html(equal())).text or f"@media {media}" in Page(render_html(equal())).text
    )


@pytest.mark.parametrize(
    ("make", "word", "sentence"),
    [
        (equal, "\u2713 Equal", "Every one of 12\u202f345 compared tensors was equal to the last bit; with one weight"),
        (different, "\u2715 Different", "The difference begins at _core_ (LSTM \u2192 LSTMModule)."),
        (inconclusive, "? Not a proof", "this does not prove that both sides are equal"),
    ],
)
def test_the_verdict_is_said_in_words(make: Make, word: str, sentence: str) -> None:
    text = Page(render_html(make())).text
    assert word in text
    assert sentence in text


@VERDICTS
def test_everything_that_was_found_is_on_the_page(make: Make) -> None:
    result, text = make(), Page(render_html(make())).text
    wanted = [result.old, result.new, result.reproduce, *(level.purpose for level in result.levels)]
    wanted += [part for component in result.components for part in (component.name, component.old, component.new)]
    wanted += [difference.detail for level in result.levels for difference in level.differences]
    wanted += ["2.13.0+cpu", "cpu_capability", result.bundle or ""]
    wanted += [level.skipped for level in result.levels if level.skipped]
    assert [part for part in wanted if part not in text] == []


def test_the_reasons_of_an_inconclusive_proof_are_a_list() -> None:
    data = render_html(inconclusive()).decode()
    assert "<li>inference: the fault planted in actor_1 was not seen</li>" in data
    assert "<li>the old side gives other bits when it runs twice</li>" in data


def test_where_all_is_equal_the_number_of_points_stands_in_the_place_of_a_plot() -> None:
    page = Page(render_html(equal()))
    assert "4\u202f000 tensors of 16 components were compared, every one 0 ulp apart." in page.text
    assert len(page.all("svg")) == 1
    assert by_component(equal().components) is None
    assert by_step([0, 0], "rollout") is None


def test_a_failing_level_without_differing_steps_says_how_many_are_equal() -> None:
    result = different()
    result.levels[3].steps = [0, 0, 0]
    assert "Both sides are equal in each of 3 steps" in Page(render_html(result)).text


def test_steps_have_a_column_where_there_are_some() -> None:
    headings = re.findall("<h3>(\\w+):|>(Step)</th>", render_html(different()).decode())
    assert ["".join(each) for each in headings] == ["inference", "rollout", "Step", "gradients"]


def test_differences_are_plotted_by_component_and_by_step() -> None:
    labels = [attributes["aria-label"] for _, attributes in Page(render_html(different())).all("svg")]
    axis = "in ulp, on a logarithmic axis."
    assert labels == [
        f"The largest difference of each step of rollout {axis} Step 2 is the first that differs.",
        "The graph of 16 components in execution order. The difference begins at _core_.",
        f"The largest difference of each component {axis} The largest is 41\u202f297 ulp at _core_.",
    ]


@pytest.mark.parametrize("largest", [1, 3, 10, 11, 8_388_608, 2**63 - 1])
def test_an_axis_has_a_place_for_zero_and_for_every_difference(largest: int) -> None:
    axis = LogAxis(largest, 400)
    places = [axis.at(ulp) for ulp in sorted({0, 1, 2, largest} & set(range(4)) | {largest})]
    assert places == sorted(set(places))
    assert 0 <= places[0] <= places[-1] <= 400.001
    assert 3 <= len(axis.ticks()) <= 9
    assert axis.ticks()[0].text == "0"


def test_what_cannot_be_counted_stands_beyond_the_axis() -> None:
    components = different().components
    components[9].ulp = None
    figure = by_component(components)
    assert figure is not None
    assert figure.marks[9].x > figure.ticks[-1].at
    assert figure.marks[9].text == "not countable"


def test_the_graph_marks_where_the_difference_begins_and_its_way() -> None:
    figure = graph(different().components)
    assert [mark.label for mark in figure.marks if mark.begins] == ["_core_"]
    assert len(figure.edges) == sum(len(component.sources) for component in different().components)
    assert sum(edge.hot for edge in figure.edges) == 6


def test_no_way_leads_from_a_component_that_differs_to_one_that_does_not() -> None:
    components = different().components
    components[3].differing = 2  # by its gradients: what it gave to the next one is equal
    assert sum(edge.hot for edge in graph(components).edges) == 6


def test_a_graph_takes_sources_from_outside_and_loops() -> None:
    components = [replace(component, sources=["x", component.name]) for component in equal().components]
    assert graph(components).edges == []


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}{% raw %}"


def test_names_are_text_whatever_they_contain() -> None:
    page = Page(render_html(named(HOSTILE)))
    assert HOSTILE in page.text
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in Page(render_html(named("x" * len(HOSTILE)))).tags]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


@given(st.text(st.characters(codec=None, exclude_categories=()), min_size=1))
def test_no_name_changes_the_structure_of_a_page(text: str) -> None:
    assert [tag for tag, _ in Page(render_html(named(text))).tags] == [
        tag for tag, _ in Page(render_html(named("x" * len(text)))).tags
    ]


def test_the_index_links_each_proof_to_its_report(tmp_path: Path) -> None:
    index = write_summary([equal(), different(), inconclusive()], tmp_path)[2]
    links = [attributes["href"] for _, attributes in Page(index.read_bytes()).all("a")]
    assert len(links) == 3
    assert all((tmp_path / link).is_file() for link in links)


def test_the_index_counts_verdicts_and_says_where_differences_begin() -> None:
    text = Page(render_index([equal(), different(), inconclusive()], ["a", "b", "c"])).text
    assert "\u2715 Not all equal" in text
    assert "1 of 3 pairs proved equal, 1 different, 1 without a proof." in text
    assert "_core_" in text
    assert "All equal" in Page(render_index([equal()], ["a"])).text
    assert "No proof ran" in Page(render_index([], [])).text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0412, "41 ms"), (5.25, "5.2 s"), (84.2, "1 min 24 s"), (3601, "60 min 01 s")]
)
def test_times_are_as_exact_as_needed(seconds: float, text: str) -> None:
    assert duration(seconds) == text
