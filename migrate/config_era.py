"""The era of a config, and what to say or refuse where the config alone does not decide it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from migrate import clues, eras, recognise
from migrate.agent_rules import DEFAULT_ERA
from migrate.config_rules import own_keys, told_to
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
    if era and not eras.is_range(era):
        return eras.named(era, where), ()
    classes = {name: str(component.get("_target_")) for name, component in agent["components"].items()}
    target = str(agent.get("_target_"))
    told = [recognise.of_user(era, where)] if era else []
    found = recognise.era_from(
        [*told, *recognise.of_root(target), *recognise.of_classes(classes), *clues.of_config(agent)], where
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
        rule = _rule_of(name, component, where)
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
    """What the config leaves open, one note per option.

    Raises:
        UnusableFileError: eras under which the config describes networks with other weights.
    """
    notes: dict[str, str] = {}
    for date in dates:
        for name, component in agent["components"].items():
            here, there = (_reading(agent, name, era, where) for era in (chosen, Era(date)))
            if there is None or here is None:
                continue  # that era would have refused it
            for option in {**here, **there}:
                reading = f"{option} is {here.get(option)!r}, and {there.get(option)!r} in code of {date[:10]}"
                if here.get(option) == there.get(option):
                    continue
                if option in _rule_of(name, component, where).structure:
                    raise UnusableFileError(
                        f"the config does not say which era it is of, and so not which weights component {name!r} has: "
                        f"taken for {chosen.date[:10]}, {reading}",
                        where=where,
                        fix=f"give the date of the code, such as --era {date[:10]}; a checkpoint would tell it",
                    )
                notes.setdefault(option, f"taken for {chosen.name}, where {reading}; {_what_to_do(option)}")
    return tuple(notes.values())


def _what_to_do(option: str) -> str:
    return "no valid input tells these apart" if option in REPORTED_ONLY else "give --era if it is of then"


def _rule_of(name: str, component: Mapping[str, Any], where: object) -> Rule:
    return rules()[stem_of_old(str(component.get("_target_")), f"{where}: component {name!r}")]


def _reading(agent: Mapping[str, Any], name: str, era: Era, where: object) -> dict[str, Any] | None:
    """The new options that one era makes of a component; None where it refuses it."""
    component = agent["components"][name]
    rule = _rule_of(name, component, where)
    try:
        return rule.resolved(to_new(rule, {**own_keys(component), **told_to(rule, agent, era)}, era, name).config)
    except UnusableFileError:
        return None
