"""Mutants are mistakes: each changes what a component shows when it runs alone, or says why nothing can be seen."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from equivalence.case import cases
from equivalence.component import compare_component
from equivalence.harness import LEVELS
from equivalence.mutant import Mutant
from equivalence.mutants import GENERIC, mutants_of
from equivalence.mutants_equivalent import EQUIVALENT
from equivalence.mutants_probe import TRIALS, Pass, facts, lone_component, observe, unlike
from migrate.refused import REFUSED
from migrate.registry import rules
from modules.module import MettaModule

STEMS = [stem for stem in cases() if rules()[stem].old not in REFUSED]
HELD = ("weights", "attributes")
"""Levels that look at what a component holds."""
LATER = ("training",)
"""Levels whose mistakes show after steps of an optimizer only."""

SWAPPED = ("hot_swap",)
"""Levels whose mistakes show once weights have changed between two passes."""


@cache
def right_passes(stem: str) -> list[Pass]:
    return list(observe(stem, lone_component(stem)))


def planted(stem: str, mutant: Mutant) -> MettaModule:
    component = lone_component(stem)
    mutant.plant(component)
    return component


def seen(stem: str, mutant: Mutant) -> list[str]:
    """What differs in each pass."""
    pairs = zip(right_passes(stem), observe(stem, planted(stem, mutant)), strict=True)
    return [unlike(right, wrong) for right, wrong in pairs]


def holdings_of(component: MettaModule) -> dict[str, Any]:
    """What a component holds, as plain values."""
    options = {key: value for key, value in vars(component).items() if isinstance(value, bool | int | float | str)}
    saved = {name: getattr(component, name) for name in component.saved_attributes}
    trained = {name: parameter.requires_grad for name, parameter in component.named_parameters()}
    values = {**options, **saved, "trained": trained, **component.state_dict()}
    return {key: value.tolist() if isinstance(value, Tensor) else value for key, value in values.items()}


def test_only_what_no_old_agent_could_have_has_no_host() -> None:
    assert [stem for stem in cases() if cases()[stem].host is None] == ["feature_list_normalizer"]
    with pytest.raises(LookupError, match="feature_list_normalizer has no host"):
        lone_component("feature_list_normalizer")


@pytest.mark.parametrize("stem", STEMS)
def test_what_mistakes_are_planted_in_is_right(stem: str) -> None:
    setup = cases()[stem].host
    assert setup is not None
    for trial, _, _ in TRIALS[:2]:
        assert compare_component(stem, setup, trial).differences == []


def test_there_are_many() -> None:
    counts = {stem: len(mutants_of(stem, lone_component(stem))) for stem in STEMS}
    assert min(counts.values()) >= 15
    assert sum(counts.values()) >= 1000
    assert min(len(cases()[stem].mutants) for stem in STEMS) >= 4


@pytest.mark.parametrize("stem", STEMS)
def test_names_are_unique_and_levels_exist(stem: str) -> None:
    mutants = mutants_of(stem, lone_component(stem))
    assert [name for name, count in Counter(mutant.name for mutant in mutants).items() if count > 1] == []
    assert {mutant.level for mutant in mutants} <= set(LEVELS)


@pytest.mark.parametrize("stem", STEMS)
def test_a_component_shows_the_same_twice_and_most_passes_succeed(stem: str) -> None:
    again = observe(stem, lone_component(stem))
    assert [unlike(*both) for both in zip(right_passes(stem), again, strict=True)] == [""] * len(right_passes(stem))
    assert sum("error" not in one.shown for one in right_passes(stem)) >= 3


@pytest.mark.parametrize("stem", STEMS)
def test_each_mistake_shows_unless_it_says_why_not(stem: str) -> None:
    mutants = [m for m in mutants_of(stem, lone_component(stem)) if m.level not in (*HELD, *LATER, *SWAPPED)]
    found = {mutant.name: any(seen(stem, mutant)) for mutant in mutants}
    assert [mutant.name for mutant in mutants if found[mutant.name] == bool(mutant.equivalent)] == []


@pytest.mark.parametrize("stem", STEMS)
def test_mistakes_in_gradients_leave_values_alone(stem: str) -> None:
    for mutant in mutants_of(stem, lone_component(stem)):
        if mutant.gradient:
            values = [
                difference
                for difference in seen(stem, mutant)
                if difference.startswith("output") and "requires_grad" not in difference
            ]
            assert values == [], mutant.name
            assert mutant.level == "gradients"


@pytest.mark.parametrize("stem", STEMS)
def test_mistakes_in_what_is_held_show_there(stem: str) -> None:
    right = holdings_of(lone_component(stem))
    for mutant in mutants_of(stem, lone_component(stem)):
        if mutant.level in HELD:
            assert holdings_of(planted(stem, mutant)) != right, mutant.name


@pytest.mark.parametrize("stem", STEMS)
def test_mistakes_in_clipping_show_behind_it(stem: str) -> None:
    right = lone_component(stem)
    for mutant in mutants_of(stem, lone_component(stem)):
        if mutant.level in LATER:
            wrong = planted(stem, mutant)
            for component in (right, wrong):
                component.clip_weights()  # type: ignore[operator]
            assert holdings_of(wrong) != holdings_of(right), mutant.name


@pytest.mark.parametrize("stem", STEMS)
def test_mistakes_in_what_is_kept_show_once_weights_change(stem: str) -> None:
    for mutant in mutants_of(stem, lone_component(stem)):
        if mutant.level in SWAPPED:
            right, wrong = (behind_other_weights(stem, each) for each in (lone_component(stem), planted(stem, mutant)))
            assert unlike(right, wrong), mutant.name


def behind_other_weights(stem: str, component: MettaModule) -> Pass:
    """A pass of a component that has run with other weights before."""
    assert next(observe(stem, component)).outputs
    with torch.no_grad():
        for parameter in component.parameters():
            parameter.mul_(0.5)
    return next(observe(stem, component))


def test_reasons_belong_to_mistakes_that_are_planted() -> None:
    planted_names = {(stem, m.name) for stem in STEMS for m in mutants_of(stem, lone_component(stem))}
    assert set(EQUIVALENT) <= planted_names
    assert all(len(reason) > 10 for reason in EQUIVALENT.values())


def test_every_general_mistake_fits_some_component() -> None:
    everything = frozenset[str]().union(*(facts(stem, lone_component(stem)) for stem in STEMS))
    assert all(generic.needs <= everything for generic in GENERIC)


def test_a_plant_of_an_attribute_that_is_not_there_fails() -> None:
    mutant = next(m for m in cases()["dropout"].mutants if m.name == "in place")
    with pytest.raises(AttributeError, match="has no 'inplace' to get wrong"):
        mutant.plant(lone_component("relu"))


def test_planting_leaves_other_components_and_the_generator_alone() -> None:
    before = torch.get_rng_state()
    for mutant in mutants_of("lstm", lone_component("lstm")):
        planted("lstm", mutant)
        list(observe("lstm", planted("lstm", mutant)))
    assert torch.equal(before, torch.get_rng_state())
    assert [unlike(*b) for b in zip(right_passes("lstm"), observe("lstm", lone_component("lstm")), strict=True)] == [
        ""
    ] * len(right_passes("lstm"))
