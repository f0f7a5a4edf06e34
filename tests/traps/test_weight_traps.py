"""Initial weights, and functions that no state-dict key tells (traps 4 to 8, 21)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import migrate
import modules
from migrate.eras import Era
from migrate.errors import UsageError
from tests.migrate import _policies
from tests.migrate._eras import TOKENS, config_of, from_token_box
from tests.migrate._policies import CONFIG, ENVIRONMENT, changed
from tests.traps._early import NEW, both, built, new_agent, same_answers, same_weights


def test_trap_04_initial_weights_are_drawn_in_the_order_of_execution() -> None:
    old, new = _policies.old_agent(seed=4), new_agent(seed=4)
    assert same_weights(old, new)
    ordered = {**NEW, "components": {name: NEW["components"][name] for name in sorted(NEW["components"])}}
    assert list(ordered["components"]) != list(NEW["components"])
    again = new_agent(ordered, seed=4)
    assert all(torch.equal(p, again.get_parameter(name)) for name, p in new.named_parameters())
    assert not same_weights(old, new_agent({**NEW, "heads": ["_action_", "_value_"]}, seed=4))

    era = Era("E11")
    old, new = built(config_of(era, from_token_box), TOKENS, "E11")
    assert same_weights(old, new)
    torch.manual_seed(0)
    naive = modules.MettaAgent({key: value for key, value in new.config.items() if key != "heads"}, TOKENS)
    assert not same_weights(old, naive)


@pytest.mark.parametrize("name", ["E8", "E9"])
def test_trap_05_the_lstm_is_built_at_every_visit(name: str) -> None:
    config = config_of(Era(name), from_token_box)
    old, new = built(config, TOKENS, name)
    assert same_weights(old, new)
    naive = changed(new.config)
    del naive["components"]["_core_"]["initialized"]
    torch.manual_seed(0)
    assert not same_weights(old, modules.MettaAgent(naive, TOKENS))


def test_trap_06_a_missing_nonlinearity_is_a_relu(tmp_path: Path) -> None:
    old, new = both(tmp_path, _policies.old_agent())
    assert new.config["components"]["fc"]["nonlinearity"] == "ReLU"
    assert "nonlinearity" not in new.config["components"]["_value_"]
    assert {"components.fc._net.0.weight", "components._value_._net.weight"} <= set(old.state_dict())
    naive = new_agent(changed(NEW, fc={"nonlinearity": None}))
    naive.load_state_dict(new.state_dict())
    assert not _policies.same_policy(old, naive)
    assert _policies.same_policy(old, new)


def test_trap_07_a_removed_core_relu_leaves_the_same_keys(tmp_path: Path) -> None:
    trained = _policies.old_agent()
    with torch.no_grad():
        for name, parameter in trained.components["_core_"].named_parameters():
            parameter.add_(-2.0 if "bias" in name else 0.0)  # so that the core's output has both signs
    old, new = both(tmp_path, trained)
    naive = _policies.old_agent(_policies.without_relu(CONFIG))
    naive.load_state_dict(old.state_dict())
    assert not _policies.equal(_policies.rollout(naive)[0][-5:], _policies.rollout(old)[0][-5:])
    assert _policies.same_policy(old, new)
    with pytest.raises(UsageError, match="core_relu"):
        migrate.build_agent(_policies.without_relu(CONFIG), ENVIRONMENT, tmp_path / "policy.pt")


def test_trap_08_a_dropped_tanh_leaves_the_same_keys(tmp_path: Path) -> None:
    old, new = both(tmp_path, _policies.old_agent())
    other = changed(CONFIG, critic_1={"nonlinearity": "nn.ReLU"})
    naive = _policies.old_agent(other)
    naive.load_state_dict(old.state_dict())
    assert not _policies.same_policy(old, naive)
    assert _policies.same_policy(old, new)
    assert new.config["components"]["critic_1"]["gain"] == 2**0.5
    with pytest.raises(UsageError, match=r"component 'critic_1' is .*ReLU.* in the config and .*Tanh"):
        migrate.build_agent(other, ENVIRONMENT, tmp_path / "policy.pt")


def test_trap_21_both_biases_of_the_lstm_start_at_one() -> None:
    old, new = built(CONFIG, ENVIRONMENT, "E4d")
    core = new.components["_core_"]
    state = core.state_dict()
    biases = [value for key, value in state.items() if key.startswith("bias")]
    assert len(biases) == 4
    assert all((bias == 1).all() for bias in biases)
    assert not (nn.LSTM(6, 4).get_parameter("bias_ih_l0") == 1).any()
    stacked, gate = state["weight_ih_l0"], state["weight_ih_l0"][:4]
    torch.testing.assert_close(stacked.T @ stacked, torch.eye(6))
    assert not torch.allclose(gate @ gate.T, torch.eye(4), atol=0.01)
    assert same_answers(old, new)
