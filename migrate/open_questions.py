"""What a file does not say of its era, as far as it matters: options that the possible eras decide differently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate import eras
from migrate.agent_rules import ERA, FIXED, decided_by
from migrate.config_rules import component_place, told_to
from migrate.eras import END_OF_DAY, Era, name_at
from migrate.errors import UnusableFileError
from migrate.old_sources import own_keys
from migrate.registry import rules, stem_of_old
from migrate.rule import ByEra, Rule, equal
from migrate.translate import to_new

HARMLESS = {
    "l2_norm_scale": "a loss without gradient",
    "l2_init_scale": "a loss without gradient",
    "l2_sum": "last bits of losses without gradient",
    "unknown_features": "observations that are not valid",
    "log_probs": "last bits",
    "action_dtype": "the type of the same numbers",
    "initialized": "weights that a seed gives",
    "sequences": "a mistake of three days in training",
}
"""Options that decide nothing that a trained policy does, and what they do decide (traps 5, 9, 22)."""
FOLLOWS = ("remapped",)
"""Keys of the agent that say where an option of a component applies; that option is the question."""


@dataclass(frozen=True)
class Question:
    """One option that the file leaves open.

    Attributes:
        component: whose; empty for the agent's own.
        option: of the new component.
        here: its value in the era that the file is taken for.
        there: its value in the code of `date`, of which the file may be as well.
        date: when that was in force.
        taken_for: the date that the file is taken for.
        structural: whether it decides which weights there are.
    """

    component: str
    option: str
    here: Any
    there: Any
    date: str
    taken_for: str
    structural: bool

    def __str__(self) -> str:
        what = f"{self.option} is {self.here!r}, and {self.there!r} in code of {spoken_date(self.date)}"
        return f"{_taken(self.taken_for)}, where {what}; give --era {spoken_date(self.date)} if it is of then"


def notes_of(questions: Iterable[Question]) -> tuple[str, ...]:
    """What to tell of open questions: each one that matters, and the others in one line."""
    asked = list(questions)
    notes = [str(question) for question in asked if question.option not in HARMLESS]
    if rest := [question for question in asked if question.option in HARMLESS]:
        what = ", ".join(f"{question.option} ({HARMLESS[question.option]})" for question in rest)
        notes.append(f"{_taken(rest[0].taken_for)}, or another date that only this tells apart: {what}")
    return tuple(notes)


def _taken(date: str) -> str:
    return f"taken for {name_at(date)} ({spoken_date(date)})"


def spoken_date(date: str) -> str:
    """A date as a user may give it; what stands for the end of a day is that day."""
    return date.removesuffix(END_OF_DAY)


def open_questions(agent: Mapping[str, Any], chosen: Era, latest: str, where: object) -> list[Question]:
    """One question per option that is open.

    Args:
        agent: the old config.
        chosen: the era that the file is taken for; `chosen.earliest` is the oldest that it may be of.
        latest: the youngest date that it may be of.
        where: the file.
    """
    found: dict[str, Question] = {}
    for date in _dates(agent, chosen.earliest, latest, where):
        for question in _differences(agent, Era(date), chosen, where):
            found.setdefault(question.option, question)
    return list(found.values())


def _dates(agent: Mapping[str, Any], earliest: str, latest: str, where: object) -> list[str]:
    """Dates at which the meaning of the file may change, those included that it may have."""
    steps = [start for by_era in FIXED.values() for start in _starts(by_era)]
    for name, component in agent["components"].items():
        steps += _steps(_rule_of(name, component, where))
    return sorted({earliest, latest, *(start for start in steps if earliest < start <= latest)})


def _steps(rule: Rule) -> Iterator[str]:
    keys = [*rule.keys, *(k for _, earlier in rule.keys_before for k in earlier)]
    for value in (*rule.fixed.values(), *(default for k in keys for default in k.old_default)):
        if isinstance(value, ByEra):
            yield from _starts(value)
    yield from (eras.start_of(before) for before, _ in rule.keys_before)


def _starts(by_era: ByEra) -> Iterator[str]:
    return (eras.start_of(since) for since, _ in by_era.steps)


def _differences(agent: Mapping[str, Any], other: Era, chosen: Era, where: object) -> Iterable[Question]:
    for name, component in agent["components"].items():
        here, there = (_reading(agent, name, era, where) for era in (chosen, other))
        if here is None or there is None:
            continue  # that era would have refused it
        structure = _rule_of(name, component, where).structure
        for option in {**here, **there}:
            if not equal(here.get(option), there.get(option)):
                values = here.get(option), there.get(option)
                yield Question(name, option, *values, other.date, chosen.date, option in structure)
    here, there = (decided_by(era, agent["components"]) for era in (chosen, other))
    for option in {**here, **there}:
        if option not in (ERA, *FOLLOWS) and here.get(option) != there.get(option):
            yield Question("", option, here.get(option), there.get(option), other.date, chosen.date, structural=False)


def _rule_of(name: str, component: Mapping[str, Any], where: object) -> Rule:
    return rules()[stem_of_old(str(component.get("_target_")), component_place(where, name))]


def _reading(agent: Mapping[str, Any], name: str, era: Era, where: object) -> dict[str, Any] | None:
    """The new options that one era makes of a component; None where it refuses it."""
    component = agent["components"][name]
    rule = _rule_of(name, component, where)
    try:
        return rule.resolved(to_new(rule, {**own_keys(component), **told_to(rule, agent, era)}, era, name).config)
    except UnusableFileError:
        return None
