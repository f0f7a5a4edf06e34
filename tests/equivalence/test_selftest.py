"""The harness on trial, in small: what the commands print is what was counted."""

from __future__ import annotations

import json

import pytest

from equivalence import alarms, selftest, throughput
from equivalence.agent_mutants import AGENT_MUTANTS, HOSTS
from equivalence.harness import LEVELS
from equivalence.hosts import hosts
from equivalence.kill_table import Fault, figures
from modules.layers.layer_norm import LayerNormModule


def test_the_faults_of_a_component_are_found_and_blamed(capsys: pytest.CaptureFixture[str]) -> None:
    assert selftest.main(["--component", "layer_norm", "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert report["killed"] == report["planted"] - report["equivalent"] == len(report["faults"])
    assert report["blamed_right"] == report["killed"]
    assert report["examples_to_kill"]["p99"] <= 100
    assert f"{report['planted']} planted" in err


def test_a_fault_that_is_missed_fails_the_trial() -> None:
    missed = Fault("linear", "a fault", "forward", "")
    found = Fault("linear", "another", "forward", "", True, "inference", 3, "critic", False)
    told = figures([missed, found])
    assert (told["planted"], told["killed"], told["blamed_right"]) == (2, 1, 0)
    assert told["blamed"]["forward"] == {"right": 0, "of": 1, "share": 0.0}


def test_a_fault_that_is_said_to_change_nothing_and_is_found_is_named() -> None:
    found = Fault("linear", "a fault", "forward", "it moves numbers", True, "inference", 1, None, None)
    assert figures([found])["wrongly_equivalent"] == ["linear: a fault"]


def test_a_fault_that_is_wrongly_said_to_change_nothing_fails_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Fault("linear", "a fault", "forward", "it moves numbers", True, "inference", 1, None, None)
    monkeypatch.setattr(selftest, "trials", lambda *_: [("linear", [found])])
    monkeypatch.setattr(selftest, "check_sound", lambda *_: None)
    assert selftest.main(["--component", "linear"]) == 1


def test_a_component_that_differs_by_itself_is_not_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LayerNormModule, "compute", lambda _, x: x * 2)
    assert selftest.main(["--component", "layer_norm"]) == 2
    assert "component 'layer_norm': differs from the old one before anything is planted" in capsys.readouterr().err


def test_a_component_that_no_agent_held_is_tried_alone() -> None:
    ((stem, faults),) = selftest.trials(["conv1d"], 0)
    assert stem == "conv1d"
    assert all(each.killed or each.equivalent for each in faults)


def test_several_processes_find_what_one_finds_in_the_same_order() -> None:
    stems = ["embedding", "conv1d"]
    assert list(selftest.trials(stems, 0, jobs=2)) == list(selftest.trials(stems, 0))


def test_agents_have_faults_of_their_own_of_levels_and_hosts_that_there_are() -> None:
    names = [mutant.name for mutant in AGENT_MUTANTS]
    assert len(set(names)) == len(names) > 20
    assert {mutant.level for mutant in AGENT_MUTANTS} <= set(LEVELS)
    assert {mutant.host for mutant in AGENT_MUTANTS} == set(HOSTS)


def test_agents_do_not_differ_from_their_copies(capsys: pytest.CaptureFixture[str]) -> None:
    assert alarms.main(["--comparisons", "200", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["comparisons"] >= 200
    assert 10 < report["agents"] <= len(hosts())


def test_a_short_run_gives_every_agent_its_turn() -> None:
    whole = len(hosts()) * len(alarms.SIDES) * len(alarms.LEVELS)
    assert alarms.examples_for(whole) == 1
    assert alarms.examples_for(7 * whole) == 7
    assert alarms.examples_for(100 * whole) == alarms.EXAMPLES


def test_throughput_counts_cases_and_finds_nothing_to_report() -> None:
    told = throughput.components(0.1)
    assert told["cases"] >= told["components"] > 50
    assert told["differences"] == 0
