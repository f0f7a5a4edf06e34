"""The era of a config, and what to say or refuse where the config alone does not decide it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from migrate import clues, eras, recognise
from migrate.agent_rules import DEFAULT_ERA
from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.registry import rules, stem_of_old
from migrate.rule import ByEra, Rule
from migrate.translate import to_new

REFERENCE = DEFAULT_ERA.date
REPORTED_ONLY = ("l2_norm_scale", "l2_init_scale", "unknown_features")
"""Options that no valid input tells apart: the L2 losses carry no gradient (trap 9)."""


def config_era(agent: Mapping[str, Any], where: object, era: str | None = None) -> tuple[Era, tuple[str, ...]]:
    """The era of an old agent config.

    Args:
        agent: the config.
        where: the file.
        era: given by the user instead.

    Returns:
        The era, and notes on what it leaves open.

    Raises:
        UnusableFileError: parts of different eras, or several eras under which the config means other functions.
    """
    if era:
        return eras.named(era, where), ()
    classes = {name: str(component.get("_target_")) for name, component in agent["components"].items()}
    target = str(agent.get("_target_"))
    found = recognise.era_from(
        [*recognise.of_root(target), *recognise.of_classes(classes), *clues.of_config(agent)], where
    )
    if found.earliest <= REFERENCE < found.date:
        chosen = Era(DEFAULT_ERA.name, found.evidence, date=REFERENCE, earliest=found.earliest)
    else:
        chosen = found
    return chosen, _open_questions(agent, chosen, _dates(agent, found, where), where)


def _dates(agent: Mapping[str, Any], found: Era, where: object) -> list[str]:
    """Dates between which the meaning of the config may change, those included that it may have."""
    points = {found.earliest, found.date}
    for name, component in agent["components"].items():
        rule = rules()[stem_of_old(str(component.get("_target_")), f"{where}: component {name!r}")]
        points.update(start for start in _steps(rule) if found.earliest < start <= found.date)
    return sorted(points)


def _steps(rule: Rule) -> Iterable[str]:
    defaults = [default for k in rule.keys for default in k.old_default]
    for value in (
        *rule.fixed.values(),
        *defaults,
        *(d for _, ks in rule.keys_before for k in ks for d in k.old_default),
    ):
        if isinstance(value, ByEra):
            yield from (eras.start_of(since) for since, _ in value.steps)
    yield from (eras.start_of(before) for before, _ in rule.keys_before)


def _open_questions(agent: Mapping[str, Any], chosen: Era, dates: list[str], where: object) -> tuple[str, ...]:
    notes: dict[str, None] = {}
    for date in dates:
        for option, there, here in _differences(agent, Era(date), chosen, where):
            reading = f"{option} is {here!r} in code of {chosen.date} and {there!r} in code of {date}"
            if option.rpartition(".")[2] not in REPORTED_ONLY:
                raise UnusableFileError(
                    f"the config does not say which era it is of: {reading}",
                    where=where,
                    fix=f"give the date of the code with --era, such as --era {date}; a checkpoint would tell",
                )
            notes[f"taken for {chosen.name}; {option.rpartition('.')[2]} means something else from {date} on"] = None
    return tuple(notes)


def _differences(agent: Mapping[str, Any], other: Era, chosen: Era, where: object) -> Iterable[tuple[str, Any, Any]]:
    for name, component in agent["components"].items():
        rule = rules()[stem_of_old(str(component.get("_target_")), f"{where}: component {name!r}")]
        own = {key: value for key, value in component.items() if key != "input_source"}
        try:
            there = rule.resolved(to_new(rule, own, other, name).config)
        except UnusableFileError:
            continue  # that era would have refused it
        here = rule.resolved(to_new(rule, own, chosen, f"{where}: component {name!r}").config)
        for option in {**here, **there}:
            if here.get(option) != there.get(option):
                yield f"{name}.{option}", there.get(option), here.get(option)
