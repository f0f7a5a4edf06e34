"""Time, recurrent state, and the blackboard that components wrote on (traps 22 to 26)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor

import legacy
import migrate
from equivalence.tracing import trace
from migrate.eras import Era
from modules.errors import GraphError
from tests.migrate import _eras, _policies
from tests.migrate._eras import BOX, TOKENS, from_box, from_token_box
from tests.migrate._policies import changed
from tests.traps._early import NEW, answers, both, both_of, built, new_agent, same_answers

BATCH = 3
STATE = torch.randn(2, BATCH, 4, generator=torch.Generator().manual_seed(1)), torch.full((2, BATCH, 4), 0.5)


def boxes(*leading: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 9, (*leading, *BOX.obs_shape), generator=generator, dtype=torch.uint8)


def tokens(*leading: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 4, (*leading, *TOKENS.obs_shape), generator=generator, dtype=torch.uint8)


def step_by_step(agent: Any, x: Tensor) -> Tensor:
    """Values `[B, T]` of single steps with a carried state."""
    values, state = [], None
    for step in x.unbind(1):
        outputs = trace(agent, step, state=state).outputs
        values.append(outputs["value"].flatten())
        state = outputs["lstm_h"], outputs["lstm_c"]
    return torch.stack(values, 1)


def test_trap_22_for_three_days_sequences_were_trained_as_single_steps(tmp_path: Path) -> None:
    x, action = boxes(BATCH, 4), torch.zeros(BATCH, 4, 2, dtype=torch.int64)
    written = _eras.trained("2025-05-19", from_box)
    broken = written.agent
    assert type(broken) is legacy.agent_class("2025-05-19")
    trained_on = trace(broken, x, action=action).outputs["value"].view(BATCH, 4)
    assert not torch.allclose(trained_on, step_by_step(broken, x), atol=1e-4)

    path, _ = written.write(tmp_path)
    old, new = (migrate.load_policy(path, stack) for stack in ("legacy", "modules"))
    assert torch.equal(step_by_step(broken, x), step_by_step(new, x))
    assert same_answers(old, new)
    assert same_answers(old, new, time=4)
    ours = trace(new, x, action=action).outputs["value"].view(BATCH, 4)
    torch.testing.assert_close(ours, step_by_step(new, x))


def test_trap_23_values_had_two_names_and_shapes_from_e8_on(tmp_path: Path) -> None:
    old, new = both_of("2025-08-08", from_token_box, tmp_path)
    x, action = tokens(BATCH, 2), torch.zeros(BATCH, 2, 2, dtype=torch.int64)
    acting = old(TensorDict({"env_obs": x[:, 0]}, batch_size=[BATCH]))
    assert ("value" in set(acting.keys()), acting["values"].shape) == (False, (BATCH,))
    old.reset_memory()
    training = old(TensorDict({"env_obs": x}, batch_size=[BATCH, 2]), action=action)
    assert ("values" in set(training.keys()), training["value"].shape) == (False, (BATCH, 2, 1))
    ours = [new({"x": x[:, 0]}), new({"x": x, "action": action})]
    assert [each["value"].shape for each in ours] == [(BATCH, 1), (BATCH * 2, 1)]
    assert torch.equal(training["value"].flatten(), ours[1]["value"].flatten())
    assert "entropy" in ours[0]
    assert same_answers(old, new)
    assert same_answers(old, new, time=2)


def test_trap_24_the_state_belonged_to_the_caller_and_then_to_the_lstm(tmp_path: Path) -> None:
    old, new = both(tmp_path, _policies.old_agent())
    carried: list[Any] = [legacy.PolicyState(), legacy.PolicyState()]
    for agent, state in zip((old, new), carried, strict=True):
        state.lstm_h, state.lstm_c = STATE
        agent(boxes(BATCH, 2), state, torch.zeros(BATCH, 2, 2, dtype=torch.int64))
    assert torch.equal(carried[0].lstm_h, carried[1].lstm_h)
    assert torch.equal(carried[0].lstm_c, carried[1].lstm_c)
    assert not torch.equal(carried[0].lstm_h, STATE[0])  # overwritten in training, too
    swapped = trace(new, boxes(BATCH), state=(STATE[1], STATE[0])).outputs
    assert not torch.equal(swapped["value"], trace(old, boxes(BATCH), state=STATE).outputs["value"])

    (tmp_path / "late").mkdir()
    old, new = both_of("2025-08-08", from_token_box, tmp_path / "late")
    x = tokens(BATCH)
    td = TensorDict({"env_obs": x}, batch_size=[BATCH])
    assert old.components["_core_"].lstm_h[0].shape == STATE[0].shape  # of the last training step, in the file
    stale = old(td.clone())["values"]
    old.reset_memory()
    assert torch.equal(old(td.clone())["values"], new({"x": x})["value"].flatten())
    assert not torch.equal(stale, new({"x": x})["value"].flatten())

    over, never = torch.tensor([True, False, False]), torch.zeros(BATCH, dtype=torch.bool)
    kept: dict[str, Any] = {}
    half, reset = {**kept, "dones": over}, {**kept, "dones": over, "truncateds": never}
    for resets in (kept, half, reset):
        assert same_answers(old, new, state=STATE, **resets)
    assert _policies.equal(answers(new, state=STATE, **kept), answers(new, state=STATE, **half))  # both, or nothing
    assert not _policies.equal(answers(new, state=STATE, **kept), answers(new, state=STATE, **reset))


def test_trap_25_a_key_on_the_blackboard_stood_for_the_component(tmp_path: Path) -> None:
    old, new = both(tmp_path, _policies.old_agent())
    x, stale = boxes(BATCH), torch.full((BATCH, 6), 7.0)
    board = {"x": x, "state": None}
    fresh = old.components["_value_"](dict(board))["_value_"]
    assert not torch.equal(old.components["_value_"]({**board, "fc": stale})["_value_"], fresh)
    assert torch.equal(new({"x": x, "fc": stale})["value"], fresh)

    old, new = built(_eras.config_of(Era("E8"), from_token_box), TOKENS, "E8")
    td, data = TensorDict({"env_obs": tokens(BATCH)}, batch_size=[BATCH]), {"x": tokens(BATCH)}
    first = [old(td)["values"].clone(), new(data)["value"].flatten()]
    td["env_obs"] = data["x"] = tokens(BATCH, seed=1)
    assert torch.equal(old(td)["values"], first[0])  # of the first observation
    assert not torch.equal(new(data)["value"].flatten(), first[1])
    old.reset_memory()
    assert torch.equal(new(data)["value"].flatten(), old(TensorDict({"env_obs": data["x"]}, [BATCH]))["values"])
    with pytest.raises(GraphError, match="has the name of an input"):
        new_agent(changed(NEW, x={**NEW["components"]["core_relu"]}, critic_1={"sources": [{"name": "x"}]}))


def test_trap_26_hooks_of_components_did_not_fire(tmp_path: Path) -> None:
    old, new = both(tmp_path, _policies.old_agent())
    calls: list[tuple[Any, str]] = []
    for agent in (old, new):
        for name in ("cnn-1", "_value_"):
            agent.components[name].register_forward_hook(lambda *_, key=(agent, name): calls.append(key))
    assert _policies.same_policy(old, new)
    assert {name for agent, name in calls if agent is old} == {"_value_"}
    assert {name for agent, name in calls if agent is new} == {"cnn-1", "_value_"}


@pytest.mark.parametrize("hook", ["on_new_training_run", "on_rollout_start", "on_train_mb_start", "on_eval_start"])
def test_e11_forgets_at_its_hooks_and_not_when_it_is_told_to(hook: str, tmp_path: Path) -> None:
    old, _ = both_of("2025-09-13", from_token_box, tmp_path)
    old(TensorDict({"env_obs": tokens(BATCH)}, batch_size=[BATCH]))
    (core,) = (layer for layer in old.components.values() if hasattr(layer, "get_memory"))
    old.reset_memory()
    assert core.get_memory()[0]
    getattr(old, hook)()
    assert not core.get_memory()[0]


def test_a_policy_of_these_three_days_is_single_steps_still_where_its_date_is_told(tmp_path: Path) -> None:
    x, action = boxes(BATCH, 4), torch.zeros(BATCH, 4, 2, dtype=torch.int64)
    written = _eras.trained("2025-05-19", from_box)
    new = migrate.load_policy(written.write(tmp_path)[0], "modules", "2025-05-19")
    there, here = (trace(agent, x, action=action).outputs["value"] for agent in (written.agent, new))
    assert torch.equal(there, here)
