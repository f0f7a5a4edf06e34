from __future__ import annotations

from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

import legacy
from legacy import make_policy
from legacy.policy_state import PolicyState
from tests.legacy._build import LAYERS, OBS_SHAPE, Environment, agent_config, make_agent, observations

LINEAR = {"_target_": LAYERS + "linear.Linear", "nn_params": {"out_features": 4}}


def linear(source: str, **config: Any) -> dict[str, Any]:
    return {**LINEAR, "sources": [{"name": source}], **config}


def test_the_agents_attributes_override_keys_of_the_config() -> None:  # trap 19
    config = agent_config(
        critic=linear("_core_", clip_range=7),
        _obs_={"_target_": LAYERS + "obs_shaper.ObsShaper", "sources": None, "obs_shape": [9, 9, 9], "name": "other"},
    )
    agent: Any = make_agent(config, clip_range=0.5)
    assert agent.components["critic"].global_clip_range == 0.5
    assert agent.components["_obs_"]._obs_shape == list(OBS_SHAPE)
    assert agent.components["_obs_"]._name == "_obs_"


def test_the_hidden_size_is_the_cores_output_size() -> None:  # trap 20
    agent: Any = make_agent()
    assert (agent.hidden_size, agent.core_num_layers) == (5, 2)
    assert agent.lstm is agent.components["_core_"]._net
    assert agent.lstm.hidden_size == 5


def test_parameters_are_in_config_order_whatever_the_graph_says() -> None:  # trap 3
    names = list(agent_config())
    backwards = make_agent({name: agent_config()[name] for name in reversed(names)})
    order = list(dict.fromkeys(name.split(".")[1] for name, _ in backwards.named_parameters()))
    assert order == ["_action_", "_action_embeds_", "_value_", "critic", "_core_"]


def test_initial_weights_follow_the_graph_and_not_the_config() -> None:  # trap 4
    agent, backwards = make_agent(), make_agent(dict(reversed(agent_config().items())))
    other = backwards.state_dict()
    assert all(torch.equal(value, other[key]) for key, value in agent.state_dict().items())


def test_the_value_head_is_built_before_the_action_head() -> None:  # trap 4
    smaller = make_agent(agent_config(critic=linear("_core_", nn_params={"out_features": 3}))).state_dict()
    same = {key for key, value in make_agent().state_dict().items() if torch.equal(value, smaller[key])}
    assert "components._core_._net.weight_ih_l0" in same
    assert "components._action_.W" not in same


def test_a_component_that_no_head_reaches_is_an_error() -> None:  # trap 58
    message = "^Component dead in MettaAgent was never setup. It might not be accessible by other components.$"
    with pytest.raises(Exception, match="dead") as caught:
        make_agent(agent_config(dead=linear("_core_")))
    with pytest.raises(RuntimeError, match=message):
        raise _root(caught.value)


def _root(error: BaseException) -> BaseException:
    return _root(error.__cause__) if error.__cause__ else error


def test_a_missing_source_is_a_key_error() -> None:
    with pytest.raises(Exception, match="nowhere") as caught:
        make_agent(agent_config(critic=linear("nowhere")))
    assert isinstance(_root(caught.value), KeyError)


def test_names_have_no_dots_but_may_have_dashes() -> None:  # trap 57
    assert "channels_0-11" in make_agent(_renamed("channels_0-11")).components
    with pytest.raises(Exception, match=r"module name can.+got: a.b"):
        make_agent(_renamed("a.b"))


def _renamed(name: str) -> dict[str, Any]:
    value = {**agent_config()["_value_"], "sources": [{"name": name}]}
    return agent_config(critic=None, **{name: agent_config()["critic"], "_value_": value})


def test_the_observation_key_is_required() -> None:
    cfg = OmegaConf.create(
        {"agent": {"observations": {}, "clip_range": 0, "components": agent_config()}, "device": "cpu"}
    )
    with pytest.raises(Exception, match=r"missing required field 'observations\.obs_key'") as caught:
        make_policy(Environment, cfg)
    assert isinstance(_root(caught.value), AssertionError)


def test_the_agents_attributes_are_kept_on_it() -> None:
    attributes = make_agent(clip_range=2.0).agent_attributes
    assert attributes["action_space"] == Environment.single_action_space
    assert attributes["obs_shape"] == OBS_SHAPE
    assert (attributes["clip_range"], attributes["num_objects"], attributes["obs_key"]) == (2.0, 2, "grid_obs")


def test_total_params_counts_them() -> None:
    agent = make_agent()
    assert agent.total_params == sum(parameter.numel() for parameter in agent.parameters())


def test_parameter_maxima_are_inclusive_and_their_sums_have_one_entry_too_many() -> None:  # trap 42
    agent = make_agent()
    assert agent.action_index_tensor.tolist() == [[0, 0], [1, 0], [1, 1], [1, 2]]
    assert agent.cum_action_max_params.tolist() == [0, 0, 2]


def test_too_large_a_parameter_is_the_next_action() -> None:  # trap 42
    agent = make_agent()
    index = agent._convert_action_to_logit_index(torch.tensor([[0, 0], [0, 1], [1, 0], [2, 0]]))
    assert index.tolist() == [0, 1, 1, 4]


def test_action_tables_are_plain_int64_tensors() -> None:  # trap 43
    agent = make_agent()
    assert agent.action_index_tensor.dtype == agent.cum_action_max_params.dtype == torch.int64
    assert not [name for name, _ in agent.named_buffers() if "action_index" in name or "cum_" in name]
    assert agent.double().cum_action_max_params.dtype == torch.int64


def test_action_maxima_must_be_a_list() -> None:
    with pytest.raises(AssertionError, match=r"^action_max_params must be a list"):
        make_agent().activate_actions(["stay"], (0,), "cpu")  # type: ignore[arg-type]  # that is what is tested


def test_inference_samples_pairs_from_the_global_generator() -> None:
    agent = make_agent()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first = agent(observations(5), PolicyState())
        torch.manual_seed(3)
        again = agent(observations(5), PolicyState())
    assert [tuple(output.shape) for output in first] == [(5, 2), (5,), (5,), (5, 1), (5, 4)]
    assert first[0].dtype == torch.int64
    assert torch.equal(first[0], again[0])


def test_the_callers_state_is_overwritten_in_training_too() -> None:  # trap 24
    state: Any = PolicyState()
    actions = torch.zeros(2, 3, 2, dtype=torch.long)
    outputs = make_agent()(observations(2, 3), state, actions)
    assert outputs[0] is actions
    assert [tuple(output.shape) for output in outputs[1:]] == [(6,), (6,), (6, 1), (6, 4)]
    assert tuple(state.lstm_h.shape) == tuple(state.lstm_c.shape) == (2, 2, 5)
    assert not state.lstm_h.requires_grad


def test_half_a_state_is_no_state() -> None:
    agent = make_agent()
    half: Any = PolicyState(lstm_h=torch.ones(2, 3, 5))
    none: Any = PolicyState()
    for state in (half, none):
        agent(observations(3), state)
    assert torch.equal(half.lstm_c, none.lstm_c)


def test_a_training_sequence_equals_its_steps() -> None:  # trap 22 is over in this era
    agent, obs, state = make_agent(), observations(2, 3), PolicyState()
    values = agent(obs, PolicyState(), torch.zeros(2, 3, 2, dtype=torch.long))[3].view(2, 3)
    steps = [agent(obs[:, t], state)[3].squeeze(1) for t in range(3)]
    torch.testing.assert_close(values, torch.stack(steps, dim=1))


@pytest.mark.parametrize(
    ("obs", "action", "message"),
    [
        (observations(2, 3), None, "'x' has shape (2, 3, 3, 4, 2) with 5 dimensions. We expected 4 dimensions."),
        (
            observations(2),
            torch.zeros(2, 1, 2),
            "'x' has shape (2, 3, 4, 2) with 4 dimensions. We expected 5 dimensions.",
        ),
        (observations(2, 3), torch.zeros(2, 3, 1), "'action' dimension 2 has size 1, expected 2"),
        (observations(0), None, "'x' dimension 0 ('B') has invalid size 0, expected a positive value"),
    ],
)
def test_shapes_are_checked(obs: torch.Tensor, action: torch.Tensor | None, message: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        make_agent()(obs, PolicyState(), action)
    assert str(caught.value) == message


@pytest.mark.parametrize("loss", ["l2_reg_loss", "l2_init_loss"])
def test_agent_losses_fail_on_every_agent(loss: str) -> None:  # trap 12
    with pytest.raises(TypeError, match=r"^expected Tensor as element 0 in argument 0, but got NoneType$"):
        getattr(make_agent(), loss)()


def test_weights_are_clipped_only_where_the_agent_clips() -> None:
    clipping, not_clipping = make_agent(clip_range=1e-3), make_agent()
    for agent in (clipping, not_clipping):
        agent.components["critic"].clip_value = 1e-3  # type: ignore[assignment]  # a plain attribute
        agent.clip_weights()
    assert clipping.components["critic"].state_dict()["_net.0.weight"].abs().max() <= 1e-3
    assert not_clipping.components["critic"].state_dict()["_net.0.weight"].abs().max() > 1e-3


def test_metrics_are_those_of_the_layers_that_asked_in_component_order() -> None:
    config = agent_config(critic=linear("_core_", analyze_weights=True))
    config["_value_"] = {**config["_value_"], "analyze_weights": True}
    assert [metrics["name"] for metrics in make_agent(config).compute_weight_metrics()] == ["critic", "_value_"]


def test_a_method_that_a_component_lacks_is_named() -> None:
    agent: Any = make_agent()
    with pytest.raises(AttributeError, match=r"^Component '_obs_' does not have method 'no_such'$"):
        agent._apply_to_components("no_such")
    with pytest.raises(TypeError, match=r"'_name'.* not callable"):
        agent._apply_to_components("_name")
    agent.components.clear()
    with pytest.raises(AssertionError, match=r"^No components available to apply method"):
        agent._apply_to_components("clip_weights")


def test_every_anchor_is_updated() -> None:
    agent: Any = make_agent()
    before = {name: agent.components[name].initial_weights for name in ("critic", "_value_")}
    agent.update_l2_init_weight_copy()
    assert all(agent.components[name].initial_weights is not anchor for name, anchor in before.items())


def test_the_package_offers_what_its_users_need() -> None:
    agents = {"MettaAgent", "MettaAgentE2c", "agent_class", "date_of", "is_agent", "make_policy"}
    records = {"PolicyMetadata", "PolicyRecord", "PolicyRecordE6c", "PolicyState"}
    assert set(legacy.__all__) == {*agents, *records, "AgentConfig", "sample_logits"}
