"""What belongs to a trained policy and is not in its state dict (traps 1 to 3, 11, 13)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import migrate
import modules
from modules.errors import ConfigError
from tests.migrate import _eras, _policies
from tests.migrate._policies import ENVIRONMENT, OTHER_ACTIONS
from tests.traps import _late as late
from tests.traps._early import NEW, both, both_of, by_weights_alone, new_agent


def reactivated() -> Any:
    old = _policies.old_agent()
    old.activate_actions(*OTHER_ACTIONS, "cpu")
    return old


def test_trap_01_the_row_of_an_action_depends_on_the_history(tmp_path: Path) -> None:
    old, new = both(tmp_path, reactivated())
    naive = by_weights_alone(old)
    naive.components["_action_embeds_"].rows = {}
    with pytest.raises(ConfigError, match="came with a state dict, which has no names"):
        naive.activate_actions(*OTHER_ACTIONS)
    late.forget_rows(naive)
    naive.activate_actions(*OTHER_ACTIONS)
    assert not _policies.same_policy(old, naive)
    assert _policies.same_policy(old, new)
    for agent in (old, new):
        agent.activate_actions(["fly", "noop"], [0, 0], "cpu")
    assert _policies.same_policy(old, new)


def test_trap_02_active_indices_change_their_size(tmp_path: Path) -> None:
    old, new = both(tmp_path, reactivated())
    assert new.state_dict()["components._action_embeds_.active_indices"].tolist() == [2, 3, 4, 5, 6, 1]
    with pytest.raises(RuntimeError, match="size mismatch"):
        _policies.old_agent().load_state_dict(old.state_dict())
    fresh: Any = modules.MettaAgent(NEW, ENVIRONMENT)
    fresh.load_state_dict(new.state_dict())
    assert fresh.components["_action_embeds_"].active_indices.tolist() == [2, 3, 4, 5, 6, 1]


def test_trap_03_optimizer_state_is_positional_in_the_order_of_the_config(tmp_path: Path) -> None:
    trained = _policies.old_agent()
    optimizer = _policies.adam(trained)
    _policies.train(trained, optimizer, [0])
    trainer = _policies.write_trainer_state(tmp_path / "trainer_state.pt", optimizer)
    old, new = both(tmp_path, trained)
    raw = torch.load(trainer)["optimizer_state_dict"]["state"]

    names = [name for name, _ in new.named_parameters()]
    executed = [f"components.{name}." for name in new.components.order()]
    naive = sorted(names, key=lambda name: next(i for i, prefix in enumerate(executed) if name.startswith(prefix)))
    shapes = [new.get_parameter(name).shape for name in naive]
    assert [raw[position]["exp_avg"].shape for position in raw] != shapes

    state = migrate.load_optimizer_state(trainer, new)["state"]
    assert [migrate.parameter_names(new)[name] for name in names] == [name for name, _ in old.named_parameters()]
    for position, parameter in enumerate(new.parameters()):
        assert state[position]["exp_avg"].shape == parameter.shape
        assert torch.equal(state[position]["exp_avg"], raw[position]["exp_avg"])


def test_trap_11_the_anchor_of_the_l2_loss_is_that_of_training(tmp_path: Path) -> None:
    old, new = both_of("2025-06-05", _eras.from_box, tmp_path)
    naive = by_weights_alone(old, modules.MettaAgent(new.config, new.environment))
    losses = [agent.l2_init_loss().item() for agent in (old, new, naive)]
    assert losses[0] == losses[1] != losses[2]
    assert losses[0] > 0
    with pytest.raises(RuntimeError):  # the anchor stayed behind when the agent moved
        old.to("meta").l2_init_loss()
    assert new.to("meta").l2_init_loss().is_meta


def test_trap_13_clip_limits_are_frozen_at_construction(tmp_path: Path) -> None:
    old, new = both(tmp_path, _policies.old_agent())
    naive = by_weights_alone(old)
    limits = [[each.components[name].clip_value for name in ("fc", "critic_1")] for each in (old, new, naive)]
    assert limits[0] == limits[1] != limits[2]
    weight = new_agent().components["critic_1"].weight
    assert limits[1][1] == weight.max() < weight.abs().max()  # the signed maximum, so the first clip cuts
    for agent in (old, new, naive):
        with torch.no_grad():
            agent.components["critic_1"].get_parameter("_net.0.weight" if agent is old else "weight").mul_(3)
        agent.clip_weights()
    assert _policies.same_policy(old, new)
    assert not _policies.same_policy(old, naive)
