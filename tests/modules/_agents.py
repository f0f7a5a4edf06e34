"""A small agent with every kind of component, for tests."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from modules import Environment, MettaAgent

OBS_SHAPE = (5, 5, 3)
ACTIONS = (["noop", "move", "attack"], [0, 1, 2])
ENVIRONMENT = Environment(obs_shape=OBS_SHAPE, feature_normalizations=(1.0, 10.0, 255.0), feature_names=("a", "b", "c"))
LAYERS = "modules.layers"
CONFIG: dict[str, Any] = {
    "clip_range": 0.5,
    "components": {
        "_value_": {"_target_": f"{LAYERS}.linear.LinearModule", "out_features": 1, "sources": ["_core_"]},
        "_action_": {
            "_target_": f"{LAYERS}.actor_single_head.ActorSingleHeadModule",
            "sources": [{"name": "_core_"}, {"name": "_action_embeds_"}],
        },
        "_action_embeds_": {
            "_target_": f"{LAYERS}.action_embedding.ActionEmbeddingModule",
            "num_embeddings": 12,
            "embedding_dim": 4,
        },
        "_core_": {"_target_": f"{LAYERS}.lstm.LSTMModule", "hidden_size": 6, "num_layers": 2, "sources": ["encoded"]},
        "encoded": {
            "_target_": f"{LAYERS}.linear.LinearModule",
            "out_features": 8,
            "nonlinearity": "ReLU",
            "l2_norm_scale": 2.0,
            "l2_init_scale": 3.0,
            "analyze_weights": True,
            "sources": ["joined"],
        },
        "joined": {
            "_target_": f"{LAYERS}.concat_merge.ConcatMergeModule",
            "sources": [{"name": "flat", "slice": [0, 9], "dim": 1}, {"name": "center"}],
        },
        "flat": {"_target_": f"{LAYERS}.flatten.FlattenModule", "sources": ["cnn"]},
        "cnn": {
            "_target_": f"{LAYERS}.conv2d.Conv2dModule",
            "out_channels": 2,
            "kernel_size": 3,
            "clip_scale": 0,
            "analyze_weights": True,
            "sources": ["normalized"],
        },
        "center": {"_target_": f"{LAYERS}.center_pixel.CenterPixelModule", "sources": ["normalized"]},
        "normalized": {
            "_target_": f"{LAYERS}.observation_normalizer.ObservationNormalizerModule",
            "sources": ["shaped"],
        },
        "shaped": {"_target_": f"{LAYERS}.obs_shaper.ObsShaperModule"},
    },
}


def config(**changes: dict[str, Any]) -> dict[str, Any]:
    """The config, with keys of some components replaced."""
    result = copy.deepcopy(CONFIG)
    for name, keys in changes.items():
        result["components"].setdefault(name, {}).update(keys)
    return result


def agent(seed: int = 0, *, active: bool = True) -> MettaAgent:
    """An agent with weights from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        result = MettaAgent(CONFIG, ENVIRONMENT)
    if active:
        result.activate_actions(*ACTIONS)
    return result


def observations(*batch: int, seed: int = 0) -> Tensor:
    """`[*batch, H, W, F]` uint8."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (*batch, *OBS_SHAPE), dtype=torch.uint8, generator=generator)
