"""A shadow gives what its control gives, to the last bit and the last random number, and tells what differs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import migrate
import modules
from migrate.errors import UsageError
from migrate.shadow import ShadowAgent
from tests.migrate import _policies as policies
from tests.migrate._shadows import (
    BATCH_NORM,
    DROPOUT,
    NEW,
    OUTPUTS,
    STACKS,
    act,
    build,
    nudge,
    observations,
    same,
    train,
)

CONFIGS = {"new": NEW, "old": policies.CONFIG, "dropout": DROPOUT, "batch norm": BATCH_NORM}


@pytest.mark.parametrize("serves", STACKS)
@pytest.mark.parametrize("config", CONFIGS)
def test_it_acts_and_trains_as_its_control_alone(config: str, serves: str) -> None:
    alone = build(serves, config=CONFIGS[config])
    drawn = torch.get_rng_state()
    shadow = build("shadow", serves, CONFIGS[config])
    assert isinstance(shadow, ShadowAgent)
    assert torch.equal(torch.get_rng_state(), drawn)
    for run in (act, train, act):
        assert same(run(alone), run(shadow))
    report = shadow.report()
    assert report.equal, str(report)
    assert (report.serves, report.calls, report.compared) == (serves, 8, 8)
    assert set(report.outputs) >= OUTPUTS
    assert (report.outputs["value"], report.outputs["action"]) == (8, 6)


@pytest.mark.parametrize("serves", STACKS)
@pytest.mark.parametrize("source", ["policy", "migrated"])
def test_it_is_built_from_any_checkpoint(request: pytest.FixtureRequest, source: str, serves: str) -> None:
    path = request.getfixturevalue(source)
    shadow = build("shadow", serves, checkpoint=path)
    assert same(act(shadow), act(migrate.load_policy(path, serves)))
    assert shadow.report().equal


@pytest.mark.parametrize("serves", STACKS)
def test_one_ulp_in_one_weight_is_seen_in_the_output(
    serves: str, migrated: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shadow, alone = build("shadow", serves, checkpoint=migrated), migrate.load_policy(migrated, serves)
    nudge(shadow.candidate)
    with caplog.at_level(logging.WARNING):
        assert same(act(shadow), act(alone))
    report = shadow.report()
    assert not report.equal
    assert list(report.mismatches) == ["value"]
    found = report.mismatches["value"]
    assert 1 <= found.count <= 3
    assert 0 < found.largest < 1e-5
    assert " of 4 values differ by up to " in found.first
    other = report.candidate
    logged = (
        f"stack: shadow: mismatch: value, where {serves} served and {other} ran beside it; {found.first}. From now on"
    )
    assert [record.getMessage().startswith(logged) for record in caplog.records] == [True]
    head = f"{serves} serves, {other} beside it: 3 of 3 calls compared"
    assert str(report).startswith(f"{head}\n  value: {found.count} times, by up to {found.largest:.3g}; call ")


def test_actions_that_differ_are_seen(migrated: Path) -> None:
    shadow = build("shadow", checkpoint=migrated)
    with torch.no_grad():
        shadow.candidate.components["actor_1"].weight.neg_()
    act(shadow, steps=20)
    assert set(shadow.report().mismatches) == {"log_probs", "log_prob", "entropy", "action"}


def test_what_is_to_be_ignored_is_counted_apart(migrated: Path) -> None:
    shadow = build("shadow", checkpoint=migrated, ignore=["value", "l2_init_loss"])
    with torch.no_grad():
        shadow.candidate.components["critic_1"].weight.neg_()
    act(shadow)
    with pytest.raises(TypeError):  # trap 12
        shadow.l2_init_loss()
    report = shadow.report()
    assert (report.equal, report.ignored) == (True, {"value": 3, "l2_init_loss": 1})
    assert "no mismatch\n  value: ignored 3 times" in str(report)


def test_one_call_of_many_is_compared(migrated: Path) -> None:
    shadow = build("shadow", checkpoint=migrated, every=3)
    first = shadow.report()
    act(shadow, steps=7)
    train(shadow)
    report = shadow.report()
    assert (first.calls, first.equal) == (0, False)  # nothing was compared
    assert (report.calls, report.compared, report.equal) == (9, 4, True)


class FailureError(Exception):
    """Something that nobody expects."""


def fail(*_: Any, **__: Any) -> None:
    torch.rand(3)
    raise FailureError("no")


@pytest.mark.parametrize("serves", STACKS)
def test_a_candidate_that_fails_hurts_nobody(serves: str, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shadow, alone = build("shadow", serves, checkpoint=migrated), migrate.load_policy(migrated, serves)
    monkeypatch.setattr(shadow.candidate, "forward", fail)
    for run in (act, train):
        assert same(run(shadow), run(alone))
    assert str(shadow.report()).endswith(f"\n  {shadow.report().candidate} raised FailureError: 5 times; call 1: no")


def test_a_candidate_that_spoils_what_it_is_given_hurts_nobody(migrated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shadow, alone = build("shadow", checkpoint=migrated), migrate.load_policy(migrated, "legacy")
    original = shadow.candidate.forward

    def spoil(x: Mapping[str, torch.Tensor]) -> Any:
        for tensor in (*x.values(), *shadow.candidate.state_dict().values()):
            tensor.zero_()
        return original(x)

    monkeypatch.setattr(shadow.candidate, "forward", spoil)
    for run in (act, train):
        assert same(run(shadow), run(alone))
    assert "value" in shadow.report().mismatches


def test_exceptions_are_observations(migrated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shadow = build("shadow", "modules", checkpoint=migrated)
    with pytest.raises(modules.MettaError, match="observations must be"):
        shadow(observations(0, 4)[..., :-1], modules.PolicyState())
    assert shadow.report().equal  # both refuse it
    monkeypatch.setattr(shadow.control, "step", fail)
    with pytest.raises(FailureError):
        shadow(observations(0, 4))
    assert list(shadow.report().mismatches) == ["modules raised FailureError"]


def test_neither_comparing_nor_logging_hurts(migrated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shadow, alone = build("shadow", checkpoint=migrated), migrate.load_policy(migrated, "legacy")
    monkeypatch.setattr("migrate.shadow.flat", fail)
    monkeypatch.setattr("migrate.shadow_report.logger.warning", fail)
    assert same(act(shadow), act(alone))
    assert list(shadow.report().mismatches) == ["comparing raised FailureError"]


def test_a_call_that_cannot_be_read_is_answered(migrated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shadow, alone = build("shadow", checkpoint=migrated), migrate.load_policy(migrated, "legacy")
    monkeypatch.setattr("migrate.shadow_calls.Call.copied", fail)
    assert same(act(shadow), act(alone))
    with pytest.raises(TypeError, match="missing"):
        shadow()
    assert shadow.report().mismatches["comparing raised FailureError"].count == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (3, r"config: shadow must be a mapping, got 3\n  -> write `serves: legacy`"),
        ({"evry": 2}, r"shadow does not know evry\n  -> known are serves, every, ignore"),
        ({"serves": "both"}, r"shadow\.serves must be legacy or modules, got 'both'"),
        ({"every": 0}, r"shadow\.every must be a whole number from 1 on, got 0"),
        ({"every": True}, r"shadow\.every must be a whole number from 1 on, got True"),
        ({"ignore": "value"}, r"shadow\.ignore must be a list of names of outputs, got 'value'"),
        ({"ignore": [1]}, r"shadow\.ignore must be a list of names of outputs, got \[1\]"),
    ],
)
def test_options_that_are_none_are_told(options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        migrate.build_agent({**NEW, "stack": "shadow", "shadow": options}, policies.ENVIRONMENT)
