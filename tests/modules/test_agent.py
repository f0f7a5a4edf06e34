from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tensordict import TensorDict
from torch import Tensor

import legacy.weight_metrics
from equivalence.hosts import host
from modules import MettaAgent, PolicyState
from modules.base import MettaModule
from modules.errors import ConfigError, ConfigWarning, InputError
from modules.layers.action_embedding import ActionEmbeddingModule
from tests.modules._agents import ACTIONS, CONFIG, ENVIRONMENT, OBS_SHAPE, agent, config, observations

RESULTS = ("action", "log_prob", "entropy", "value", "log_probs")


class Wrapper(MettaModule):
    """The least that a wrapper is: the wrapped module's keys and computation."""

    def __init__(self, module: Any) -> None:
        super().__init__(module.in_keys, module.out_keys)
        self.module = module

    def compute(self, *inputs: Tensor) -> Any:
        return self.module.compute(*inputs)


def seeded(call: Any) -> Any:
    torch.manual_seed(1)
    return call()


@torch.no_grad()
def state(seed: int, batch: int) -> PolicyState:
    generator = torch.Generator().manual_seed(seed)
    return PolicyState(*(torch.randn(2, batch, 6, generator=generator) for _ in range(2)))


@pytest.mark.parametrize("given_action", [False, True])
@pytest.mark.parametrize("batch", [(4,), (2, 3)])
def test_a_mapping_gets_what_the_old_call_returns(batch: tuple[int, ...], given_action: bool) -> None:
    policy, x = agent(), observations(*batch)
    action = torch.tensor([1, 1]).expand(*batch, 2) if given_action else None
    carried = state(0, batch[0])
    data: dict[str, Any] = {"x": x, "lstm_h": carried.lstm_h, "lstm_c": carried.lstm_c}
    if given_action:
        data["action"] = action
    old_call = seeded(lambda: policy(x, carried, action))
    assert seeded(lambda: policy(data)) is data
    assert all(torch.equal(data[key], value) for key, value in zip(RESULTS, old_call, strict=True))
    assert torch.equal(data["next_lstm_h"], carried.lstm_h)  # type: ignore[arg-type]
    assert torch.equal(data["next_lstm_c"], carried.lstm_c)  # type: ignore[arg-type]


@pytest.mark.parametrize(("batch", "rows"), [((4,), 4), ((2, 3), 6), ((1, 1), 1)])
def test_results_have_one_row_per_observation(batch: tuple[int, ...], rows: int) -> None:
    action, log_prob, entropy, value, log_probs = agent()(observations(*batch), PolicyState())
    shapes = [tuple(each.shape) for each in (action, log_prob, entropy, value, log_probs)]
    assert shapes == [(rows, 2), (rows,), (rows,), (rows, 1), (rows, 6)]


@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**20))
def test_steps_in_one_call_are_steps_one_by_one(batch: int, time: int, seed: int) -> None:
    policy, x = agent(seed), observations(batch, time, seed=seed)
    whole, stepwise = state(seed, batch), state(seed, batch)
    values = policy(x, whole)[3].reshape(batch, time)
    each = [policy(x[:, t], stepwise)[3].reshape(batch) for t in range(time)]
    torch.testing.assert_close(values, torch.stack(each, 1))
    torch.testing.assert_close(whole.lstm_h, stepwise.lstm_h)


def test_no_state_is_a_state_of_zeros() -> None:
    policy, x = agent(), observations(3)
    zeros = PolicyState(torch.zeros(2, 3, 6), torch.zeros(2, 3, 6))
    values = [policy(x, carried)[3] for carried in (None, PolicyState(), zeros)]
    assert torch.equal(values[0], values[1])
    assert torch.equal(values[0], values[2])


def test_the_state_object_is_overwritten_without_graph() -> None:
    carried = PolicyState()
    agent()(observations(3), carried)
    assert carried.lstm_h is not None
    assert carried.lstm_h.shape == (2, 3, 6)
    assert not carried.lstm_h.requires_grad


@pytest.mark.parametrize("batch", [(2,), (2, 3)])
def test_a_tensordict_with_a_batch_size_gets_results_under_it(batch: tuple[int, ...]) -> None:
    policy, x = agent(), observations(*batch)
    data = TensorDict({"x": x}, batch_size=[2])
    seeded(lambda: policy(data))
    expected = seeded(lambda: policy({"x": x}))
    assert data["value"].shape == (*batch, 1)
    assert torch.equal(data["value"].flatten(), expected["value"].flatten())
    assert torch.equal(data["next_lstm_h"], expected["next_lstm_h"].transpose(0, 1))
    again = TensorDict({"x": x, "lstm_h": data["next_lstm_h"], "lstm_c": data["next_lstm_c"]}, batch_size=[2])
    carried = {"lstm_h": expected["next_lstm_h"], "lstm_c": expected["next_lstm_c"]}
    assert torch.equal(policy(again)["value"].flatten(), policy({"x": x, **carried})["value"].flatten())


def test_a_tensordict_with_time_in_its_batch_size_is_refused() -> None:
    data = TensorDict({"x": observations(2, 3)}, batch_size=[2, 3])
    with pytest.raises(InputError, match=r"no time dimension: give the TensorDict batch_size=\[B\]"):
        agent()(data)


def test_what_the_components_wrote_is_kept_apart_on_request() -> None:
    kept: dict[str, Tensor] = {}
    data = agent().step({"x": observations(2)}, kept)
    assert kept["encoded"].shape == (2, 8)
    assert "encoded" not in data


def test_keeping_what_the_components_wrote_runs_nothing_that_draws_other_actions() -> None:
    dropout = {"_target_": "modules.layers.dropout.DropoutModule", "sources": ["encoded"]}
    torch.manual_seed(0)
    more_heads = {"heads": ["_value_", "_action_", "unread"]}
    policy, x = MettaAgent({**config(unread=dropout), **more_heads}, ENVIRONMENT), observations(8)
    policy.activate_actions(*ACTIONS)
    kept: dict[str, Tensor] = {}
    plain, watched = (seeded(lambda: policy.step({"x": x})), seeded(lambda: policy.step({"x": x}, kept)))
    assert torch.equal(plain["log_prob"], watched["log_prob"])
    assert "unread" not in kept


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 5, 5, 4), r"must be \[B, 5, 5, 3\] or \[B, T, 5, 5, 3\], got \[2, 5, 5, 4\]"),
        (torch.zeros(OBS_SHAPE), r"got \[5, 5, 3\]"),
        (torch.zeros(1, 1, 1, *OBS_SHAPE), r"got \[1, 1, 1, 5, 5, 3\]"),
        ({}, "give observations as a tensor, or as 'x' in a mapping; got a dict without a tensor 'x'"),
        (np.zeros((2, *OBS_SHAPE)), "got ndarray$"),
    ],
)
def test_observations_that_do_not_fit_are_refused(x: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        agent()(x)


@pytest.mark.parametrize("shape", [(2, 4, 6), (1, 3, 6), (2, 3, 5), (3, 6)])
def test_a_state_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"lstm_h must be \[L, B, H\] \[2, 3, 6\] for 3 observations, got"):
        agent()(observations(3), PolicyState(torch.zeros(shape), torch.zeros(shape)))


def test_half_a_state_is_refused() -> None:
    with pytest.raises(InputError, match="the recurrent state lacks 'lstm_c'; give both"):
        agent()({"x": observations(3), "lstm_h": torch.zeros(2, 3, 6)})


@pytest.mark.parametrize("shape", [(2, 2), (2, 3, 1), (3, 2, 2), (12,)])
def test_actions_must_be_one_pair_per_observation(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"actions must be \[B, 2\] or \[B, T, 2\], one per observation, 6 in all"):
        agent()(observations(2, 3), None, torch.zeros(shape, dtype=torch.long))


def test_an_agent_without_active_actions_says_what_to_call() -> None:
    with pytest.raises(InputError, match=r"no actions are activated: call activate_actions\(names, max_params\) first"):
        agent(active=False)(observations(2))


def test_an_agent_needs_both_heads() -> None:
    components = {name: each for name, each in CONFIG["components"].items() if name != "_value_"}
    with pytest.raises(ConfigError, match="an agent needs the component '_value_'; it has: _action_, "):
        MettaAgent({"components": components}, ENVIRONMENT)


def test_the_environment_may_stand_in_the_config() -> None:
    assert MettaAgent({**CONFIG, "environment": ENVIRONMENT.to_dict()}).environment == ENVIRONMENT
    with pytest.raises(ConfigError, match="give an Environment, or a config with the key 'environment'"):
        MettaAgent(CONFIG)


@given(st.permutations(list(zip(*ACTIONS, strict=True))))
def test_actions_in_another_order_keep_their_rows_and_so_their_probabilities(order: list[tuple[str, int]]) -> None:
    policy, x = agent(), observations(2)
    before = dict(zip(policy.action_space.pair_names, policy(x)[4].T, strict=True))  # type: ignore[union-attr]
    policy.activate_actions(*map(list, zip(*order, strict=True)))
    after = dict(zip(policy.action_space.pair_names, policy(x)[4].T, strict=True))  # type: ignore[union-attr]
    for name, log_prob in before.items():
        torch.testing.assert_close(after[name], log_prob)


@pytest.mark.parametrize(
    ("names", "max_params", "message"),
    [
        (["new"], [9], "16 action names need 17 rows, but num_embeddings is 12"),
        (["new"], [-1], "the maximum parameter of 'new' must be an integer >= 0"),
        (["new", "more"], [1], "got 2 action names and 1 maximum parameters"),
    ],
)
def test_an_activation_that_is_refused_changes_nothing(names: list[str], max_params: list[int], message: str) -> None:
    policy: Any = agent()
    x = observations(2)
    before, rows = policy(x)[4], dict(policy.components["_action_embeds_"].rows)
    with pytest.raises((InputError, ConfigError), match=message):
        policy.activate_actions(names, max_params)
    assert torch.equal(policy(x)[4], before)
    assert policy.components["_action_embeds_"].rows == rows


def test_a_change_of_dtype_keeps_the_action_tables_whole_numbers() -> None:
    policy = agent().double()
    action, _, _, value, _ = policy(observations(2), PolicyState())
    assert value.dtype == torch.float64
    assert action.dtype == torch.int64
    assert torch.equal(policy(observations(2), None, action)[0], action)


def test_a_change_of_device_takes_the_action_tables_along() -> None:
    space: Any = agent().to("meta").action_space
    assert (space.pairs.device.type, space.cumulative.device.type) == ("meta", "meta")


def test_clipping_is_done_where_the_agent_and_the_component_ask_for_it() -> None:
    policy = agent()
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.fill_(9)
    policy.clip_weights()
    clipped = {name for name, parameter in policy.named_parameters() if parameter.max() < 9}
    assert clipped == {"components._value_.weight", "components.encoded.weight"}


def test_an_agent_without_clip_range_clips_nothing() -> None:
    policy = MettaAgent({**CONFIG, "clip_range": 0}, ENVIRONMENT)
    before = copy.deepcopy(policy.state_dict())
    policy.clip_weights()
    assert all(torch.equal(value, before[key]) for key, value in policy.state_dict().items())


def test_l2_losses_are_the_scaled_sums_without_gradient() -> None:
    policy = agent()
    weight = policy.get_parameter("components.encoded.weight")
    anchor = weight.detach().clone()
    with torch.no_grad():
        weight.add_(0.5)
    assert policy.l2_reg_loss().item() == pytest.approx(2 * (weight**2).sum().item())
    assert policy.l2_init_loss().item() == pytest.approx(3 * ((weight - anchor) ** 2).sum().item())
    assert not policy.l2_reg_loss().requires_grad


def test_l2_losses_without_scales_are_zero() -> None:
    policy = MettaAgent(config(encoded={"l2_norm_scale": None, "l2_init_scale": 0}), ENVIRONMENT)
    assert (policy.l2_reg_loss().item(), policy.l2_init_loss().item()) == (0, 0)


def test_anchors_move_towards_the_weights() -> None:
    policy: Any = agent()
    encoded = policy.components["encoded"]
    anchor = encoded.initial_weights
    with torch.no_grad():
        encoded.weight.add_(1)
    policy.update_l2_init_weight_copy(alpha=0.75)
    torch.testing.assert_close(encoded.initial_weights, anchor + 0.25)


def test_weight_metrics_are_the_old_stacks_for_the_matrices_that_ask() -> None:
    policy = agent()
    weight = policy.get_parameter("components.encoded.weight").detach()
    (metrics,) = seeded(policy.compute_weight_metrics)
    old = seeded(lambda: legacy.weight_metrics.analyze_weights(weight, 0.01))
    assert metrics.pop("name") == "encoded"
    assert metrics == pytest.approx(old, rel=1e-10)


def test_a_wrapped_component_is_clipped_measured_and_regularised_all_the_same() -> None:
    plain, wrapped = agent(), agent()
    for name in ("encoded", "_core_", "_action_embeds_"):
        wrapped.components.replace_component(name, Wrapper(wrapped.components[name]))
    for policy in (plain, wrapped):
        policy.activate_actions(*ACTIONS)
        with torch.no_grad():
            policy.get_parameter(policy_key(policy)).add_(0.5)
    assert torch.equal(plain.l2_reg_loss(), wrapped.l2_reg_loss())
    assert torch.equal(plain.l2_init_loss(), wrapped.l2_init_loss())
    assert seeded(plain.compute_weight_metrics) == seeded(wrapped.compute_weight_metrics)
    plain.clip_weights()
    wrapped.clip_weights()
    assert torch.equal(plain(observations(2))[3], wrapped(observations(2))[3])


def policy_key(policy: MettaAgent) -> str:
    return next(name for name, _ in policy.named_parameters() if "encoded" in name and name.endswith("weight"))


def test_a_copy_of_an_agent_acts_the_same() -> None:
    policy = agent()
    twin = copy.deepcopy(policy)
    expected = seeded(lambda: policy(observations(4)))
    assert all(torch.equal(a, b) for a, b in zip(expected, seeded(lambda: twin(observations(4))), strict=True))


@pytest.mark.parametrize("shape", [(2, 2), (3, 4), (6, 3)])
def test_actions_of_two_heads_must_be_one_pair_per_observation_too(shape: tuple[int, ...]) -> None:
    policy: Any = host("action_type").new
    x = torch.zeros(6, *policy.environment.obs_shape)
    with pytest.raises(InputError, match=r"actions must be \[..., 2\], one per observation, 6 in all"):
        policy({"x": x, "action": torch.zeros(shape, dtype=torch.int64)})


@pytest.mark.parametrize("batch", [(0,), (0, 3), (2, 0)])
def test_an_empty_batch_is_refused_with_its_shape(batch: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"observations must be one or more, got \[[02], "):
        agent()(observations(*batch), PolicyState())


@pytest.mark.parametrize(("key", "similar"), [("clip_rang", "clip_range"), ("numeric", "numerics")])
def test_a_key_that_nothing_reads_and_looks_like_another_is_warned_of(key: str, similar: str) -> None:
    config = agent().config | {key: 1}
    with pytest.warns(ConfigWarning, match=f"nothing reads the key '{key}' of the agent's config: is it '{similar}'"):
        MettaAgent(config, agent().environment)


def test_a_word_that_a_key_does_not_know_is_refused() -> None:
    with pytest.raises(ConfigError, match="sequences must be single_steps, got 'single_step'"):
        MettaAgent(agent().config | {"sequences": "single_step"}, agent().environment)


def test_an_agent_with_two_tables_of_actions_does_not_choose_one() -> None:
    policy = agent(active=False)
    policy.components["more"] = ActionEmbeddingModule(4, 2, in_keys=(), out_keys=("more",))
    with pytest.raises(ConfigError, match="needs one component with action embeddings, this one has 2"):
        policy.activate_actions(*ACTIONS)


def test_a_job_is_no_agent() -> None:
    with pytest.raises(ConfigError, match=r"this is a job around an agent: give its `agent`, or the whole to"):
        MettaAgent({"agent": config()}, ENVIRONMENT)
