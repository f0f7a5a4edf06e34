"""Any policy file and any optimizer state goes into either stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import legacy
import migrate
import modules
from migrate.api import environment_from
from migrate.checkpoint import main
from migrate.errors import UnusableFileError, UsageError
from modules.errors import CheckpointError, ConfigError
from tests.migrate import _eras as eras
from tests.migrate import _policies as policies

STACKS = {"legacy": legacy.MettaAgent, "modules": modules.MettaAgent}


@pytest.fixture(params=["old file", "new file"])
def path(request: pytest.FixtureRequest, policy: Path, migrated: Path) -> Path:
    return policy if request.param == "old file" else migrated


@pytest.mark.parametrize("stack", STACKS)
def test_any_file_loads_into_either_stack_with_the_same_behaviour(path: Path, policy: Path, stack: str) -> None:
    before = torch.get_rng_state()
    agent = migrate.load_policy(path, stack)
    assert torch.equal(torch.get_rng_state(), before)
    assert isinstance(agent, STACKS[stack])
    assert policies.same_policy(migrate.load_policy(policy, "legacy"), agent)


@pytest.mark.parametrize("stack", ["new", "", None, "shadow "])
def test_another_stack_is_refused(path: Path, stack: Any) -> None:
    with pytest.raises(UsageError, match=r"policy\.\w+: stack must be legacy or modules, got ") as caught:
        migrate.load_policy(path, stack)
    assert repr(stack) in str(caught.value)


@pytest.mark.parametrize("stack", STACKS)
def test_parameter_names_lead_to_the_names_of_the_old_file(path: Path, policy: Path, stack: str) -> None:
    agent, old = migrate.load_policy(path, stack), migrate.load_policy(policy, "legacy")
    names = migrate.parameter_names(agent)
    assert list(names) == [name for name, _ in agent.named_parameters()]
    assert list(names.values()) == [name for name, _ in old.named_parameters()]
    for name, parameter in agent.named_parameters():
        assert torch.equal(parameter, old.get_parameter(names[name]))


def test_parameter_names_of_something_else_are_refused() -> None:
    with pytest.raises(UsageError, match="not an agent of either stack: Linear"):
        migrate.parameter_names(nn.Linear(1, 1))


def resumed(path: Path, state: Path, stack: str) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Losses and weights of five more Adam steps."""
    agent = migrate.load_policy(path, stack)
    optimizer = policies.adam(agent)
    optimizer.load_state_dict(migrate.load_optimizer_state(state, agent))
    losses = policies.train(agent, optimizer, range(10, 15))
    return losses, [parameter.detach() for parameter in agent.parameters()]


@pytest.mark.parametrize("stack", STACKS)
def test_training_goes_on_alike_from_any_state_in_either_stack(
    path: Path, policy: Path, trainer_state: Path, migrated: Path, stack: str
) -> None:
    expected = resumed(policy, trainer_state, "legacy")
    for state in (trainer_state, migrated):
        losses, weights = resumed(path, state, stack)
        assert policies.equal(losses, expected[0])
        assert policies.equal(weights, expected[1])


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("source", ["trainer_state.pt", "policy.safetensors", "again.safetensors", "back.pt"])
def test_moments_find_their_parameters_where_e1_counted_a_source_before_its_reader(
    tmp_path: Path, stack: str, source: str
) -> None:
    written = eras.unsorted_policy_of_e1()
    policy, state = written.write(tmp_path)
    new, again = tmp_path / "policy.safetensors", tmp_path / "again.safetensors"
    assert main([str(policy), "-o", str(new), "--trainer-state", str(state)]) == 0
    agent = migrate.load_policy(new, "modules")
    migrate.save_policy(again, agent, migrate.load_optimizer_state(new, agent))
    back = ["-o", str(tmp_path / "old.pt"), "--trainer-state", str(tmp_path / "back.pt")]
    assert main([str(again), "--to", "legacy", *back]) == 0

    agent = migrate.load_policy(new, stack)
    optimizer = policies.adam(agent)
    optimizer.load_state_dict(migrate.load_optimizer_state(tmp_path / source, agent))
    names = migrate.parameter_names(agent)
    for name, parameter in agent.named_parameters():
        old = written.agent.get_parameter(names[name])
        assert torch.equal(optimizer.state[parameter]["exp_avg"], written.optimizer.state[old]["exp_avg"])


def test_training_without_the_state_goes_on_otherwise(policy: Path, trainer_state: Path) -> None:
    agent = migrate.load_policy(policy, "modules")
    policies.train(agent, policies.adam(agent), range(10, 15))
    expected = resumed(policy, trainer_state, "legacy")[1]
    assert not policies.equal([p.detach() for p in agent.parameters()], expected)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("source", ["trainer_state", "migrated"])
def test_the_state_of_another_policy_is_refused(
    request: pytest.FixtureRequest, tmp_path: Path, stack: str, source: str
) -> None:
    state = request.getfixturevalue(source)
    fewer = policies.write_old(
        tmp_path / "fewer.pt",
        policies.old_agent(policies.changed(policies.CONFIG, fc={"nn_params": {"out_features": 6, "bias": False}})),
    )
    with pytest.raises(
        UnusableFileError, match=r"the optimizer has 21 parameters, the policy 20|have other parameters"
    ):
        migrate.load_optimizer_state(state, migrate.load_policy(fewer, stack))
    wider = policies.write_old(
        tmp_path / "wider.pt",
        policies.old_agent(policies.changed(policies.CONFIG, fc={"nn_params": {"out_features": 7}})),
    )
    with pytest.raises(
        UnusableFileError,
        match=r"exp_avg of \S+ has shape \((16|6), (6|36)\), the parameter \((16|7), (7|36)\)",
    ):
        migrate.load_optimizer_state(state, migrate.load_policy(wider, stack))


def test_a_file_without_optimizer_state_is_refused(policy: Path, migrated: Path, tmp_path: Path) -> None:
    agent = migrate.load_policy(migrated, "modules")
    with pytest.raises(UnusableFileError, match="this is no trainer state"):
        migrate.load_optimizer_state(policy, agent)
    modules.save_agent(agent, tmp_path / "saved.safetensors")
    with pytest.raises(UnusableFileError, match=r"holds no optimizer state\n  -> .*migrate\.save_policy"):
        migrate.load_optimizer_state(tmp_path / "saved.safetensors", agent)


@pytest.mark.parametrize("stack", STACKS)
def test_missing_files_are_named(tmp_path: Path, stack: str) -> None:
    with pytest.raises(UnusableFileError, match=r"no\.pt: cannot be opened: No such file"):
        migrate.load_policy(tmp_path / "no.pt", stack)
    with pytest.raises(CheckpointError, match=r"no\.safetensors: cannot be read: No such file"):
        migrate.load_policy(tmp_path / "no.safetensors", stack)


class OldEnvironment:
    class single_observation_space:  # noqa: N801 - the old trainer's attribute
        shape = policies.ENVIRONMENT.obs_shape

    class single_action_space:  # noqa: N801 - the old trainer's attribute
        nvec = policies.ENVIRONMENT.action_nvec

    grid_features = policies.ENVIRONMENT.feature_names


@pytest.mark.parametrize("env", [policies.ENVIRONMENT, policies.ENVIRONMENT.to_dict(), OldEnvironment])
def test_an_environment_in_every_form(env: Any) -> None:
    assert environment_from(env) == policies.ENVIRONMENT


def test_what_is_no_environment_is_refused() -> None:
    with pytest.raises(UsageError, match=r"not an environment: .*grid_features"):
        environment_from(object())
    with pytest.raises(ConfigError, match=r"not an environment: .*obs_size"):
        environment_from({"obs_size": [1]})

    class Unknown(OldEnvironment):
        grid_features = ("agent", "hp", "no such feature")

    with pytest.raises(UsageError, match="no divisor for the feature 'no such feature'"):
        environment_from(Unknown)


def test_an_agent_of_the_new_stack_alone_is_saved_with_its_optimizer(tmp_path: Path) -> None:
    components = {
        "_obs_": {"_target_": "modules.blocks.obs.ObsModule", "out_features": 6},
        "_core_": {"_target_": "modules.layers.lstm.LSTMModule", "hidden_size": 4, "sources": ["_obs_"]},
        "_value_": {"_target_": "metta.agent.lib.LinearModule", "out_features": 1, "sources": ["_core_"]},
        "_action_embeds_": {
            "_target_": "modules.layers.action_embedding.ActionEmbeddingModule",
            "num_embeddings": 9,
            "embedding_dim": 3,
        },
        "_action_": {
            "_target_": "modules.layers.actor_single_head.ActorSingleHeadModule",
            "sources": ["_core_", "_action_embeds_"],
        },
    }
    environment = modules.Environment(obs_shape=(3, 3, 2), feature_normalizations=(1.0, 1.0))
    agent = migrate.build_agent({"components": components}, environment)
    agent.activate_actions(["noop", "move"], [0, 3], "cpu")
    optimizer = torch.optim.Adam(agent.parameters(), lr=0.5)
    agent({"x": torch.zeros(2, 3, 3, 2)})["value"].sum().backward()
    optimizer.step()
    migrate.save_policy(tmp_path / "policy.safetensors", agent, optimizer.state_dict())
    again = migrate.load_policy(tmp_path / "policy.safetensors", "modules")
    state = migrate.load_optimizer_state(tmp_path / "policy.safetensors", again)
    assert state["param_groups"][0]["lr"] == 0.5
    before = optimizer.state_dict()["state"]
    assert state["state"].keys() == before.keys()
    assert all(torch.equal(state["state"][i]["exp_avg"], each["exp_avg"]) for i, each in before.items())


def test_parameter_names_know_how_many_layers_a_core_has_by_itself(policy: Path) -> None:
    agent = migrate.load_policy(policy, "modules")
    assert isinstance(agent, modules.MettaAgent)
    config = {**agent.config, "components": {**agent.config["components"]}}
    config["components"]["_core_"] = {**config["components"]["_core_"]}
    assert config["components"]["_core_"].pop("num_layers") == 2
    alone = modules.MettaAgent(config, agent.environment)
    assert len([name for name in migrate.parameter_names(alone) if "_core_" in name]) == 4
