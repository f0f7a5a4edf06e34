"""The era of a config, and what to say or refuse where the config alone does not decide it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate import clues, eras, recognise
from migrate.agent_rules import DEFAULT_ERA
from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.open_questions import notes_of, open_questions, spoken_date

REFERENCE, WITH_MERGES = DEFAULT_ERA.date, Era("E1").date
"""What is taken where it is possible: E4d; and of early merges the only era that could build them (trap 17)."""


def config_era(agent: Mapping[str, Any], where: object, era: str | None = None) -> tuple[Era, tuple[str, ...]]:
    """The era of an old agent config.

    Args:
        agent: the config.
        where: the file.
        era: given by the user instead; of a range such as `E5`, the config says the rest.

    Returns:
        The era, and notes on what it leaves open.

    Raises:
        UnusableFileError: parts of different eras, or several eras under which the config has other weights.
    """
    if era and not eras.is_range(era):
        return eras.named(era, where), ()
    found = evidence_of(agent, where, era)
    preferred = WITH_MERGES if _has_early_merges(agent) else REFERENCE
    if found.earliest <= preferred < found.date:
        chosen = Era(eras.name_at(preferred), found.evidence, date=preferred, earliest=found.earliest)
    else:
        chosen = found
    questions = open_questions(agent, chosen, found.date, where)
    for question in questions:
        if question.structural:
            raise UnusableFileError(
                "the config does not say which era it is of, and so not which weights it has: "
                f"component {question.component!r}, {question.option}: {question.here!r} in code of "
                f"{spoken_date(question.taken_for)}, {question.there!r} in code of {spoken_date(question.date)}",
                where=where,
                fix=f"give the date of the code, such as --era {spoken_date(question.date)}; a checkpoint tells it",
            )
    return chosen, notes_of(questions)


def _has_early_merges(agent: Mapping[str, Any]) -> bool:
    components = agent["components"].values()
    return any("source_name" in source for c in components for source in c.get("sources") or () if source)


def evidence_of(agent: Mapping[str, Any], where: object, era: str | None = None, *, habits: bool = True) -> Era:
    """The youngest era that a config may be of, with the oldest as its `earliest`.

    Args:
        agent: the config.
        where: the file.
        era: a range of eras that the user gives.
        habits: whether how the team wrote its files counts, besides what the code took.

    Raises:
        UnusableFileError: parts of different eras.
    """
    classes = {name: str(component.get("_target_")) for name, component in agent["components"].items()}
    told = [recognise.of_user(era, where)] if era else []
    target = recognise.of_root(str(agent.get("_target_")))
    said = [*told, *target, *recognise.of_classes(classes), *clues.of_config(agent)]
    return recognise.era_from([clue for clue in said if habits or not clue.habit], where)
