"""`Bilinear` -> `BilinearModule`: `out_features` and `bias` leave `nn_params`.

The old class wrote both input sizes into its `nn_params` (trap 27); they follow from the graph and are dropped.
"""

from collections.abc import Mapping
from typing import Any

from migrate.rule import Move, Rule, key


def _state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    return tuple(Move(f"_net.{name}", name) for name in ("weight", "bias") if name == "weight" or config["bias"])


RULE = Rule(
    old="nn_layer_library.Bilinear",
    new="BilinearModule",
    keys=(
        key("nn_params.out_features", "out_features"),
        key("nn_params.bias", "bias", True, True),
    ),
    state=_state,
    derived=frozenset({"nn_params.in1_features", "nn_params.in2_features"}),
)
