"""What real loops do with a shadow: it goes with them, hides nothing from them, and cries wolf at none of it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch.utils.checkpoint import checkpoint

import legacy
import migrate
import modules
from migrate.api import read_policy
from migrate.shadow import ShadowAgent
from modules.errors import InputError
from tests.migrate import _eras as eras
from tests.migrate import _policies as policies
from tests.migrate._shadows import ACTION, BATCH_NORM, DROPOUT, STACKS, act, build, nudge, observations, same, train


def both(migrated: Path) -> tuple[Any, Any]:
    return migrate.load_policy(migrated, "legacy"), migrate.load_policy(migrated, "modules")


def test_weights_that_were_loaded_otherwise_are_told_before_they_are_copied(migrated: Path) -> None:
    old, new = both(migrated)
    nudge(new, "critic_1")
    new.components["norm"].obs_norm.mul_(2)
    shadow = ShadowAgent(old, new)
    names = ("components.norm.obs_norm at first", "components.critic_1._net.0.weight at first")
    assert set(shadow.report().mismatches) == set(names)


@pytest.mark.parametrize(("attribute", "value"), [("initial_weights", torch.zeros(1)), ("clip_value", 0.25)])
def test_what_no_pass_shows_is_compared_at_first(attribute: str, value: Any, migrated: Path) -> None:
    old, new = both(migrated)
    setattr(new.components["critic_1"], attribute, value)
    assert list(ShadowAgent(old, new).report().mismatches) == [f"critic_1.{attribute} at first"]


def test_rows_of_actions_are_compared_when_they_are_chosen(migrated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shadow = build("shadow", checkpoint=migrated)
    embeddings = shadow.candidate.components["_action_embeds_"]
    monkeypatch.setattr(type(embeddings), "activate", lambda *_: None)
    shadow.activate_actions(*policies.OTHER_ACTIONS, "cpu")
    assert "_action_embeds_.rows after activate_actions" in shadow.report().mismatches


def test_rollouts_and_updates_are_each_compared_however_they_alternate(migrated: Path) -> None:
    shadow = build("shadow", checkpoint=migrated, every=4)
    optimizer = torch.optim.Adam(shadow.parameters())
    for _ in range(2):
        act(shadow, steps=3)
        train(shadow, optimizer, steps=1)
    report = shadow.report()
    assert (report.calls, report.compared) == (8, 3)  # the calls 1 and 5 of the rollouts, and 1 of the updates


def test_threads_draw_numbers_of_their_own(migrated: Path) -> None:
    shadow = build("shadow", checkpoint=migrated)
    drawn: list[list[Any]] = [[], []]

    def play(mine: list[Any]) -> None:
        with torch.no_grad():
            mine += [tuple(shadow(observations(7, 16), modules.PolicyState())[0].flatten().tolist()) for _ in range(40)]

    threads = [threading.Thread(target=play, args=(mine,)) for mine in drawn]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not set(drawn[0]) & set(drawn[1])
    assert shadow.report().equal, str(shadow.report())


@pytest.mark.parametrize("serves", STACKS)
def test_attributes_are_set_where_they_are_read(serves: str, migrated: Path) -> None:
    shadow = build("shadow", serves, checkpoint=migrated)
    shadow.clip_range, shadow.note = 0, "mine"
    assert (shadow.control.clip_range, shadow.candidate.clip_range, shadow.control.note) == (0, 0, "mine")
    del shadow.note
    assert not hasattr(shadow.control, "note")
    before = [weight.clone() for weight in shadow.parameters()]
    shadow.clip_weights()
    assert same(before, list(shadow.parameters()))
    assert not shadow.report().mismatches


def test_its_mode_is_that_of_its_control(migrated: Path) -> None:
    shadow = build("shadow", checkpoint=migrated)
    shadow.control.eval()
    assert not shadow.training
    shadow.training = True
    assert shadow.control.training


@pytest.mark.parametrize("serves", STACKS)
@pytest.mark.parametrize(("config", "name"), [(BATCH_NORM, "bn"), (DROPOUT, "drop")])
def test_the_mode_of_a_component_is_followed(serves: str, config: Any, name: str) -> None:
    shadow = build("shadow", serves, config)
    shadow.components[name].eval()
    train(shadow)
    assert shadow.report().equal, str(shadow.report())


def test_weights_are_loaded_under_the_checks_of_the_control(migrated: Path) -> None:
    shadow = build("shadow", "modules", checkpoint=migrated)
    other = migrate.load_policy(migrated, "modules")
    other.activate_actions(*policies.OTHER_ACTIONS)
    with pytest.raises(InputError, match="other active actions"):
        shadow.load_state_dict(other.state_dict())


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("serves", STACKS)
def test_gradient_checkpointing_sees_the_control_alone(serves: str, every: int, migrated: Path) -> None:
    shadow, alone = build("shadow", serves, checkpoint=migrated, every=every), migrate.load_policy(migrated, serves)
    gradients = []
    for agent in (shadow, alone):
        results: Any = checkpoint(agent, observations(0, 3, 2), modules.PolicyState(), ACTION, use_reentrant=False)
        torch.autograd.backward(results[1].sum() + results[3].sum())
        gradients.append([weight.grad for weight in agent.parameters() if weight.grad is not None])
    assert same(*gradients)
    assert shadow.report().equal, str(shadow.report())


@pytest.mark.parametrize("serves", STACKS)
def test_actions_activated_in_inference_mode_can_be_trained(serves: str, migrated: Path) -> None:
    shadow = build("shadow", serves, checkpoint=migrated)
    with torch.inference_mode():
        shadow.activate_actions(*policies.ACTIONS, "cpu")
        shadow.clip_weights()
    if serves == "modules":  # the old stack cannot
        train(shadow)
    act(shadow)
    assert shadow.report().equal, str(shadow.report())


def test_actions_may_be_given_as_rows(migrated: Path) -> None:
    shadow = build("shadow", "modules", checkpoint=migrated)
    shadow(observations(0, 3, 2), modules.PolicyState(), ACTION.flatten(0, 1))
    assert shadow.report().equal, str(shadow.report())


UNKNOWN = {**eras.FEATURES, "unheard_of": {"id": 7, "type": "scalar", "normalization": 2.0}}
LEARNED = {"2025-07-29": {True, False}, "2025-08-29": {True}, "2025-09-03": {True}}
"""Date -> modes in which an unknown feature is learned, where it is not said whether the agent trains."""


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("date", LEARNED)
def test_unknown_features_are_learned_as_in_their_time(date: str, training: bool, tmp_path: Path) -> None:
    policy, _ = eras.trained(date, eras.from_late_tokens).write(tmp_path)
    config = read_policy(policy).config
    agents = [migrate.build_agent({**config, "stack": stack}, eras.TOKENS, policy) for stack in STACKS]
    for agent in agents:
        agent.train(training).initialize_to_environment(UNKNOWN, ["noop", "move"], [0, 2], "cpu")
    old, new = agents
    assert ("unheard_of" in new.features.original) == (training in LEARNED[date])
    assert new.features.original == dict(old.original_feature_mapping)


def test_a_shadow_that_is_saved_by_the_wrong_function_is_told_the_right_one(migrated: Path, tmp_path: Path) -> None:
    shadow: Any = build("shadow", "modules", checkpoint=migrated)
    with pytest.raises(modules.errors.CheckpointError, match=r"ShadowAgent\n  -> migrate\.save_policy takes"):
        modules.save_agent(shadow, tmp_path / "p.safetensors")
    assert isinstance(
        migrate.load_policy(migrate.save_policy(tmp_path / "p.pt", shadow)[0], "legacy"), legacy.MettaAgent
    )


def test_statistics_of_fewer_layers_are_a_mismatch(migrated: Path) -> None:
    shadow = build("shadow", checkpoint=migrated)
    shadow.control.compute_weight_metrics = lambda: [{"name": "fc", "norm": 1.0}]
    shadow.candidate.compute_weight_metrics = list
    shadow.compute_weight_metrics()
    assert "compute_weight_metrics entries" in shadow.report().mismatches


def test_an_attribute_of_the_shadow_itself_can_be_patched_for_a_while(migrated: Path) -> None:
    shadow = build("shadow", checkpoint=migrated)
    with mock.patch.object(shadow, "forward", return_value="patched"):
        assert shadow(None) == "patched"
    assert same(act(shadow), act(migrate.load_policy(migrated, "legacy")))
