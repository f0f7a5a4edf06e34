"""The candidate of a shadow follows whatever happens to the control, and a shadow looks like its control."""

from __future__ import annotations

import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor, nn

import legacy
import migrate
from migrate.saving import save_policy
from migrate.shadow_weights import Followed
from tests.migrate import _policies as policies
from tests.migrate._shadows import (
    ACTION,
    BATCH_NORM,
    DROPOUT,
    NEW,
    OUTPUTS,
    STACKS,
    act,
    build,
    observations,
    same,
    train,
)


@pytest.mark.parametrize("options", [{}, {"foreach": True}, {"fused": True}], ids=str)
@pytest.mark.parametrize("serves", STACKS)
def test_weights_are_followed_whatever_changes_them(serves: str, options: Any) -> None:
    shadow = build("shadow", serves)
    optimizer = torch.optim.Adam(shadow.parameters(), lr=0.1, **options)
    for _ in range(2):
        train(shadow, optimizer, steps=1)
        act(shadow, steps=1)
        optimizer.step()
        act(shadow, steps=1)
    shadow.load_state_dict({key: value * 2 for key, value in shadow.state_dict().items() if "active" not in key}, False)
    act(shadow)
    assert shadow.report().equal, str(shadow.report())


def test_only_what_has_changed_is_copied() -> None:
    control, candidate = nn.Linear(2, 2), nn.Linear(2, 2)
    followed = Followed(control, candidate, [("weight", "weight"), ("bias", "bias"), ("nothing", "bias"), ("a.b", "b")])
    assert followed.names == ["weight", "bias"]
    followed.copy()
    version = candidate.weight._version
    with torch.no_grad():
        control.bias.add_(1)
    control.weight.requires_grad_(False)
    assert list(followed.changed()) == ["weight", "bias"]
    followed.copy()
    assert candidate.weight._version == version + 1
    assert not candidate.weight.requires_grad
    assert torch.equal(candidate.bias, control.bias)
    followed.copy()
    assert (candidate.weight._version, followed.changed()) == (version + 1, {})
    control.weight.data = torch.ones(3, 2)
    followed.copy()
    assert candidate.weight.shape == (3, 2)


def test_buffers_are_followed_and_compared() -> None:
    shadow = build("shadow", config=BATCH_NORM)
    with torch.no_grad():
        shadow.get_buffer("components.norm.obs_norm").mul_(2)
    train(shadow)
    act(shadow.eval())
    assert shadow.report().equal
    name = "components.bn._net.running_mean afterwards"
    assert shadow.report().outputs[name] >= 5
    shadow.candidate.components["bn"].norm.momentum = 0.5
    train(shadow.train(), steps=1)
    assert name in shadow.report().mismatches


def test_what_is_called_besides_reaches_both_agents() -> None:
    shadow = build("shadow", "modules", policies.changed(NEW, fc={"analyze_weights": True}))
    shadow.activate_actions(["jump"], [1])
    act(shadow)
    shadow.clip_weights()
    act(shadow)
    shadow.update_l2_init_weight_copy()
    assert len(shadow.compute_weight_metrics()) == 1
    assert shadow.report().equal, str(shadow.report())
    assert set(shadow.report().outputs) > {
        "components.fc.weight afterwards",
        "components._action_embeds_.active_indices afterwards",
        "compute_weight_metrics[0].effective_rank",
    }
    assert isinstance(shadow.l2_init_loss(), Tensor)
    assert list(shadow.report().mismatches) == ["legacy raised TypeError in l2_init_loss"]  # trap 12


@pytest.mark.parametrize(("own", "other"), [(0.5, 1e-3), (0, 1e-3), (1e-3, 0)])
@pytest.mark.parametrize("serves", STACKS)
def test_a_method_that_differs_is_seen(serves: str, own: float, other: float, migrated: Path) -> None:
    shadow = build("shadow", serves, checkpoint=migrated)
    for agent, limit in ((shadow.control, own), (shadow.candidate, other)):
        agent.components["critic_1"].clip_value = limit
    shadow.clip_weights()
    report = shadow.report()
    (name,) = report.mismatches
    assert name in ("components.critic_1.weight afterwards", "components.critic_1._net.0.weight afterwards")
    assert report.compared == 0  # of calls
    act(shadow)
    assert list(shadow.report().mismatches) == [name]  # the weights are equal again


def test_modes_and_types_reach_both_agents() -> None:
    shadow = build("shadow", config=DROPOUT)
    for mode in (False, True):
        shadow.train(mode)
        assert {shadow.training, shadow.control.training, shadow.candidate.training} == {mode}
    shadow.eval().double()
    assert {p.dtype for agent in (shadow, shadow.candidate) for p in agent.parameters()} == {torch.float64}
    act(shadow.float())
    assert shadow.report().equal


@pytest.mark.parametrize("serves", STACKS)
def test_outside_it_looks_like_its_control(serves: str, migrated: Path, tmp_path: Path) -> None:
    shadow, alone = build("shadow", serves, checkpoint=migrated), migrate.load_policy(migrated, serves)
    for names in ("named_parameters", "named_buffers", "named_children"):
        assert [name for name, _ in getattr(shadow, names)()] == [name for name, _ in getattr(alone, names)()]
    assert list(shadow.state_dict()) == list(alone.state_dict())
    assert migrate.parameter_names(shadow) == migrate.parameter_names(alone)
    shadow.load_state_dict(alone.state_dict())
    optimizer = policies.adam(shadow)
    optimizer.load_state_dict(migrate.load_optimizer_state(migrated, shadow))
    train(shadow, optimizer)
    assert shadow.report().equal
    save_policy(tmp_path / "policy.safetensors", shadow, optimizer.state_dict())
    assert policies.same_policy(shadow.control, migrate.load_policy(tmp_path / "policy.safetensors", "modules"))
    assert shadow.clip_range == 1
    assert not hasattr(shadow, "no_such_attribute")
    assert hasattr(shadow, "hidden_size") == (serves == "legacy")


@pytest.mark.parametrize("copied", [deepcopy, lambda agent: pickle.loads(pickle.dumps(agent))], ids=["copy", "pickle"])
def test_a_copy_is_a_shadow_of_its_own(copied: Any, migrated: Path) -> None:
    shadow = build("shadow", "modules", checkpoint=migrated)
    act(shadow)
    other = copied(shadow)
    train(other)
    act(other)
    assert other.report().equal
    assert (shadow.report().calls, other.report().calls) == (3, 8)
    assert same(act(shadow), act(migrate.load_policy(migrated, "modules")))


def test_it_works_in_inference_mode(migrated: Path) -> None:
    shadow = build("shadow", checkpoint=migrated)
    with torch.inference_mode():
        shadow(observations(0, 4), legacy.PolicyState())
    act(shadow)
    assert shadow.report().equal


@pytest.mark.parametrize("how", ["dict", "TensorDict"])
def test_a_mapping_is_shadowed_too(how: str, migrated: Path) -> None:
    shadow, alone = build("shadow", "modules", checkpoint=migrated), migrate.load_policy(migrated, "modules")
    found = []
    for agent in (shadow, alone):
        data: Any = {"x": observations(0, 3)} if how == "dict" else TensorDict({"x": observations(0, 3)}, [3])
        torch.manual_seed(0)
        for _ in range(2):
            data.pop("action", None)
            agent(data)
            data["lstm_h"], data["lstm_c"] = data["next_lstm_h"], data["next_lstm_c"]
        data["action"] = ACTION[:, 1]
        agent(data)
        found.append([*data.values()])
    assert same(*found)
    report = shadow.report()
    assert report.equal, str(report)
    assert set(report.outputs) >= OUTPUTS
    assert (report.outputs["action"], report.outputs["lstm_h"]) == (2, 3)
