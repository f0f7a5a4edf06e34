"""Small policies of the old stack, written under the real class paths, and what the tests do with agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import legacy
from equivalence.tracing import trace
from migrate.eras import Era
from migrate.pickle_writer import save_record
from migrate.to_legacy import legacy_agent
from modules import Environment

ROOT = "metta.agent.lib."
ERA = Era("E4d")
ENVIRONMENT = Environment(
    obs_shape=(5, 4, 3),
    feature_normalizations=(1.0, 30.0, 255.0),
    feature_names=("agent", "hp", "agent:color"),
    action_nvec=(2, 3),
)
ACTIONS: tuple[list[str], list[int]] = (["noop", "move"], [0, 2])
OTHER_ACTIONS: tuple[list[str], list[int]] = (["move", "jump", "noop"], [2, 1, 0])


def component(target: str, *sources: str, **options: Any) -> dict[str, Any]:
    return {"_target_": ROOT + target, "sources": [{"name": name} for name in sources] or None, **options}


# Listed in another order than they run in, so that parameter order and execution order differ (traps 3 and 4).
CONFIG: dict[str, Any] = {
    "_target_": "metta.agent.metta_agent.MettaAgent",
    "observations": {"obs_key": "grid_obs"},
    "clip_range": 1,
    "components": {
        "_action_embeds_": component("action.ActionEmbedding", nn_params={"num_embeddings": 12, "embedding_dim": 3}),
        "_obs_": component("obs_shaper.ObsShaper"),
        "norm": component("observation_normalizer.ObservationNormalizer", "_obs_"),
        "cnn-1": component(
            "nn_layer_library.Conv2d", "norm", nn_params={"out_channels": 3, "kernel_size": 2, "stride": 1}
        ),
        "flat": component("nn_layer_library.Flatten", "cnn-1"),
        "actor_1": component("nn_layer_library.Linear", "core_relu", nn_params={"out_features": 5}, clip_scale=0.5),
        "fc": component("nn_layer_library.Linear", "flat", nn_params={"out_features": 6}, initialization="xavier"),
        "_core_": component("lstm.LSTM", "fc", output_size=4, nn_params={"num_layers": 2}),
        "core_relu": component("nn_layer_library.ReLU", "_core_"),
        "critic_1": component(
            "nn_layer_library.Linear",
            "core_relu",
            nn_params={"out_features": 4},
            nonlinearity="nn.Tanh",
            effective_rank=True,
            l2_init_scale=1.5,
        ),
        "_value_": component("nn_layer_library.Linear", "critic_1", nn_params={"out_features": 1}, nonlinearity=None),
        "_action_": component("actor.MettaActorSingleHead", "actor_1", "_action_embeds_"),
    },
}


def changed(config: Mapping[str, Any], **components: Mapping[str, Any] | None) -> dict[str, Any]:
    """A config with other options in some components; None removes one."""
    result = deepcopy(dict(config))
    for name, options in components.items():
        if options is None:
            del result["components"][name]
        else:
            result["components"].setdefault(name, {}).update(options)
    return result


def without_relu(config: Mapping[str, Any]) -> dict[str, Any]:
    """The change of 2025-06-27, which no state-dict key tells (trap 7)."""
    source = [{"name": "_core_"}]
    return changed(config, core_relu=None, actor_1={"sources": source}, critic_1={"sources": source})


def old_agent(config: Mapping[str, Any] = CONFIG, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    agent = legacy_agent(config, ENVIRONMENT, "test", ERA)
    agent.activate_actions(*deepcopy(ACTIONS), "cpu")
    return agent


def write_old(path: Path, agent: Any) -> Path:
    """The agent as the old trainer saved it."""
    record = legacy.PolicyRecord(None, "run/model_0007.pt", "file://run/model_0007.pt", {"epoch": 7, "score": 0.5})
    record._policy = agent
    path.write_bytes(save_record(record, ERA, CONFIG))
    return path


def write_trainer_state(path: Path, optimizer: torch.optim.Optimizer) -> Path:
    state = {"optimizer_state_dict": optimizer.state_dict(), "agent_step": 64, "epoch": 7, "policy_path": "x.pt"}
    torch.save(state, path)
    return path


def adam(agent: Any) -> torch.optim.Optimizer:
    return torch.optim.Adam(agent.parameters(), lr=1e-3, eps=1e-5, betas=(0.9, 0.98))


def train(agent: Any, optimizer: torch.optim.Optimizer, steps: Sequence[int]) -> list[Tensor]:
    """Adam steps on data that the step's number decides; gives the losses."""
    losses = []
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        x = torch.randint(0, 256, (3, 2, *ENVIRONMENT.obs_shape), generator=generator, dtype=torch.uint8)
        action = torch.tensor([[[0, 0], [1, 2]]] * 3)
        out = trace(agent, x, action=action).outputs
        loss = (out["value"] ** 2).mean() - out["log_prob"].mean() + 0.1 * out["entropy"].mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        agent.clip_weights()
        losses.append(loss.detach())
    return losses


def rollout(agent: Any, steps: Sequence[int] = (0, 1, 2), state: Any = None) -> tuple[list[Tensor], Any]:
    """Steps of an episode with a carried state: every output, in an order that is the same for both stacks."""
    outputs: list[Tensor] = []
    for step in steps:
        generator = torch.Generator().manual_seed(1000 + step)
        x = torch.randint(0, 256, (4, *ENVIRONMENT.obs_shape), generator=generator, dtype=torch.uint8)
        with torch.no_grad():
            torch.manual_seed(step)
            found = trace(agent, x, state=state)
        state = found.outputs["lstm_h"], found.outputs["lstm_c"]
        for tensors in (found.components, found.outputs):
            outputs += [tensors[name] for name in sorted(tensors)]
    return outputs, state


def equal(left: Sequence[Tensor], right: Sequence[Tensor]) -> bool:
    """Bit for bit."""
    return len(left) == len(right) > 0 and all(
        a.shape == b.shape and a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(left, right, strict=True)
    )


def same_policy(left: Any, right: Any) -> bool:
    """Whether two agents, of either stack, act alike over an episode."""
    return equal(rollout(left)[0], rollout(right)[0])
