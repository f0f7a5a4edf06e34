"""`junit.xml`: a proof as a CI server reads it, a suite per proof and a case per level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from xml.etree import ElementTree as ET

from equivalence.report_json import plain
from equivalence.report_words import (
    SKIPPED,
    count,
    readable,
    sentence,
    shortfall,
    shortfalls,
    status,
    verdict_notes,
    verdict_words,
)
from equivalence.result import DIFFERENT, EQUAL, INCONCLUSIVE, LevelResult, ProofResult

SHOWN = 10
"""Differences per level; all are in `result.json`."""
WHOLE = "whole proof"
"""The case that fails where every level is fine and the proof is not."""
OUTCOMES = {DIFFERENT: "failure", INCONCLUSIVE: "error", SKIPPED: "skipped"}
COUNTS = {
    "tests": "testcase",
    "failures": "testcase/failure",
    "errors": "testcase/error",
    "skipped": "testcase/skipped",
}


def render_junit(results: Sequence[ProofResult]) -> bytes:
    """One `<testsuite>` per proof: without a failure or an error exactly where its verdict is `equal`."""
    root = ET.Element("testsuites", name="equivalence")
    for result in results:
        root.append(_suite(result))
    for name in COUNTS:
        root.set(name, str(sum(int(suite.attrib[name]) for suite in root)))
    root.set("time", _seconds(sum(result.seconds for result in results)))
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(result: ProofResult) -> ET.Element:
    suite = ET.Element("testsuite", name=readable(f"{result.old} against {result.new}"))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(result):
        ET.SubElement(properties, "property", name=readable(name), value=readable(value))
    classname = readable(PurePath(result.old).name or result.old)
    for level in result.levels:
        case = ET.SubElement(
            suite, "testcase", classname=classname, name=readable(level.level), time=_seconds(level.seconds)
        )
        _outcome(case, level, result)
    for name in result.unfinished:
        if name not in {level.level for level in result.levels}:
            case = ET.SubElement(suite, "testcase", classname=classname, name=readable(name), time=_seconds(0))
            ET.SubElement(case, "skipped", message="the time budget left it out")
    if result.verdict == INCONCLUSIVE and suite.find("testcase/error") is None:
        case = ET.SubElement(suite, "testcase", classname=classname, name=WHOLE, time=_seconds(0))
        ET.SubElement(case, "error", type=INCONCLUSIVE, message=readable("; ".join(shortfalls(result))))
    for name, path in COUNTS.items():
        suite.set(name, str(len(suite.findall(path))))
    suite.set("time", _seconds(result.seconds))
    return suite


def _outcome(case: ET.Element, level: LevelResult, result: ProofResult) -> None:
    found = status(level)
    if found != EQUAL:
        outcome = ET.SubElement(case, OUTCOMES[found], message=readable(_message(level)))
        if found != SKIPPED:
            outcome.set("type", found)
        if level.differences:
            outcome.text = readable("\n".join(_details(level, result)))
    ET.SubElement(case, "system-out").text = readable(
        "; ".join(filter(None, [verdict_words(level), verdict_notes(level), _amount(level)]))
    )


def _amount(level: LevelResult) -> str:
    return f"{count(level.examples, 'input')}, {count(level.compared, 'value')} compared"


def _message(level: LevelResult) -> str:
    if not level.differences:
        return shortfall(level) or level.skipped or ""
    begins = f"begins at {level.blamed}" if level.blamed else "no component could be named"
    return f"{count(len(level.differences), 'difference')}, {begins}"


def _details(level: LevelResult, result: ProofResult) -> Iterator[str]:
    if level.failing is not None:
        yield f"smallest input: {level.failing}"
    yield from map(str, level.differences[:SHOWN])
    if len(level.differences) > SHOWN:
        yield f"and {len(level.differences) - SHOWN} more"
    yield f"reproduce: {result.reproduce}"
    if result.bundle:
        yield f"bundle: {result.bundle}"


def _properties(result: ProofResult) -> Iterator[tuple[str, str]]:
    yield "verdict", result.verdict
    yield "meaning", sentence(result)
    yield from (
        (name, str(getattr(result, name))) for name in ("old", "new", "policy", "seed", "examples", "reproduce")
    )
    yield from flattened("conditions", plain(result.conditions))


def flattened(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Nested JSON values as pairs of a dotted name and a text."""
    match value:
        case dict():
            for key, item in value.items():
                yield from flattened(f"{name}.{key}", item)
        case list() if any(isinstance(item, dict | list) for item in value):
            for index, item in enumerate(value):
                yield from flattened(f"{name}.{index}", item)
        case list():
            yield name, ", ".join(map(str, value))
        case _:
            yield name, str(value)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
