"""A migrated agent trained with TorchRL's own advantages and loss; the recurrent state is batch-first there."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from tensordict import TensorDict
from tensordict.nn import InteractionType, set_interaction_type
from torch import Tensor

import migrate
from modules import MettaAgent
from modules.errors import ConfigError
from modules.interop import torchrl_actor, torchrl_critic
from tests.modules._agents import agent
from tests.modules.interop._shipped import POLICY

BATCH, TIME = 8, 6
UPDATES, EPOCHS = 10, 4
STATE = ("lstm_h", "lstm_c")
each_way = pytest.mark.parametrize("sequences", [False, True], ids=["steps", "sequences"])


@pytest.fixture(scope="module")
def torchrl() -> Any:
    """TorchRL's objectives, where they are installed."""
    return pytest.importorskip("torchrl.objectives", reason="TorchRL is not installed: pip install '.[torchrl]'")


def migrated() -> MettaAgent:
    policy = migrate.load_policy(POLICY, stack="modules")
    assert isinstance(policy, MettaAgent)
    return policy


def observed(policy: MettaAgent, *batch: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 4, (*batch, *policy.environment.obs_shape), dtype=torch.uint8, generator=generator)


def first_state(policy: MettaAgent) -> dict[str, Tensor]:
    core: Any = policy.components["_core_"]
    zeros = torch.zeros(BATCH, core.num_layers, core.hidden_size)
    return dict.fromkeys(STATE, zeros)


@torch.no_grad()
def rollout(policy: MettaAgent, seed: int = 0) -> TensorDict:
    """`[BATCH, TIME]` of acting in a world that rewards the first type of action; no episode ends inside of it."""
    actor, steps, state = torchrl_actor(policy), [], first_state(policy)
    x = observed(policy, BATCH, TIME + 1, seed=seed)
    for t in range(TIME):
        step = actor(TensorDict({"x": x[:, t], **state}, batch_size=[BATCH]))
        over = torch.full((BATCH, 1), t == TIME - 1)
        reward = (step["action"][:, :1] == 0).float()
        step["next"].update({"x": x[:, t + 1], "reward": reward, "done": over, "terminated": torch.zeros_like(over)})
        state = {key: step["next", key] for key in STATE}
        steps.append(step)
    data: TensorDict = torch.stack(steps, dim=1).contiguous()
    data.refine_names(None, "time")
    return data


def losses(torchrl: Any, policy: MettaAgent, *, sequences: bool) -> tuple[Any, Any]:
    actor, critic = (make(policy, sequences=sequences) for make in (torchrl_actor, torchrl_critic))
    options = {"entropy_coeff": 0.01, "critic_coeff": 1.0, "loss_critic_type": "l2", "normalize_advantage": True}
    return torchrl.value.GAE(gamma=0.9, lmbda=0.95, value_network=critic), torchrl.ClipPPOLoss(actor, critic, **options)


def total(result: TensorDict) -> Tensor:
    loss: Tensor = result["loss_objective"] + result["loss_critic"] + result["loss_entropy"]
    return loss


@each_way
def test_a_migrated_agent_learns_by_gae_and_ppo(torchrl: Any, sequences: bool) -> None:
    torch.manual_seed(0)
    policy = migrated()
    advantages, ppo = losses(torchrl, policy, sequences=sequences)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    before = {name: parameter.detach().clone() for name, parameter in policy.named_parameters()}
    rewards = []
    for update in range(UPDATES):
        data = rollout(policy, seed=update)
        rewards.append(data["next", "reward"].mean().item())
        with torch.no_grad():
            advantages(data)
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            total(ppo(data)).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    assert not [name for name, p in policy.named_parameters() if torch.equal(p, before[name])]
    assert max(rewards[:2]) < 0.5
    assert min(rewards[-2:]) > 0.8


def test_loss_and_gradients_are_those_of_the_same_formula_on_the_agent(torchrl: Any) -> None:
    policy = migrated()
    advantages, ppo = losses(torchrl, policy, sequences=True)
    data = rollout(policy)
    with torch.no_grad():
        advantages(data)
    theirs = total(ppo(data))
    own = policy({"x": data["x"], "action": data["action"]})
    ratio = (own["log_prob"] - data["action_log_prob"].flatten()).exp()
    advantage = data["advantage"].flatten()
    advantage = (advantage - advantage.mean()) / advantage.std()
    objective = -torch.min(ratio, ratio.clamp(0.8, 1.2)) * advantage
    critic = (own["value"].flatten() - data["value_target"].flatten()).square()
    ours = objective.mean() + critic.mean() - 0.01 * own["entropy"].mean()
    torch.testing.assert_close(theirs, ours)
    parameters = list(policy.parameters())
    for a, b in zip(torch.autograd.grad(theirs, parameters), torch.autograd.grad(ours, parameters), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_the_advantage_is_the_sum_over_the_steps_that_follow(torchrl: Any) -> None:
    policy = migrated()
    advantages, _ = losses(torchrl, policy, sequences=False)
    data = rollout(policy)
    with torch.no_grad():
        advantages(data)
        values = policy({"x": data["x"]})["value"].reshape(BATCH, TIME)
    last = {"x": data["next", "x"][:, -1], **{key: data["next", key][:, -1].transpose(0, 1) for key in STATE}}
    bootstrap = policy(last)["value"].detach()
    delta = data["next", "reward"][..., 0] + 0.9 * torch.cat([values[:, 1:], bootstrap], dim=1) - values
    # The last step is done, but not terminated: it is followed by a value, and by no advantage.
    expected = [delta[:, -1]]
    for t in reversed(range(TIME - 1)):
        expected.insert(0, delta[:, t] + 0.9 * 0.95 * expected[0])
    torch.testing.assert_close(data["advantage"][..., 0], torch.stack(expected, dim=1), rtol=1e-4, atol=1e-5)


@each_way
def test_actions_are_scored_as_the_agent_scores_them(sequences: bool) -> None:
    policy = migrated()
    data = rollout(policy)
    own = policy({"x": data["x"], "action": data["action"]})
    distribution: Any = torchrl_actor(policy, sequences=sequences).get_dist(data)
    value = torchrl_critic(policy, sequences=sequences)(data.clone())["state_value"]
    assert value.shape == (BATCH, TIME, 1)
    for ours, theirs in (
        (own["log_prob"], distribution.log_prob(data["action"])),
        (own["entropy"], distribution.entropy()),
        (own["value"][:, 0], value[..., 0]),
    ):
        assert theirs.shape == (BATCH, TIME)
        torch.testing.assert_close(theirs.flatten(), ours)
    torch.testing.assert_close(distribution.log_prob(data["action"]), data["action_log_prob"])


def test_drawn_actions_are_those_that_the_agent_draws() -> None:
    policy = migrated().eval()
    x, state = observed(policy, BATCH), first_state(policy)
    torch.manual_seed(3)
    theirs = torchrl_actor(policy)(TensorDict({"x": x, **state}, batch_size=[BATCH]))
    torch.manual_seed(3)
    ours = policy(TensorDict({"x": x, **state}, batch_size=[BATCH]))
    assert torch.equal(theirs["action"], ours["action"])
    assert torch.equal(theirs["action_log_prob"], ours["log_prob"])
    for key in STATE:
        assert theirs["next", key].shape == state[key].shape
        assert torch.equal(theirs["next", key], ours[f"next_{key}"])


def test_the_likeliest_action_is_taken_when_nothing_is_to_be_drawn() -> None:
    policy = migrated()
    data = TensorDict({"x": observed(policy, BATCH), **first_state(policy)}, batch_size=[BATCH])
    with set_interaction_type(InteractionType.DETERMINISTIC):
        chosen = torchrl_actor(policy)(data)
    space: Any = policy.action_space
    assert torch.equal(space.to_index(chosen["action"]), chosen["logits"].argmax(-1))


def test_an_action_is_drawn_once_per_observation() -> None:
    policy = migrated()
    distribution: Any = torchrl_actor(policy).get_dist(rollout(policy))
    with pytest.raises(NotImplementedError, match="drawn once per observation: give no sample_shape"):
        distribution.sample((3,))


def test_an_agent_without_actions_has_no_actor() -> None:
    with pytest.raises(ConfigError, match="activate the agent's actions first"):
        torchrl_actor(agent(active=False))


def test_an_actor_draws_the_actions_that_are_active_now() -> None:
    policy = migrated()
    actor, space = torchrl_actor(policy), policy.action_space
    assert space is not None
    policy.activate_actions(space.names[::-1], space.max_params[::-1])
    data = TensorDict({"x": observed(policy, BATCH), **first_state(policy)}, batch_size=[BATCH])
    torch.manual_seed(1)
    ours = policy(data.clone())["action"]
    torch.manual_seed(1)
    assert torch.equal(actor(data)["action"], ours)


def test_an_agent_of_single_steps_is_one_here_too() -> None:
    policy = migrated()
    policy.config["sequences"] = "single_steps"
    x, core = observed(policy, BATCH, TIME), policy.components["_core_"]
    zeros: Any = torch.zeros(BATCH, TIME, core.num_layers, core.hidden_size)  # type: ignore[call-overload]
    data = TensorDict({"x": x, **dict.fromkeys(STATE, zeros)}, batch_size=[BATCH, TIME])
    value = torchrl_critic(policy, sequences=True)(data)["state_value"]
    action = torch.zeros(BATCH, TIME, 2, dtype=torch.int64)
    assert torch.equal(value.flatten(), policy({"x": x, "action": action})["value"].flatten())


@pytest.mark.usefixtures("torchrl")
def test_every_block_of_the_page_on_it_runs_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    root = POLICY.parents[1]
    monkeypatch.chdir(root)
    text = (root / "docs" / "torchrl.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    namespace: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "torchrl.md", "exec"), namespace)
    assert len(blocks) == 3
