"""Exceptions with a name: what they cover is accepted, and nothing besides."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from equivalence import divergences
from equivalence.finding import Pair
from equivalence.hosts import host
from equivalence.pairs import pair_of_files
from equivalence.policy import POLICIES
from equivalence.proof import Run, prove
from equivalence.stirring import build
from migrate.eras import Era
from tests.migrate import _eras


@pytest.fixture
def unsorted_pair(tmp_path: Path) -> Pair:
    return pair_of_files(_eras.unsorted_policy_of_e1().write(tmp_path)[0])


def test_the_order_of_unsorted_parameters_of_e1_is_a_named_exception(unsorted_pair: Pair) -> None:
    attributes, training = prove(unsorted_pair, levels=["attributes", "training"], run=Run(1))
    assert attributes.divergences == ["parameter_order_of_e1"]
    assert attributes.equal
    assert "another order" in str(training.skipped)


def test_an_exception_that_stops_to_diverge_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    always = replace(divergences.DIVERGENCES[0], applies=lambda _: True)
    monkeypatch.setattr(divergences, "DIVERGENCES", (always,))
    (result,) = prove(host("linear"), levels=["attributes"], run=Run(1))
    assert "does not diverge any more" in str(result.differences[0])


@pytest.mark.parametrize("policy", POLICIES)
def test_agents_of_e8_in_double_precision_are_a_named_exception(policy: str) -> None:
    single = host("actor_key_single_head")
    pair = replace(single, old=deepcopy(single.old).double(), new=deepcopy(single.new).double())
    (result,) = prove(pair, levels=["forward"], run=Run(5, policy=policy))
    assert result.divergences == ["double_precision_since_e8"]
    assert result.differences == []


@pytest.fixture
def merging_pair() -> Pair:
    """An agent whose merge two components read."""
    era = Era("E4d")
    config = _eras.config_of(era, _eras.from_box)
    components = config["components"]
    components["left"] = _eras.linear("_core_", 4, era, nonlinearity="nn.Tanh")
    components["both"] = _eras.layer("merge_layer.AddMergeLayer", "_core_", "left", era=era)
    for reader in ("critic", "actor_1"):
        components[reader]["sources"] = [{"name": "both"}]
    return build({**config, "era": era.date}, _eras.BOX, _eras.ACTIONS)


def test_merges_that_two_read_are_a_named_exception_and_still_compared_exactly(merging_pair: Pair) -> None:
    (result,) = prove(merging_pair, levels=["gradients"], run=Run(30, controls=True))
    assert "merges_are_computed_once" in result.divergences
    assert result.equal


def test_blaming_leaves_an_aligned_agent_aligned(merging_pair: Pair) -> None:
    with divergences.aligned(merging_pair, "gradients"):
        merges = [module for name, module in merging_pair.old.named_modules() if "forward" in vars(module)]
        assert merges
        prove(merging_pair, levels=["component"], run=Run(2))
        assert all("forward" in vars(module) for module in merges)
    assert not any("forward" in vars(module) for module in merging_pair.old.modules())


def test_an_exception_covers_what_it_names_and_hides_nothing_else(unsorted_pair: Pair) -> None:
    faulty = cast(Any, unsorted_pair.new).components["encoded"]
    faulty.clip_value += 1
    (result,) = prove(unsorted_pair, levels=["attributes"], run=Run(1))
    assert result.divergences == ["parameter_order_of_e1"]
    assert ["clip_value" in each.name for each in result.differences] == [True]


def test_an_exception_is_expected_on_its_own_levels_alone(unsorted_pair: Pair) -> None:
    (result,) = prove(unsorted_pair, levels=["weights"], run=Run(1))
    assert (result.divergences, result.differences) == ([], [])


def test_parameters_of_e1_in_the_order_of_their_sources_are_no_exception(tmp_path: Path) -> None:
    pair = pair_of_files(_eras.trained("2025-02-20", _eras.from_box, steps=0).write(tmp_path)[0])
    (result,) = prove(pair, levels=["attributes"], run=Run(1))
    assert (result.divergences, result.differences) == ([], [])


def test_double_precision_is_no_exception_before_e8() -> None:
    single = host("linear")
    pair = replace(single, old=deepcopy(single.old).double(), new=deepcopy(single.new).double())
    (result,) = prove(pair, levels=["forward"], run=Run(5))
    assert (result.divergences, result.differences) == ([], [])
