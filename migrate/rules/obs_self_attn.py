"""`ObsSelfAttn` -> `ObsSelfAttnModule`: same options, plain names for tensors."""

from collections.abc import Mapping
from typing import Any

from migrate.rule import Move, Rule, key

LAYERS = (
    ("layer_norms_1", "norms", ("weight", "bias")),
    *((f"{x}_projs", f"to_{x}", ("weight",)) for x in "qkv"),
    ("out_projs", "to_out", ("weight", "bias")),
)


def _state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    moves = [Move("_cls_token", "cls_token")] if config["use_cls_token"] else []
    for old, new, names in LAYERS:
        moves += [Move(f"{old}.{i}.{n}", f"{new}.{i}.{n}") for i in range(config["num_layers"]) for n in names]
    moves += [Move(f"_layer_norm_2.{name}", f"final_norm.{name}") for name in ("weight", "bias")]
    return (*moves, *(Move(f"_final_proj.{name}", f"project.{name}", optional=True) for name in ("weight", "bias")))


RULE = Rule(
    old="obs_enc.ObsSelfAttn",
    new="ObsSelfAttnModule",
    ignores_params=True,
    legacy=(("E6a", "ObsSelfAttn"),),
    keys=(
        key("out_dim", "out_dim", attribute="_out_dim"),
        key("use_mask", "use_mask", False, False, attribute="_use_mask"),
        key("num_layers", "num_layers", 1, 1, attribute="_num_layers"),
        key("num_heads", "num_heads", 1, 1, attribute="_num_heads"),
        key("use_cls_token", "use_cls_token", False, False, attribute="_use_cls_token"),
    ),
    state=_state,
    derived=frozenset({"_feat_dim", "_scale"}),
)
