"""`LSTM` -> `LSTMModule`: the hidden size stood beside the component as `output_size` (trap 20), until E7.

The parameters keep the names of `nn.LSTM`, without the `_net.` in front.
"""

from collections.abc import Mapping
from typing import Any

from migrate.rule import REQUIRED, ByEra, Move, Rule, key


def _state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if config["bias"] else ("weight_ih", "weight_hh")
    names = [f"{kind}_l{layer}" for layer in range(config["num_layers"]) for kind in kinds]
    return tuple(Move(f"_net.{name}", name) for name in names)


REST = (
    key("nn_params.num_layers", "num_layers", REQUIRED, 1),
    key("nn_params.bias", "bias", True, True),
    key("nn_params.dropout", "dropout", 0.0, 0.0),
)

RULE = Rule(
    old="lstm.LSTM",
    new="LSTMModule",
    legacy=(("E1", "LSTME1"), ("E2a", "LSTME2"), ("E4a", "LSTM"), ("E8", "LSTME8"), ("2025-08-15", "LSTM0815")),
    keys=(key("nn_params.hidden_size", "hidden_size"), *REST),
    keys_before=(("E8", (key("output_size", "hidden_size", attribute="hidden_size"), *REST)),),
    fixed={"initialized": ByEra((("E1", None), ("E8", "at_every_visit"), ("E9", "twice")))},
    state=_state,
    derived=frozenset({"obs_shape", "_obs_shape", "num_layers", "hidden_size"}),
    unread=frozenset({"lstm_h", "lstm_c"}),
)
