"""What the proposal shows its readers, run: each sample as a user would type it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from tensordict import TensorDict
from torch import Tensor

from modules import (
    ActorModule,
    ComponentContainer,
    LinearModule,
    LSTMModule,
    MergeModule,
    MettaAgent,
    MettaModule,
    ObsModule,
    ParallelDAGExecutor,
    PolicyModule,
    RegularizedModule,
    SafeModule,
    SequentialDAGExecutor,
    StatefulModule,
    StateManager,
    WeightMonitoringModule,
)
from modules.errors import ConfigError
from tests.modules._agents import ENVIRONMENT, config


def test_linear_module() -> None:
    linear = LinearModule(in_features=10, out_features=16)
    result = linear({"input": torch.randn(4, 10)})
    assert result["output"].shape == (4, 16)


def test_actor_module() -> None:
    actor = ActorModule(state_dim=64, action_dim=8)
    result = actor({"state": torch.randn(2, 64)})
    assert result["action"].shape == (2, 8)


def test_merge_module() -> None:
    merge = MergeModule(["input1", "input2"], merge_type="concat")
    result = merge({"input1": torch.randn(3, 5), "input2": torch.randn(3, 7)})
    assert result["merged"].shape == (3, 12)


def test_obs_module() -> None:
    obs = ObsModule(obs_shape=(11, 11, 3), out_features=16)
    assert obs({"x": torch.zeros(4, 11, 11, 3, dtype=torch.uint8)})["output"].shape == (4, 16)


def test_lstm_module() -> None:
    lstm = LSTMModule(input_size=5, hidden_size=8, num_layers=2)
    state = {"lstm_h": torch.zeros(2, 3, 8), "lstm_c": torch.zeros(2, 3, 8)}
    result = lstm({"input": torch.randn(3 * 4, 5), **state})
    assert result["output"].shape == (12, 8)
    assert result["next_lstm_h"].shape == (2, 3, 8)


@pytest.mark.parametrize("mapping", [dict, lambda data: TensorDict(data, batch_size=[2])], ids=["dict", "TensorDict"])
def test_wrappers_nest_step_by_step_or_at_once(mapping: Any) -> None:
    base_policy = PolicyModule(64, 32)
    safe_policy = SafeModule(base_policy, action_bounds=(-1.0, 1.0))
    regularized_safe_policy = RegularizedModule(safe_policy, l2_scale=0.01)
    step_by_step = WeightMonitoringModule(regularized_safe_policy, clip_value=1.0)
    at_once = WeightMonitoringModule(
        RegularizedModule(SafeModule(base_policy, action_bounds=(-1.0, 1.0)), l2_scale=0.01), clip_value=1.0
    )
    state = torch.randn(2, 64) * 100
    results = [policy.eval()(mapping({"state": state})) for policy in (step_by_step, at_once)]
    assert torch.equal(results[0]["action"], results[1]["action"])
    assert results[0]["action"].abs().max() == 1.0


def test_regularization_computation() -> None:
    base_module = LinearModule(5, 3)
    reg_module = RegularizedModule(base_module, l2_scale=0.01)
    result = reg_module({"input": torch.randn(2, 5)})
    assert "regularization_loss" in result
    assert result["regularization_loss"] > 0


def test_composed_wrappers() -> None:
    composed = RegularizedModule(SafeModule(LinearModule(10, 5), action_bounds=(-1.0, 1.0)), l2_scale=0.01)
    result = composed({"input": torch.randn(2, 10)})
    assert result["output"].abs().max() <= 1
    assert result["regularization_loss"] > 0


AGENT = {
    **config(),
    "environment": ENVIRONMENT.to_dict(),
    "actions": {"names": ["noop", "move"], "max_params": [0, 1]},
}


@pytest.mark.parametrize("written", [dict, OmegaConf.create], ids=["dict", "OmegaConf"])
def test_full_agent_pipeline(written: Any) -> None:
    agent = MettaAgent(written(AGENT))
    result = agent({"x": torch.zeros(2, 5, 5, 3)})
    assert "action" in result
    assert "value" in result


@pytest.mark.parametrize("actions", [None, ["noop"], {"names": ["noop"]}])
def test_actions_that_are_half_said_are_refused(actions: Any) -> None:
    with pytest.raises(ConfigError, match="actions must be a mapping with names and max_params, lists both, got"):
        MettaAgent(AGENT | {"actions": actions})


@pytest.mark.parametrize(
    ("execution", "executor"), [("parallel", ParallelDAGExecutor), ("sequential", SequentialDAGExecutor)]
)
def test_the_config_chooses_the_executor(execution: str, executor: type) -> None:
    assert isinstance(MettaAgent(AGENT | {"execution": execution}).executor, executor)


def test_state_can_be_managed_by_a_module_or_by_a_wrapper() -> None:
    manager = StateManager(state_dim=6, action_dim=3)
    assert (manager.in_keys, manager.out_keys) == (("current_state", "action"), ("next_state", "state_delta"))
    tracking = StatefulModule(ActorModule(4, 3), manager)
    data = {"state": torch.randn(2, 4), "current_state": torch.zeros(2, 6)}
    assert tracking(data)["next_state"].shape == (2, 6)


def test_a_class_may_state_its_keys() -> None:
    class Own(MettaModule):
        in_keys = ["a", "b"]  # noqa: RUF012 - as the proposal writes it
        out_keys = ["c"]  # noqa: RUF012

        def compute(self, a: Tensor, b: Tensor) -> Tensor:
            return a + b

    assert Own()({"a": torch.ones(1), "b": torch.ones(1)})["c"].item() == 2


def test_a_container_runs_what_was_registered_in_any_order() -> None:
    container = ComponentContainer()
    container.register_component("second", LinearModule(4, 2, in_keys=["first"], out_keys=["second"]), ["first"])
    container.register_component("first", LinearModule(3, 4, in_keys=["x"], out_keys=["first"]))
    assert container.execute({"x": torch.ones(1, 3)})["second"].shape == (1, 2)
    assert container.execution_graph == {"second": ["first"], "first": []}
    container.replace_component("first", LinearModule(3, 4, in_keys=["x"], out_keys=["first"]))


def test_the_configs_of_the_proposal_build() -> None:
    yaml = """
    components:
      obs_processor:
        _target_: metta.agent.lib.ObsModule
        out_features: 64
      linear_1:
        _target_: metta.agent.lib.LinearModule  # Changed from Linear
        in_features: 64
        out_features: 32
        sources: ["obs_processor"]
      _value_: {_target_: metta.agent.lib.LinearModule, out_features: 1, sources: [linear_1]}
      _action_embeds_: {_target_: metta.agent.lib.ActionEmbeddingModule, num_embeddings: 9, embedding_dim: 4}
      _action_: {_target_: metta.agent.lib.ActorSingleHeadModule, sources: [linear_1, _action_embeds_]}
    """
    agent = MettaAgent(dict(OmegaConf.create(yaml)), ENVIRONMENT)
    assert agent.components["linear_1"].get_parameter("weight").shape == (32, 64)
