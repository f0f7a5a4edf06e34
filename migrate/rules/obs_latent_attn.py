"""`ObsLatentAttn` -> `ObsLatentAttnModule`: same options, plain names for tensors.

In E8 and E9 the old class read a batch size that nobody wrote (trap 59): it failed in every pass, so there is nothing
to migrate.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from migrate.rule import Move, Rule, key

KEYS = (
    key("out_dim", "out_dim", attribute="_out_dim"),
    key("use_mask", "use_mask", False, False, attribute="_use_mask"),
    key("num_query_tokens", "num_query_tokens", 1, 1, attribute="_num_query_tokens"),
    key("num_heads", "num_heads", 1, 1, attribute="_num_heads"),
    key("num_layers", "num_layers", 1, 1, attribute="_num_layers"),
    key("query_token_dim", "query_token_dim", None, None, attribute="_query_token_dim"),
    key("qk_dim", "qk_dim", None, None, attribute="_qk_dim"),
    key("v_dim", "v_dim", None, None, attribute="_v_dim"),
    key("mlp_ratio", "mlp_ratio", 4.0, 4.0, attribute="_mlp_ratio"),
    key("use_cls_token", "use_cls_token", False, False, attribute="_use_cls_token"),
)


def _never_ran(*_: Any) -> tuple[Any, ...]:
    raise ValueError(
        "ObsLatentAttn of E8 and E9 read a batch size that nobody wrote and failed in every pass (trap 59)"
    )


NEVER_RAN = (replace(KEYS[0], forward=_never_ran, backward=_never_ran), *KEYS[1:])


def _linear(old: str, new: str, *, bias: bool = True, optional: bool = False) -> tuple[Move, ...]:
    names = ("weight", "bias") if bias else ("weight",)
    return tuple(Move(f"{old}.{name}", f"{new}.{name}", optional) for name in names)


def _state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    moves = [Move("_q_token", "query"), *_linear("norm_kv", "norm_kv")]
    moves += [*_linear("k_proj", "to_k", bias=False), *_linear("v_proj", "to_v", bias=False)]
    for i in range(config["num_layers"]):
        old, new = f"layers.{i}.", f"blocks.{i}."
        moves += _linear(f"{old}q_proj", f"{new}to_q", bias=False)
        moves += _linear(f"{old}attn_out_proj", f"{new}to_out")
        moves += [*_linear(f"{old}norm1", f"{new}norm1"), *_linear(f"{old}norm2", f"{new}norm2")]
        moves += [*_linear(f"{old}mlp.0", f"{new}mlp_in"), *_linear(f"{old}mlp.2", f"{new}mlp_out")]
    return (*moves, *_linear("final_norm", "final_norm"), *_linear("output_proj", "project", optional=True))


RULE = Rule(
    old="obs_enc.ObsLatentAttn",
    new="ObsLatentAttnModule",
    ignores_params=True,
    legacy=(("E6a", "ObsLatentAttn"), ("E10", "ObsLatentAttnE10")),
    keys=KEYS,
    keys_before=(("E8", KEYS), ("E10", NEVER_RAN)),
    state=_state,
    derived=frozenset({"_feat_dim", "_scale"}),
)
