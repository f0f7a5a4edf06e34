"""What the rules and cases say of every component: when it existed, in which versions, and which of them were drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unittest import SkipTest

from hypothesis import HealthCheck, Phase, given, seed, settings

from equivalence.case import Case, Setup, cases
from equivalence.coverage_real import said_by
from equivalence.sides import build_old, old_config
from migrate.eras import Era, start_of
from migrate.errors import MigrationError
from migrate.recognise import CLASSES, Clue
from migrate.registry import rules
from migrate.rule import ByEra, Rule, in_force
from migrate.translate import to_new

SUCCESSORS = {
    "action_type": ("action_embedding", "actor_single_head"),
    "action_param": ("action_embedding", "actor_single_head"),
    "actor_single_head": ("actor_query_single_head", "actor_key_single_head"),
    "obs_shaper": ("obs_token_to_box_shaper",),
    "obs_token_cat_fourier": ("obs_token_pad_strip", "obs_attr_embed_fourier"),
    "obs_token_shaper": ("obs_token_pad_strip", "obs_attr_coord_embed"),
}
"""Stem -> what did its work when it was gone; trained weights do not carry over."""
BREAKS = ("E2a", "E4a", "E8")
"""Since when agents built components, and gave them their inputs, in another way."""
PROBES = 5
SAMPLING = settings(
    max_examples=200,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
UNDRAWN = "its case does not draw the code of then"
Code = tuple[Any, ...]


@dataclass(frozen=True)
class Version:
    """A stretch of time in which neither the old code of a component nor its translation changed.

    Attributes:
        since: date.
        before: date.
        legacy: the class of `legacy.layers.<stem>`.
        fixed: the options that keep what it did.
        drawn: eras and dates of it that the case draws.
        problem: why the case draws none; empty where it does.
        refused: whether that is because there is nothing to be equal to.
    """

    since: str
    before: str
    legacy: str
    fixed: Mapping[str, Any]
    drawn: tuple[str, ...] = ()
    problem: str = ""
    refused: bool = False


@dataclass(frozen=True)
class Component:
    """Everything that the page says of one component, but for real files."""

    stem: str
    rule: Rule
    life: Clue
    versions: tuple[Version, ...]
    tensors: tuple[tuple[str, str], ...]


def life_of(rule: Rule) -> Clue:
    """When an old class existed."""
    return CLASSES.get(rule.old, Clue(""))


def _dates(rule: Rule) -> Iterator[str]:
    """Eras and dates at which something about a component may have changed."""
    yield from BREAKS
    yield from (since for since, _ in rule.legacy)
    yield from (before for before, _ in rule.keys_before)
    keys = [*rule.keys, *(k for _, earlier in rule.keys_before for k in earlier)]
    for value in (*rule.fixed.values(), *(default for k in keys for default in k.old_default)):
        if isinstance(value, ByEra):
            yield from (since for since, _ in value.steps)


def _code(rule: Rule, era: Era) -> Code:
    keys = rule.keys_at(era)
    defaults = [repr(in_force(default, era)) for k in keys for default in k.old_default]
    agents = [era.is_since(point) for point in BREAKS]
    return rule.legacy_class(era), keys, defaults, rule.fixed_at(era), agents


def versions_of(rule: Rule) -> tuple[Version, ...]:
    """The versions of a component, in order."""
    life = life_of(rule)
    first, last = start_of(life.since), start_of(life.before)
    points = sorted({first, *(day for day in map(start_of, _dates(rule)) if first < day < last)})
    starts = [day for i, day in enumerate(points) if not i or _at(rule, day) != _at(rule, points[i - 1])]
    ends = [*starts[1:], last]
    eras = map(Era, starts)
    return tuple(
        Version(era.date, before, rule.legacy_class(era), rule.fixed_at(era))
        for era, before in zip(eras, ends, strict=True)
    )


def _at(rule: Rule, day: str) -> Code:
    return _code(rule, Era(day))


def drawn_by(case: Case) -> tuple[Setup, ...]:
    """Setups that a case draws, always the same ones; none where it has none to draw."""
    found: list[Setup] = []

    @seed(0)
    @SAMPLING
    @given(case.setups)
    def draw(setup: Setup) -> None:
        found.append(setup)

    try:
        draw()
    except SkipTest:
        return ()
    return tuple(found)


def proved(stem: str, version: Version, case: Case, setups: Sequence[Setup]) -> Version:
    """A version with the eras that its case draws, or the reason why it draws none."""

    def within(setup: Setup) -> bool:
        return version.since <= Era(setup.era).date < version.before

    if names := {setup.era for setup in setups if within(setup)}:
        return replace(version, drawn=tuple(sorted(names, key=lambda name: Era(name).date)))
    for since, before, reason in case.gaps:
        if start_of(since) <= version.since and version.before <= start_of(before):
            return replace(version, problem=reason, refused=True)
    keys = rules()[stem].keys_at(Era(version.since))
    probes = setups or [setup for setup in case.refused if within(setup)]
    alike = [setup for setup in probes if rules()[stem].keys_at(Era(setup.era)) == keys]
    if reason := _refusal(stem, probes[:PROBES], version.since):
        return replace(version, problem=reason, refused=True)
    return replace(version, problem=_failure(stem, alike[:PROBES], version.since) or UNDRAWN)


def _refusal(stem: str, setups: Sequence[Setup], day: str) -> str:
    """Why the rule refuses all of some setups, whatever they say; empty where it does not."""
    reasons = set()
    for setup in setups:
        try:
            to_new(rules()[stem], old_config(stem, replace(setup, era=day)), Era(day), "")
        except MigrationError as error:
            reasons.add(said_by(error) if isinstance(error.__cause__, ValueError) else "")
        else:
            reasons.add("")
    return reasons.pop() if len(reasons) == 1 else ""


def _failure(stem: str, setups: Sequence[Setup], day: str) -> str:
    """How building the old component fails with all of some setups; empty where it does not."""
    said = ""
    for setup in setups:
        try:
            build_old(stem, replace(setup, era=day))
        except Exception as error:  # noqa: BLE001 - the old stack raised whatever came
            said = said or f"our old class cannot be built: {type(error).__name__}: {error}".splitlines()[0]
        else:
            return ""
    return said


def component_of(stem: str) -> Component:
    """Collects one component."""
    rule, case = rules()[stem], cases()[stem]
    setups = drawn_by(case)
    configs = [to_new(rule, old_config(stem, setup), Era(setup.era), "").config for setup in setups]
    tensors = {(move.old, move.new): None for config in configs for move in rule.state(rule.resolved(config))}
    versions = tuple(proved(stem, version, case, setups) for version in versions_of(rule))
    return Component(stem, rule, life_of(rule), versions, tuple(sorted(tensors)))
