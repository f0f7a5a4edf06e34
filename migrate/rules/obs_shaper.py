"""`ObsShaper` -> `ObsShaperModule`; joining batch and time, which it did besides, is the agent's work now."""

from migrate.rule import Rule

RULE = Rule(
    old="obs_shaper.ObsShaper",
    new="ObsShaperModule",
    ignores_params=True,
    legacy=(("E1", "ObsShaperE1"), ("E2a", "ObsShaperE2"), ("E4a", "ObsShaper"), ("E5a", "ObsShaperE5a")),
    derived=frozenset({"obs_shape", "_obs_shape", "_output_size"}),
)
