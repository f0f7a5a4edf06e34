"""`ObsTokenPadStrip` -> `ObsTokenPadStripModule`: the table of feature numbers, and the flag whether it is used.

The table is a buffer and the flag an attribute (trap 32), both since 2025-07-01. Full rows were cut where others had
padding (trap 40), which `keep` says.
"""

from collections.abc import Mapping
from typing import Any

from migrate.rule import Attribute, ByEra, Move, Rule


def _state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    return (Move("feature_id_remap", "feature_remap"),) if config.get("remaps", True) else ()


RULE = Rule(
    old="obs_tokenizers.ObsTokenPadStrip",
    new="ObsTokenPadStripModule",
    ignores_params=True,
    legacy=(
        ("E6a", "ObsTokenPadStrip"),
        ("2025-07-01", "ObsTokenPadStrip0701"),
        ("E8", "ObsTokenPadStripE8"),
    ),
    fixed={"keep": "longest_padded_row", "remaps": ByEra((("E1", False), ("2025-07-01", None)))},
    state=_state,
    attributes=(Attribute("_remapping_active", "remapping"),),
    derived=frozenset({"_obs_shape", "_M"}),
)
