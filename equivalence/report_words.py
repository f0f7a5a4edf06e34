"""What a result means, in the words that the terminal and every report share."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import PurePath

from equivalence.result import DIFFERENT, EQUAL, INCONCLUSIVE, ComponentResult, LevelResult, ProofResult

SKIPPED = "skipped"
"""The status of a level that a pair has nothing for, beside the three verdicts."""
HEADLINES = {EQUAL: "Equal", DIFFERENT: "Different", INCONCLUSIVE: "Not a proof"}
MARKS = {EQUAL: "\u2713", DIFFERENT: "\u2715", INCONCLUSIVE: "?", SKIPPED: "\u2013"}
"""Verdict -> the sign that stands beside its word, so that neither colour nor sign carries it alone."""
HOW_EQUAL = {
    "bitwise": "was equal to the last bit",
    "oracle": "was as close to the float64 oracle as the old stack's own error allows",
}
"""Policy -> what was found of every tensor of an equal pair."""
IN_MEMORY = {"migrated in memory": "itself, migrated in memory"}
ERROR = 300
"""Characters of an error's text that a line shows."""
NAMED = 3
"""Levels that a sentence names before it only counts them."""
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
NO_CHARACTER = re.compile(r"[\ud800-\udfff\ufffe\uffff]")

Format = Callable[[int], str]


def count(number: int, one: str, many: str | None = None, *, digits: Format = str) -> str:
    """A number and its noun: `1 input`, `3 inputs`."""
    return f"{digits(number)} {one if number == 1 else many or one + 's'}"


def grouped(number: int) -> str:
    """Digits in groups of three, which a line break never separates."""
    return f"{number:,}".replace(",", "\u202f")


def status(level: LevelResult) -> str:
    """One of the three verdicts or `SKIPPED`, for a single level."""
    if level.differences:
        return DIFFERENT
    if level.skipped is not None:
        return SKIPPED
    return EQUAL if level.equal else INCONCLUSIVE


def verdict_words(level: LevelResult) -> str:
    """The verdict of a level, in a few words."""
    return {
        EQUAL: "bitwise equal" if level.ratio is None else "within the noise",
        DIFFERENT: count(len(level.differences), "difference"),
        INCONCLUSIVE: "control failed" if level.compared else "nothing was compared",
        SKIPPED: "skipped",
    }[status(level)]


def verdict_notes(level: LevelResult) -> str:
    """What to know of the verdict of a level besides; empty where there is nothing."""
    notes = [
        _failures(level),
        count(level.ties, "tie") if level.ties else "",
        f"error {level.ratio:.3g} of the old one" if level.ratio is not None else "",
        f"declared: {', '.join(level.divergences)}" if level.divergences else "",
    ]
    return "; ".join(note for note in notes if note)


def _failures(level: LevelResult) -> str:
    if not level.failed_alike:
        return ""
    words = f"{count(level.failed_alike, 'pass fails', 'passes fail')} on both sides"
    if level.compared or not level.failure:
        return words
    return f"{words}, the first with {textwrap.shorten(level.failure, ERROR, placeholder=' ...')}"


def control_words(level: LevelResult) -> str:
    """What became of the negative control of a level, in a few words."""
    control = level.control
    if control is None:
        return "not run"
    if not control.found:
        return f"not seen in {control.component}"
    if not control.passed:
        return f"blamed {control.blamed or 'nothing'}, not {control.component}"
    return f"named {control.component}"


def shortfall(level: LevelResult) -> str | None:
    """Why a level proves nothing; None where it does, and where it was skipped or found a difference."""
    control = level.control
    if status(level) != INCONCLUSIVE:
        return None
    if not level.compared or control is None:
        return f"{level.level}: nothing was compared"
    what = f"blamed on {control.blamed or 'nothing'}" if control.found else "not seen"
    return f"{level.level}: the fault planted in {control.component} was {what}"


def obstacles(result: ProofResult) -> list[str]:
    """Conditions under which equality would mean nothing."""
    found = result.conditions.get("obstacles") or ()
    return [found] if isinstance(found, str) else [str(obstacle) for obstacle in found]


def shortfalls(result: ProofResult) -> list[str]:
    """Why a whole proof is inconclusive; empty where it is not."""
    if result.verdict != INCONCLUSIVE:
        return []
    reasons = [reason for reason in map(shortfall, result.levels) if reason] + obstacles(result)
    return reasons or ["no level compared anything"]


def compared(result: ProofResult) -> int:
    """How many tensors all levels compared."""
    return sum(level.compared for level in result.levels)


def blame_of(result: ProofResult) -> dict[str, list[str]]:
    """Blamed component -> the levels that blame it, in the order in which they ran."""
    blame: dict[str, list[str]] = {}
    for level in result.levels:
        if level.blamed is not None:
            blame.setdefault(level.blamed, []).append(level.level)
    return blame


def sentence(result: ProofResult, digits: Format = str) -> str:
    """The verdict and what it rests on, for someone who was not there."""
    words, reasons = opening(result, digits), shortfalls(result)
    return f"{words} Reasons: {'; '.join(reasons)}." if reasons else words


def opening(result: ProofResult, digits: Format = str) -> str:
    """The same without the reasons of an inconclusive proof."""
    words = {EQUAL: _equal, DIFFERENT: _different, INCONCLUSIVE: _inconclusive}[result.verdict](result, digits)
    if result.unfinished:
        words += f" The time budget left out or cut short: {', '.join(result.unfinished)}."
    if result.verdict == DIFFERENT and obstacles(result):
        words += f" The conditions alone may be the cause: {'; '.join(obstacles(result))}."
    return words


def _equal(result: ProofResult, digits: Format) -> str:
    levels = [level for level in result.levels if level.skipped is None]
    controls = [level.control for level in levels if level.control is not None]
    tensors = count(compared(result), "compared tensor", digits=digits)
    how = HOW_EQUAL.get(result.policy, f"was equal under the policy {result.policy}")
    if not controls:
        return (
            f"Every one of {tensors} {how}. No negative control was run, so nothing shows that a fault would be seen."
        )
    fault = f"with one weight moved {' or '.join(dict.fromkeys(control.moved for control in controls))}"
    ran = "level" if len(levels) == len(result.levels) else f"of the {count(len(levels), 'level')} that ran"
    every = len(controls) == len(levels)
    who = f"each {ran}" if every else f"{digits(len(controls))} of {count(len(levels), 'level')}"
    return f"Every one of {tensors} {how}; {fault}, {who} noticed and named the right component."


def _different(result: ProofResult, digits: Format) -> str:
    failing = [level.level for level in result.levels if level.differences]
    total = count(compared(result), "tensor", digits=digits)
    words = f"The two sides are not equal: of {total} compared, some differ on {some_levels(failing)}."
    blame = blame_of(result)
    if not blame:
        return f"{words} No single component could be named."
    classes = {component.name: f" ({arrow(component)})" for component in result.components}
    agreed = list(blame.values()) == [failing]
    places = [
        f"at {name}{classes.get(name, '')}{'' if agreed else ' on ' + some_levels(levels)}"
        for name, levels in blame.items()
    ]
    return f"{words} The difference begins {listed(places)}."


def _inconclusive(result: ProofResult, digits: Format) -> str:
    total = count(compared(result), "compared tensor", digits=digits)
    return f"Nothing differed in {total}, but this does not prove that both sides are equal."


def some_levels(names: list[str]) -> str:
    """Levels by name while they are few, else their number."""
    return listed(names) if len(names) <= NAMED else count(len(names), "level")


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def side(path: str) -> str:
    """A side without the folders of its file."""
    return IN_MEMORY.get(path, PurePath(path).name or path)


def touched(level: LevelResult) -> set[str]:
    """The components that something differs of on a level."""
    owned = {difference.component for difference in level.differences if difference.component is not None}
    return owned | {difference.name for difference in level.differences if difference.place == "component"}


def short(name: str) -> str:
    """A class without its module."""
    return name.rpartition(".")[2]


def arrow(component: ComponentResult) -> str:
    """Old and new class of a component."""
    return f"{short(component.old)} \u2192 {short(component.new)}"


def readable(text: str) -> str:
    """Text without what XML cannot hold and terminals obey: control characters go, what is no character is marked."""
    return NO_CHARACTER.sub("\ufffd", CONTROLS.sub("", text))
