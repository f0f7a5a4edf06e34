"""`ObsTokenToBoxShaper` -> `ObsTokenToBoxShaperModule`: what becomes of tokens that have no place is spelled out.

Features beyond those of training were an error until 2025-07-29 and dropped from then on. The flat index of 2025-08-08
let padding erase a cell and columns overflow (trap 37); trained weights depend on it, so `flat_scatter` keeps it.
"""

from migrate.rule import ByEra, Rule

RULE = Rule(
    old="obs_token_to_box_shaper.ObsTokenToBoxShaper",
    new="ObsTokenToBoxShaperModule",
    ignores_params=True,
    legacy=(
        ("E5d", "ObsTokenToBoxShaper"),
        ("E5e", "ObsTokenToBoxShaperE5e"),
        ("2025-07-29", "ObsTokenToBoxShaper0729"),
        ("E8", "ObsTokenToBoxShaperE8"),
        ("2025-08-08", "ObsTokenToBoxShaper0808"),
    ),
    fixed={
        "unknown_features": ByEra((("E1", "error"), ("2025-07-29", "drop"))),
        "flat_scatter": ByEra((("E1", None), ("2025-08-08", True))),
    },
    derived=frozenset({"_obs_shape", "out_width", "out_height", "num_layers"}),
)
