"""Small pieces of the old stack to test on: a source, a component as Hydra would make it, an agent."""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor

from legacy import MettaAgent, make_policy
from legacy.base import Blackboard, LayerBase
from legacy.spaces import Box, MultiDiscrete

OBS_SHAPE = (3, 4, 2)
LAYERS = "legacy.layers."


class Source(LayerBase):
    """Gives a fixed tensor, and counts how often it is computed."""

    def __init__(self, name: str, value: Tensor, shape: list[int] | None = None) -> None:
        super().__init__(name)
        self._out_tensor_shape = list(value.shape[1:]) if shape is None else shape
        self.value, self.runs = value, 0
        self.setup()

    def _forward(self, td: Blackboard) -> Blackboard:
        self.runs += 1
        td[str(self._name)] = self.value
        return td


def build(cls: type[LayerBase], *sources: Source, name: str = "tested", **config: Any) -> Any:
    """A component with its config in OmegaConf's containers, set up on its sources; without any, as the first node."""
    entries = config.pop("sources", [{"name": source._name} for source in sources] or None)
    node = OmegaConf.create({"sources": entries, **config})
    component = cls(name=name, **{str(key): node[key] for key in node})
    component.setup({str(source._name): source for source in sources} if sources else None)
    return component


def run(component: Any, **td: Any) -> Tensor:
    """The component's output on a blackboard."""
    output: Tensor = component(td)[component._name]
    return output


def agent_config(**components: Any) -> dict[str, Any]:
    """A policy with one hidden layer; a component given as None is left out, others are replaced or added."""
    linear = LAYERS + "linear.Linear"
    base = {
        "_obs_": {"_target_": LAYERS + "obs_shaper.ObsShaper", "sources": None},
        "flat": {"_target_": LAYERS + "flatten.Flatten", "sources": [{"name": "_obs_"}]},
        "_core_": {
            "_target_": LAYERS + "lstm.LSTM",
            "sources": [{"name": "flat"}],
            "output_size": 5,
            "nn_params": {"num_layers": 2},
        },
        "critic": {"_target_": linear, "sources": [{"name": "_core_"}], "nn_params": {"out_features": 6}},
        "_value_": {
            "_target_": linear,
            "sources": [{"name": "critic"}],
            "nn_params": {"out_features": 1},
            "nonlinearity": None,
        },
        "_action_embeds_": {
            "_target_": LAYERS + "action_embedding.ActionEmbedding",
            "sources": None,
            "nn_params": {"num_embeddings": 9, "embedding_dim": 3},
        },
        "_action_": {
            "_target_": LAYERS + "actor_single_head.MettaActorSingleHead",
            "sources": [{"name": "_core_"}, {"name": "_action_embeds_"}],
        },
    }
    return {name: c for name, c in {**base, **components}.items() if c is not None}


class Environment:
    single_observation_space = Box(OBS_SHAPE)
    single_action_space = MultiDiscrete([2, 3])
    grid_features = ("agent", "hp")


def make_agent(components: dict[str, Any] | None = None, *, clip_range: float = 0, **top: Any) -> MettaAgent:
    """An agent from one seed, with the actions `stay` and `turn` (three parameters)."""
    agent = {
        "_target_": "somewhere.MettaAgent",
        "observations": {"obs_key": "grid_obs"},
        "clip_range": clip_range,
        "components": components or agent_config(),
        **top,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made: MettaAgent = make_policy(Environment, OmegaConf.create({"agent": agent, "device": "cpu"}))
    made.activate_actions(["stay", "turn"], [0, 2], "cpu")
    return made


def observations(*leading: int) -> Tensor:
    return torch.randint(0, 9, (*leading, *OBS_SHAPE), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
