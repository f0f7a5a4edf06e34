"""Traps of actions, and of random numbers that layers and statistics draw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import migrate
from equivalence.case import Setup, Source
from migrate import config_rules
from migrate.eras import Era
from tests.migrate._eras import BOX, from_box, from_late_tokens, from_token_box
from tests.traps import _late as late
from tests.traps._late import Sides, same

PAIRS = [[0, 0], [1, 0], [1, 1], [1, 2]]
"""All actions of `noop` without a parameter and `move` with 0 to 2."""


@pytest.fixture(autouse=True)
def _own_generator() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


def drawn(call: Any) -> bool:
    """Whether a call moves the global generator on."""
    before = torch.get_rng_state()
    call()
    return not torch.equal(before, torch.get_rng_state())


def test_trap_41_layers_and_statistics_draw_from_the_global_generator(tmp_path: Path) -> None:
    config = {"num_slots": 2, "slot_dim": 3, "num_iterations": 1}
    slots = Sides("obs_slot_attn", Setup(config, (Source("tokens", (4, 5)),), era="E5e"))
    slots.old.eval()
    slots.new.eval()
    inputs = {"tokens": torch.randn(2, 4, 5), "x": torch.zeros(2, 3, 4, 2)}
    old, new = slots.run(**inputs)
    assert same(old, new)
    first, second = (slots.new.compute(inputs["tokens"]) for _ in "ab")  # naively: evaluation is deterministic
    assert not torch.equal(first, second)
    assert drawn(lambda: slots.new.compute(inputs["tokens"]))

    policy = late.made("2025-05-22", from_box, critic={"analyze_weights": True})
    agents = late.both(policy, tmp_path)
    states = []
    for agent in agents:
        torch.manual_seed(5)
        assert drawn(agent.compute_weight_metrics)
        states.append(torch.get_rng_state())
    assert torch.equal(*states)


@pytest.mark.parametrize("date", ["2025-05-22", "2025-08-14"])
def test_trap_42_maxima_are_inclusive_and_unchecked_and_the_type_counts(date: str, tmp_path: Path) -> None:
    encoder = from_box if date < "2025-06" else from_token_box
    old, new = late.both(late.made(date, encoder), tmp_path)
    convert = getattr(old, "policy", old)._convert_action_to_logit_index
    pairs, space = torch.tensor(PAIRS), new.action_space
    assert convert(pairs).tolist() == space.to_index(pairs).tolist() == [0, 1, 2, 3]
    assert old.cum_action_max_params.tolist() == space.cumulative.tolist() == [0, 0, 2]
    exclusive = torch.tensor([0, 0, 2]).cumsum(0)[pairs[:, 0]] + pairs[:, 1]
    without_type = space.cumulative[pairs[:, 0]] + pairs[:, 1]  # what the agent's own way did from E9 on
    assert exclusive.tolist() == without_type.tolist() == [0, 0, 1, 2]
    too_large = torch.tensor([[0, 2]])
    assert convert(too_large).tolist() == space.to_index(too_large).tolist() == [2]


@pytest.mark.parametrize(("date", "dtype"), [("2025-05-22", torch.int64), ("2025-06-16", torch.int32)])
def test_trap_43_tables_of_actions_are_in_no_state_dict_and_changed_their_type(
    date: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    policy = late.made(date, from_box)
    old, new = late.both(policy, tmp_path)
    naive = late.fresh(new)
    naive.action_space = None
    naive.load_state_dict(new.state_dict(), strict=False)
    assert naive.action_space is None
    assert not {key for key in old.state_dict() if "action_max" in key or "action_index" in key}
    assert old.action_index_tensor.tolist() == new.action_space.pairs.tolist() == PAIRS
    assert old.action_index_tensor.dtype == new.action_space.pairs.dtype == dtype
    assert not {key for key in new.state_dict() if "pairs" in key or "cumulative" in key}
    assert new.action_space.to("meta").pairs.device.type == "meta"  # as buffers, they follow their agent


def test_trap_55_a_single_row_loses_a_dimension(tmp_path: Path) -> None:
    old, new = late.both(late.made("2025-03-13", from_box), tmp_path)
    x = torch.zeros(1, *BOX.obs_shape, dtype=torch.uint8)
    torch.manual_seed(3)
    of_old = old(x)[0]
    torch.manual_seed(3)
    of_new = new(x)[0]
    assert of_old.shape == (2,)
    assert of_new.shape == (1, 2)
    assert torch.equal(of_new[0], of_old)
    assert late.alike(old, new, x)  # which compares the shapes of the era


def test_trap_60_the_mode_of_the_agent_may_not_be_that_of_its_policy(tmp_path: Path) -> None:
    policy = late.made("2025-08-20", from_late_tokens)
    known = {"known": {"id": 0, "normalization": 1.0}}
    policy.agent.original_feature_mapping = {"known": 0}
    unknown = {**known, "unknown": {"id": 3, "normalization": 1.0}}
    policy.agent.eval()
    late.meet(policy.agent, unknown)  # who does not say so trains, and so learns
    assert policy.agent.original_feature_mapping == {"known": 0, "unknown": 3}
    assert (policy.agent.training, policy.agent.policy.training) == (True, False)
    old, new = late.both(policy, tmp_path)
    assert (old.training, old.policy.training) == (True, False)
    assert not any(module.training for module in new.modules())
    assert late.alike(old, new, torch.zeros(2, 12, 3, dtype=torch.uint8))
    silent = late.made("2025-08-27", from_late_tokens).agent.eval()
    silent.original_feature_mapping = {"known": 0}
    late.meet(silent, unknown)
    assert silent.original_feature_mapping == {"known": 0}


def test_trap_61_weights_were_measured_from_april_on_and_not_in_python_configs(tmp_path: Path) -> None:
    asked = {"effective_rank": True}
    before = late.made("2025-03-13", from_box, critic=asked)
    _, new = late.both(before, tmp_path)
    since = migrate.load_policy(late.file_of(late.made("2025-04-10", from_box, critic=asked), tmp_path), "legacy")
    torch.manual_seed(5)
    ranks = since.compute_effective_rank()
    torch.manual_seed(5)
    measured = new.compute_weight_metrics()
    assert before.agent.compute_effective_rank() == []
    assert [each["name"] for each in measured] == ["critic"]
    assert [each["effective_rank"] for each in measured] == [each["effective_rank"] for each in ranks]

    old, new = late.both(late.made("2025-08-20", from_token_box, critic=asked), tmp_path)
    assert old.compute_weight_metrics() == new.compute_weight_metrics() == []
    assert not drawn(new.compute_weight_metrics)
    naive, _ = config_rules.to_new_agent(late.made("2025-03-13", from_box, critic=asked).config, Era("E1"), "test")
    assert naive["components"]["critic"]["analyze_weights"]  # the meaning that `effective_rank` had until E3b
