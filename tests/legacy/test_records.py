"""The small classes that checkpoints and callers hold: `PolicyRecord`, `PolicyState`, spaces, the table of divisors."""

from __future__ import annotations

import pytest
import torch

from legacy.normalizations import OBS_NORMALIZATIONS
from legacy.policy_record import PolicyRecord
from legacy.policy_state import PolicyState
from legacy.spaces import Box, MultiDiscrete


def test_the_name_of_a_record_is_its_path() -> None:
    record = PolicyRecord(None, "run/model_0001.pt", "file://run/model_0001.pt", {"epoch": 1})
    record._policy = "the agent"
    assert (record.name, record._local_path, record.policy()) == ("run/model_0001.pt", "run/model_0001.pt", "the agent")
    assert PolicyRecord(None, "n", "wandb://run/n", {})._local_path is None


def test_a_record_has_the_pickled_attributes_in_their_order() -> None:
    record = PolicyRecord(None, "n", "file://n", {})
    assert set(vars(record)) == {"_policy_store", "name", "uri", "metadata", "_policy", "_local_path"}


def test_a_state_starts_empty_and_is_assigned_to() -> None:
    state = PolicyState()
    assert state.lstm_h is None
    assert state.lstm_c is None
    assert state.hidden is None
    state.lstm_h = torch.ones(2, 3, 4)
    assert state.lstm_h.shape == (2, 3, 4)


def test_a_space_prints_and_compares_like_gymnasiums() -> None:
    gymnasium = pytest.importorskip("gymnasium")
    theirs, ours = gymnasium.spaces.MultiDiscrete([9, 10]), MultiDiscrete([9, 10])
    assert repr(ours) == repr(theirs)
    assert (ours.nvec == theirs.nvec).all()
    assert ours.dtype == theirs.dtype
    assert ours == MultiDiscrete([9, 10]) != MultiDiscrete([9, 11])
    assert ours != [9, 10]
    assert Box([3, 4]).shape == (3, 4)


def test_every_divisor_is_one_of_five() -> None:
    assert set(OBS_NORMALIZATIONS.values()) == {1.0, 10.0, 30.0, 100.0, 255.0}
    assert (OBS_NORMALIZATIONS["agent:color"], OBS_NORMALIZATIONS["color"]) == (255.0, 10.0)
