"""`ObsCrossAttn` -> `ObsCrossAttnModule`, whose options tell the four old versions apart.

Until 2025-06-03 the first norm had weights and no effect. Until 2025-06-04 the query was of the agent's hidden size and
was projected to the size of the source; the agent told the hidden size, so no config says it. Until 2025-06-04b one
layer gave the output. In all of them a row whose tokens are all masked is NaN.
"""

from collections.abc import Mapping
from typing import Any

from migrate.rule import ByEra, Move, Rule, key

REST = (
    key("out_dim", "out_dim", attribute="_out_dim"),
    key("use_mask", "use_mask", False, False, attribute="_use_mask"),
)


def _both(old: str, new: str, *, optional: bool = False) -> tuple[Move, ...]:
    return tuple(Move(f"{old}.{kind}", f"{new}_{kind}", optional) for kind in ("weight", "bias"))


def _state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    output: tuple[Move, ...] = ()
    if config.get("output") == "linear":
        output = _both("_out_proj", "output", optional=True)
    elif config["mlp_hidden_dim"] is not None:
        output = (*_both("_out_proj.0", "hidden"), *_both("_out_proj.2", "output"))
    return (
        Move("_q_token", "queries"),
        *_both("_layer_norm_1", "input_norm"),
        *(_both("_feat_proj", "query_projection", optional=True) if config.get("projects_queries") else ()),
        Move("q_proj.weight", "query_weight"),
        Move("k_proj.weight", "key_weight"),
        Move("v_proj.weight", "value_weight"),
        *_both("_layer_norm_2", "output_norm"),
        *output,
    )


RULE = Rule(
    old="obs_enc.ObsCrossAttn",
    new="ObsCrossAttnModule",
    ignores_params=True,
    legacy=(
        ("E5a", "ObsCrossAttn"),
        ("2025-06-03", "ObsCrossAttn0603"),
        ("2025-06-04", "ObsCrossAttn0604"),
        ("2025-06-04b", "ObsCrossAttn0604b"),
    ),
    keys=(
        *REST,
        key("num_query_tokens", "num_queries", 1, 1, attribute="_num_query_tokens"),
        key("query_token_dim", "query_dim", None, None, attribute="_query_token_dim"),
        key("qk_dim", "qk_dim", None, None, attribute="_qk_dim"),
        key("v_dim", "v_dim", None, None, attribute="_v_dim"),
        key("mlp_out_hidden_dim", "mlp_hidden_dim", None, None, attribute="_mlp_out_hidden_dim"),
    ),
    keys_before=(
        ("2025-06-04", (*REST, key("hidden_size", "query_dim", attribute="_hidden_size"))),
        ("2025-06-04b", REST),
    ),
    fixed={
        "output": ByEra((("E1", "linear"), ("2025-06-04b", None))),
        "projects_queries": ByEra((("E1", True), ("2025-06-04", None))),
        "input_norm": ByEra((("E1", "unused"), ("2025-06-03", None))),
        "masked_score": "infinite",
    },
    structure=frozenset({"output", "projects_queries"}),
    state=_state,
    derived=frozenset({"_M", "_feat_dim"}),
    unread=frozenset({"_hidden_size", "_core_num_layers"}),
    recorded="2025-06-04b",
)
