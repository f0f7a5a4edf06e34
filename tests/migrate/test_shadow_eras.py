"""Agents of every era are shadowed, in whichever way they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor

import legacy
import migrate
import modules
from migrate.api import read_policy
from tests.migrate import _eras as eras

ERAS = (
    ("2025-02-20", eras.from_sliced_box),
    ("2025-03-13", eras.from_box),
    ("2025-04-30", eras.from_box),
    ("2025-05-10", eras.from_box),
    ("2025-06-04", eras.from_early_tokens),
    ("2025-07-29", eras.from_late_tokens),
    ("2025-08-07b", eras.from_token_box),
    ("2025-08-20", eras.from_late_tokens),
    ("2025-09-03", eras.from_late_tokens),
)
ACTION = torch.tensor([[[0, 0], [1, 2]]] * 3)
TWO_WORLDS: tuple[dict[str, Any], ...] = (
    eras.FEATURES,
    {name: {**of, "id": 4 - i} for i, (name, of) in enumerate(eras.FEATURES.items())},
)


def observations(shape: tuple[int, ...], step: int, *leading: int) -> Tensor:
    generator = torch.Generator().manual_seed(step)
    return torch.randint(0, 4, (*leading, *shape), generator=generator, dtype=torch.uint8)


def passed(agent: Any, shape: tuple[int, ...]) -> None:
    """Two steps of an episode and one of training, as callers of the agent's time did."""
    x, (first, second) = observations(shape, 2, 3, 2), (observations(shape, step, 3) for step in range(2))
    way = "modules" if isinstance(agent.control, modules.MettaAgent) else legacy.date_of(agent.control)
    if way >= "2025-08-07b" and way != "modules":
        for obs in (first, second):
            flags = {"dones": torch.tensor([True, False, False]), "truncateds": torch.zeros(3, dtype=torch.bool)}
            agent(TensorDict({"env_obs": obs, **flags, "training_env_id_start": torch.full((3,), 6)}, batch_size=[3]))
        out = agent(TensorDict({"env_obs": x}, batch_size=[3, 2]), action=ACTION)
        loss = out["value"].sum() + out["act_log_prob"].sum()
    elif way < "2025-04-30":
        state = agent(second, agent(first)[4])[4]
        e3b = torch.eye(4).expand(3, 4, 4)
        out = agent.get_action_and_value(x[:, 0], state, ACTION[:, :1], e3b)
        loss = out[3].sum() + out[1].sum()
    else:
        state = legacy.PolicyState()
        for obs in (first, second):
            agent(obs, state)
        out = agent(x, legacy.PolicyState(), ACTION)
        loss = out[1].sum() + (out[3].sum() if len(out) > 2 else out[0][0].logsumexp(-1).sum())
    loss.backward()


@pytest.mark.parametrize("serves", ["legacy", "modules"])
@pytest.mark.parametrize(("date", "encoder"), ERAS, ids=[date for date, _ in ERAS])
def test_every_way_of_calling_an_agent_is_shadowed(date: str, encoder: Any, serves: str, tmp_path: Path) -> None:
    written = eras.trained(date, encoder)
    policy, _ = written.write(tmp_path)
    environment = eras.environment_of(encoder, written.era)
    config = {**read_policy(policy).config, "stack": "shadow", "shadow": {"serves": serves}}
    shadow = migrate.build_agent(config, environment, policy)
    assert {name for name, _ in shadow.named_parameters()} <= set(shadow._bench.followed.names)
    passed(shadow, environment.obs_shape)
    report = shadow.report()
    assert report.equal, str(report)
    assert (report.calls, report.compared) == (3, 3)
    assert set(report.outputs) >= {"value", "lstm_h", "lstm_c"}
    assert report.outputs["value"] == 3
    logits_only = date == "2025-04-30"
    assert ("generator" in report.outputs) == (not logits_only)
    assert ("intrinsic_reward" in report.outputs) == (date < "2025-04-30" and serves == "legacy")
    assert ("log_probs" in report.outputs) == (date >= "2025-05-01")
    assert ("action" in report.outputs) == (not logits_only)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("serves", ["legacy", "modules"])
@pytest.mark.parametrize("date", ["2025-07-29", "2025-08-20", "2025-09-03"])
def test_an_environment_is_taken_over_by_both(date: str, serves: str, training: bool, tmp_path: Path) -> None:
    written = eras.trained(date, eras.from_late_tokens)
    policy, _ = written.write(tmp_path)
    config = {**read_policy(policy).config, "stack": "shadow", "shadow": {"serves": serves}}
    shadow = migrate.build_agent(config, eras.TOKENS, policy).train(training)
    for features in TWO_WORLDS:
        known = {**features, "new": {"id": 5, "normalization": 2.0}}
        shadow.initialize_to_environment(known, ["move", "noop"], [2, 2], "cpu")
        passed(shadow, eras.TOKENS.obs_shape)
    assert shadow.report().equal, str(shadow.report())
    assert shadow.report().compared == 6
