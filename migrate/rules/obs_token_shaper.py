"""`ObsTokenShaper` -> `ObsTokenShaperModule`, which says how the old one took padding.

The old mask is of feature 0, which was padding until 2025-06-06 and is a feature since (trap 35). The row of padding
did not start at zero (trap 36). Values were not divided before 2025-06-04; the divisors are a tensor since, so what
the environment gave wrongly (trap 34) comes along.
"""

from collections.abc import Mapping
from typing import Any

from migrate.rule import ByEra, Move, Rule, key


def _state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    tables = (Move("_atr_embeds.weight", "attribute_weight"), Move("_coord_embeds.weight", "cell_weight"))
    return (Move("_norm_factors", "divisors"), *tables) if config.get("normalize", True) else tables


RULE = Rule(
    old="obs_enc.ObsTokenShaper",
    new="ObsTokenShaperModule",
    ignores_params=True,
    legacy=(("E5a", "ObsTokenShaper"), ("2025-06-04", "ObsTokenShaper0604"), ("2025-06-06", "ObsTokenShaper0606")),
    keys=(key("atr_embed_dim", "embed_dim", attribute="_atr_embed_dim"),),
    fixed={
        "mask": "attribute_zero",
        "zero_padding": False,
        "padding_row": ByEra((("E1", 0), ("2025-06-06", None))),
        "num_attributes": ByEra((("E1", 257), ("2025-06-04", None))),
        "normalize": ByEra((("E1", False), ("2025-06-04", None))),
    },
    structure=frozenset({"num_attributes", "normalize"}),
    state=_state,
    derived=frozenset({"_obs_shape", "_value_dim", "_feat_dim", "M", "_feature_normalizations", "_max_embeds"}),
    recorded="E5d",
)
