"""`ResNetMLP` -> `ResNetMLPModule`: blocks of four layers, in which linear, norm and swish stood side by side.

A layer has its parameters together now, and layers are counted through.
"""

from collections.abc import Mapping
from typing import Any

from migrate.eras import END
from migrate.rule import Move, Rule, key

PARTS = (
    ("0.weight", "weight"),
    ("0.bias", "bias"),
    ("1.weight", "norm_weight"),
    ("1.bias", "norm_bias"),
    ("2.beta", "beta"),
)
"""Parameter behind a layer's first place in its block -> parameter of the layer."""


def _state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    return tuple(_move(layer, old, new) for layer in range(config["depth"]) for old, new in PARTS)


def _move(layer: int, old: str, new: str) -> Move:
    place, _, name = old.partition(".")
    return Move(f"residual_layers.{layer // 4}.block.{layer % 4 * 3 + int(place)}.{name}", f"layers.{layer}.{new}")


RULE = Rule(
    old="nn_layer_library.ResNetMLP",
    new="ResNetMLPModule",
    ignores_params=True,
    keys=(key("depth", "depth"),),
    state=_state,
    parts={"nn_layer_library.ResidualBlock": "ResidualBlock", "nn_layer_library.Swish": "Swish"},
    recorded=END,
)
