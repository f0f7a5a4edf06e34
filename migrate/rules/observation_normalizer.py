"""`ObservationNormalizer` -> `ObservationNormalizerModule`.

The old class looked its divisors up by feature name; the new one is given them by the environment. They are in the
state dict of both.
"""

from migrate.rule import Move, Rule

RULE = Rule(
    old="observation_normalizer.ObservationNormalizer",
    new="ObservationNormalizerModule",
    ignores_params=True,
    legacy=(
        ("E1", "ObservationNormalizerE1"),
        ("E2a", "ObservationNormalizerE2"),
        ("E4a", "ObservationNormalizer"),
        ("E5b", "ObservationNormalizerE5b"),
    ),
    state=lambda _: (Move("obs_norm", "obs_norm"),),
    derived=frozenset({"_grid_features", "_feature_normalizations"}),
)
