"""One test per trap of the old stack that a migration can fall into: the naive way goes wrong, ours does not."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

import legacy
import migrate
import modules
from migrate import config_rules
from migrate.archive import read_checkpoint
from migrate.checkpoint import main
from migrate.eras import Era
from migrate.errors import UnusableFileError, UsageError
from migrate.old_policy import read_old_policy
from migrate.registry import rules
from migrate.translate import to_new
from tests.migrate import _policies as policies
from tests.migrate._policies import CONFIG, ENVIRONMENT, changed

NEW = config_rules.to_new_agent(CONFIG, Era("E4d"), "test")[0]


def new_agent(config: dict[str, Any] = NEW, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    agent = modules.MettaAgent(config, ENVIRONMENT)
    agent.activate_actions(*policies.ACTIONS)
    return agent


def both(tmp_path: Path, old: Any) -> tuple[Any, Any]:
    """An old agent and what the migration makes of its file."""
    path = policies.write_old(tmp_path / "policy.pt", old)
    return migrate.load_policy(path, "legacy"), migrate.load_policy(path, "modules")


def by_weights_alone(old: Any) -> Any:
    """The naive migration: a fresh agent and the renamed state dict."""
    agent = new_agent(seed=99)
    names = migrate.parameter_names(agent)
    with torch.no_grad():
        for name, parameter in agent.named_parameters():
            parameter.copy_(old.get_parameter(names[name]))
    return agent


def reactivated() -> Any:
    old = policies.old_agent()
    old.activate_actions(*policies.OTHER_ACTIONS, "cpu")
    return old


def test_trap_01_the_row_of_an_action_depends_on_history(tmp_path: Path) -> None:
    old, new = both(tmp_path, reactivated())
    naive = by_weights_alone(old)
    naive.components["_action_embeds_"].rows = {}
    naive.activate_actions(*policies.OTHER_ACTIONS)
    assert not policies.same_policy(old, naive)
    assert policies.same_policy(old, new)
    for agent in (old, new):
        agent.activate_actions(["fly", "noop"], [0, 0], "cpu")
    assert policies.same_policy(old, new)


def test_trap_02_active_indices_change_their_size(tmp_path: Path) -> None:
    old, new = both(tmp_path, reactivated())
    assert new.state_dict()["components._action_embeds_.active_indices"].tolist() == [2, 3, 4, 5, 6, 1]
    with pytest.raises(RuntimeError, match="size mismatch"):
        policies.old_agent().load_state_dict(old.state_dict())
    fresh: Any = modules.MettaAgent(NEW, ENVIRONMENT)
    fresh.load_state_dict(new.state_dict())
    assert len(fresh.components["_action_embeds_"].active_indices) == 6


def test_trap_03_optimizer_state_is_positional_in_the_order_of_the_config(policy: Path, trainer_state: Path) -> None:
    agent = migrate.load_policy(policy, "modules")
    state = migrate.load_optimizer_state(trainer_state, agent)["state"]
    executed = [f"components.{name}." for name in agent.components.order()]
    names = [name for name, _ in agent.named_parameters()]
    naive = sorted(names, key=lambda name: next(i for i, prefix in enumerate(executed) if name.startswith(prefix)))
    assert naive != names
    raw = torch.load(trainer_state)["optimizer_state_dict"]["state"]
    old_names = [migrate.parameter_names(agent)[name] for name in names]
    old = migrate.load_policy(policy, "legacy")
    assert old_names == [name for name, _ in old.named_parameters()]
    for position, parameter in enumerate(agent.parameters()):
        assert state[position]["exp_avg"].shape == parameter.shape
        assert torch.equal(state[position]["exp_avg"], raw[position]["exp_avg"])


def test_trap_04_initial_weights_are_drawn_in_the_order_of_execution() -> None:
    old, new = policies.old_agent(seed=4), new_agent(seed=4)
    assert policies.same_policy(old, new)
    ordered = {**NEW, "components": {name: NEW["components"][name] for name in new.components.order()}}
    assert list(ordered["components"]) != list(NEW["components"])
    again = new_agent(ordered, seed=4)
    assert all(torch.equal(p, again.get_parameter(name)) for name, p in new.named_parameters())


def test_trap_06_a_missing_nonlinearity_is_a_relu(tmp_path: Path) -> None:
    old, new = both(tmp_path, policies.old_agent())
    assert new.config["components"]["fc"]["nonlinearity"] == "ReLU"
    assert "nonlinearity" not in new.config["components"]["_value_"]
    assert {"components.fc._net.0.weight", "components._value_._net.weight"} <= set(old.state_dict())
    plain = changed(NEW, fc={"nonlinearity": None})
    naive = new_agent(plain)
    naive.load_state_dict(new.state_dict())
    assert not policies.same_policy(old, naive)
    assert policies.same_policy(old, new)


def test_trap_07_a_removed_core_relu_leaves_the_same_keys(tmp_path: Path) -> None:
    trained = policies.old_agent()
    with torch.no_grad():
        for name, parameter in trained.components["_core_"].named_parameters():
            parameter.add_(-2.0 if "bias" in name else 0.0)  # so that the core's output has both signs
    old, new = both(tmp_path, trained)
    naive = policies.old_agent(policies.without_relu(CONFIG))
    naive.load_state_dict(old.state_dict())
    assert not policies.equal(policies.rollout(naive)[0][-5:], policies.rollout(old)[0][-5:])
    assert policies.same_policy(old, new)
    with pytest.raises(UsageError, match="core_relu"):
        migrate.build_agent(policies.without_relu(CONFIG), ENVIRONMENT, tmp_path / "policy.pt")


def test_trap_08_a_dropped_tanh_leaves_the_same_keys(tmp_path: Path) -> None:
    old, new = both(tmp_path, policies.old_agent())
    other = changed(CONFIG, critic_1={"nonlinearity": "nn.ReLU"})
    naive = policies.old_agent(other)
    naive.load_state_dict(old.state_dict())
    assert not policies.same_policy(old, naive)
    assert new.config["components"]["critic_1"]["gain"] == 2**0.5
    with pytest.raises(UsageError, match=r"component 'critic_1' is .*ReLU.* in the config and .*Tanh"):
        migrate.build_agent(other, ENVIRONMENT, tmp_path / "policy.pt")


def test_trap_09_l2_losses_carry_no_gradient() -> None:
    new = new_agent(changed(NEW, critic_1={"l2_norm_scale": 2.0}))
    assert not new.l2_reg_loss().requires_grad
    assert not new.l2_init_loss().requires_grad
    assert new.l2_reg_loss() == 2 * (new.components["critic_1"].weight.detach() ** 2).sum()


def test_trap_10_the_default_of_l2_scales_depends_on_the_era() -> None:
    config = {"nn_params": {"out_features": 1}}
    rule = rules()["linear"]
    assert "l2_init_scale" not in to_new(rule, config, Era("E5b"), "x").config
    assert to_new(rule, config, Era("E5c"), "x").config["l2_init_scale"] == 1


def test_trap_13_clip_limits_are_frozen_at_construction(tmp_path: Path) -> None:
    old, new = both(tmp_path, policies.old_agent())
    naive = by_weights_alone(old)
    limits = [[each.components[name].clip_value for name in ("fc", "critic_1")] for each in (old, new, naive)]
    assert limits[0] == limits[1] != limits[2]
    for agent in (old, new, naive):
        with torch.no_grad():
            agent.components["critic_1"].get_parameter("_net.0.weight" if agent is old else "weight").mul_(3)
        agent.clip_weights()
    assert policies.same_policy(old, new)
    assert not policies.same_policy(old, naive)


def test_trap_14_biases_are_not_clipped(tmp_path: Path) -> None:
    old, new = both(tmp_path, policies.old_agent())
    for agent in (old, new):
        with torch.no_grad():
            for name, parameter in agent.named_parameters():
                if name.endswith("bias"):
                    parameter.fill_(9.0)
        agent.clip_weights()
    assert new.components["fc"].bias.tolist() == [9.0] * 6
    assert policies.same_policy(old, new)


def test_trap_18_effective_rank_was_off_and_stays_off(tmp_path: Path) -> None:
    old, new = both(tmp_path, policies.old_agent())
    assert old.compute_weight_metrics() == new.compute_weight_metrics() == []
    assert "effective_rank" not in NEW["components"]["critic_1"]
    assert "analyze_weights" not in NEW["components"]["critic_1"]
    naive = new_agent(changed(NEW, critic_1={"analyze_weights": True}))
    assert naive.compute_weight_metrics() != []


def test_trap_19_the_agent_overrides_the_component() -> None:
    config = changed(CONFIG, fc={"clip_range": 50.0}, _core_={"hidden_size": 9}, _obs_={"obs_shape": [1, 1, 1]})
    new, dropped = config_rules.to_new_agent(config, Era("E4d"), "test")
    assert dropped["fc"] == ("clip_range",)
    assert (dropped["_core_"], dropped["_obs_"]) == (("hidden_size",), ("obs_shape",))
    assert policies.same_policy(policies.old_agent(config), new_agent(new))
    assert policies.old_agent(config).components["fc"].clip_value == new_agent(new).components["fc"].clip_value


def test_trap_20_the_hidden_size_is_that_of_the_core() -> None:
    assert NEW["components"]["_core_"]["hidden_size"] == 4
    second = {"_target_": "metta.agent.lib.lstm.LSTM", "output_size": 9, "nn_params": {"num_layers": 1}}
    with pytest.raises(UnusableFileError, match="component 'memory': is an LSTM, which the old stack builds with"):
        config_rules.to_new_agent(changed(CONFIG, memory=second), Era("E4d"), "test")


def test_trap_21_both_biases_of_the_lstm_start_at_one() -> None:
    state = new_agent().state_dict()
    biases = [value for key, value in state.items() if key.startswith("components._core_.bias")]
    assert len(biases) == 4
    assert all((bias == 1).all() for bias in biases)


def test_trap_27_the_padding_that_the_old_code_wrote_is_no_difference(tmp_path: Path) -> None:
    old, new = both(tmp_path, policies.old_agent())
    assert old.components["cnn-1"]._nn_params["padding"] == 0
    assert "padding" not in new.config["components"]["cnn-1"]
    assert isinstance(migrate.build_agent(CONFIG, ENVIRONMENT, tmp_path / "policy.pt"), legacy.MettaAgent)


def test_trap_42_and_43_parameters_are_inclusive_and_tables_are_rebuilt(tmp_path: Path) -> None:
    old, new = both(tmp_path, policies.old_agent())
    pairs = [[0, 0], [1, 0], [1, 1], [1, 2]]
    assert old.cum_action_max_params.tolist() == new.action_space.cumulative.tolist() == [0, 0, 2]
    assert old.action_index_tensor.tolist() == new.action_space.pairs.tolist() == pairs
    assert new.action_space.to_index(torch.tensor(pairs)).tolist() == [0, 1, 2, 3]
    assert not {key for key in new.state_dict() if "cumulative" in key or "pairs" in key}


def test_trap_44_aliases_are_kept_once(policy: Path, migrated: Path) -> None:
    checkpoint = read_checkpoint(policy)
    assert len(read_old_policy(checkpoint).state_dict) == len(modules.load_agent(migrated).state_dict())
    old = migrate.load_policy(policy, "legacy")
    assert old.components["fc"].weight_net is old.components["fc"]._net[0]


def test_trap_46_a_checkpoint_needs_none_of_the_classes_that_it_names(policy: Path) -> None:
    with pytest.raises((ModuleNotFoundError, AttributeError, pickle.UnpicklingError)):
        torch.load(policy, weights_only=False)
    assert isinstance(migrate.load_policy(policy, "modules"), modules.MettaAgent)


def test_trap_47_metadata_comes_along_and_back(migrated: Path, tmp_path: Path) -> None:
    modules.save_agent(modules.load_agent(migrated), tmp_path / "p.safetensors")
    assert main([str(tmp_path / "p.safetensors"), "--to", "legacy"]) == 0
    record = read_checkpoint(tmp_path / "p.pt").root.attributes
    assert record["name"] == "run/model_0007.pt"
    assert record["metadata"] == {"epoch": 7, "score": 0.5, "action_names": ["noop", "move"]}


def test_trap_54_numpy_scalars_are_read_and_come_back(tmp_path: Path) -> None:
    old, new = both(tmp_path, policies.old_agent())
    assert type(new.components["fc"].clip_value) is float
    modules.save_agent(new, tmp_path / "p.safetensors")
    back = migrate.load_policy(tmp_path / "p.safetensors", "legacy")
    for name in ("largest_weight", "clip_value"):
        values = [getattr(agent.components["fc"], name) for agent in (old, back)]
        assert type(values[0]) is type(values[1])
        assert values[0] == values[1]


def test_trap_56_two_slices_of_one_source_stay_two(tmp_path: Path) -> None:
    sources = [{"name": "fc", "slice": [0, 2], "dim": 1}, {"name": "fc", "slice": [1, 5], "dim": 1}]
    merge = {"_target_": "metta.agent.lib.merge_layer.ConcatMergeLayer", "sources": sources, "output_size": 12}
    config = changed(CONFIG, merged=merge, _core_={"sources": [{"name": "merged"}]})
    old, new = both(tmp_path, policies.old_agent(config))
    assert new.config["components"]["merged"]["sources"] == sources
    assert policies.same_policy(old, new)


def test_trap_57_names_with_a_hyphen_are_legal() -> None:
    assert "cnn-1" in new_agent().components


def test_trap_58_dead_components_are_an_error_in_both_stacks() -> None:
    config = changed(CONFIG, dead={**CONFIG["components"]["core_relu"]})
    for stack, message in (("legacy", "Component dead in MettaAgent was never setup"), ("modules", "dead")):
        with pytest.raises(modules.MettaError, match=message):
            migrate.build_agent({**config, "stack": stack}, ENVIRONMENT)
