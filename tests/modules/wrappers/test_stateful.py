"""`StatefulModule` puts a state manager behind any module; the state travels in the mapping."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from modules import ActorModule, ComponentContainer, MettaModule, StatefulModule, StateManager
from modules.errors import ConfigError


class Counter(MettaModule):
    """Counts actions."""

    in_keys = ("count", "action")
    out_keys = ("next_count",)

    def compute(self, count: Tensor, action: Tensor) -> Tensor:
        return count + action.shape[-1]


def test_the_manager_reads_what_the_module_wrote_and_writes_the_next_state() -> None:
    stateful = StatefulModule(ActorModule(4, 2), Counter())
    assert stateful.in_keys == ("state", "count")
    assert stateful.out_keys == ("action", "next_count")
    data = stateful({"state": torch.ones(3, 4), "count": torch.zeros(3)})
    assert data["action"].shape == (3, 2)
    assert data["next_count"].tolist() == [2.0, 2.0, 2.0]


def test_names_of_the_module_stay_and_the_managers_follow() -> None:
    stateful = StatefulModule(ActorModule(4, 2), StateManager(4, 2))
    names = ["weight", "bias", "state_manager.delta.weight", "state_manager.delta.bias"]
    assert [name for name, _ in stateful.named_parameters()] == names == list(stateful.state_dict())


def test_a_state_is_carried_by_whoever_calls() -> None:
    container = ComponentContainer()
    container.register_component("actor", StatefulModule(ActorModule(4, 2), StateManager(3, 2)))
    state = torch.zeros(1, 3)
    seen = []
    for _ in range(2):
        data = container.execute({"state": torch.ones(1, 4), "current_state": state})
        torch.testing.assert_close(data["next_state"], state + data["state_delta"])
        state = data["next_state"]
        seen.append(state)
    assert not torch.equal(*seen)


def test_a_manager_that_writes_the_modules_output_is_refused() -> None:
    class Rival(Counter):
        out_keys = ("action",)

    with pytest.raises(ConfigError, match=r"the state manager writes 'action', as component 'action' \(ActorModule\)"):
        StatefulModule(ActorModule(4, 2), Rival())


def test_a_second_manager_in_one_module_is_refused() -> None:
    actor = ActorModule(4, 2)
    StatefulModule(actor, StateManager(4, 2))
    with pytest.raises(ConfigError, match="there is a 'state_manager' already in component"):
        StatefulModule(actor, Counter())


def test_a_manager_without_keys_is_refused() -> None:
    with pytest.raises(ConfigError, match="state_manager must be a module with in_keys and out_keys, got Linear"):
        StatefulModule(ActorModule(4, 2), torch.nn.Linear(1, 1))
