"""`LayerNorm` -> `LayerNormModule`: the options of `nn.LayerNorm` leave `nn_params`."""

from collections.abc import Mapping
from typing import Any

from migrate.rule import Move, Rule, key


def _state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    if not config["elementwise_affine"]:
        return ()
    return tuple(Move(f"_net.{name}", name) for name in ("weight", "bias") if name == "weight" or config["bias"])


RULE = Rule(
    old="nn_layer_library.LayerNorm",
    new="LayerNormModule",
    keys=(
        key("nn_params.eps", "eps", 1e-5, 1e-5),
        key("nn_params.elementwise_affine", "elementwise_affine", True, True),
        key("nn_params.bias", "bias", True, True),
    ),
    state=_state,
)
