"""`LSTM` -> `LSTMModule`: the hidden size stood beside the component as `output_size` (trap 20), until E7.

The parameters keep the names of `nn.LSTM`, without the `_net.` in front.
"""

from collections.abc import Mapping
from typing import Any

from migrate.rule import Move, Rule, key


def _state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if config["bias"] else ("weight_ih", "weight_hh")
    names = [f"{kind}_l{layer}" for layer in range(config["num_layers"]) for kind in kinds]
    return tuple(Move(f"_net.{name}", name) for name in names)


RULE = Rule(
    old="lstm.LSTM",
    new="LSTMModule",
    keys=(
        key("output_size", "hidden_size", attribute="hidden_size"),
        key("nn_params.num_layers", "num_layers"),
        key("nn_params.bias", "bias", True, True),
        key("nn_params.dropout", "dropout", 0.0, 0.0),
    ),
    state=_state,
    derived=frozenset({"_obs_shape", "num_layers"}),
)
