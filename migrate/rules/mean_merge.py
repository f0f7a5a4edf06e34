"""`MeanMergeLayer` -> `MeanMergeModule`; slices and `dim` stay beside the sources, as they were.

The old class wrote `_slice_params` into its sources (trap 16); they follow from `slice` and are dropped.
"""

from migrate.rule import Rule

RULE = Rule(
    old="merge_layer.MeanMergeLayer",
    new="MeanMergeModule",
    ignores_params=True,
    legacy=(
        ("E1", "MeanMergeLayerE1"),
        ("E2a", "MeanMergeLayerE2"),
        ("E4a", "MeanMergeLayerE4a"),
        ("2025-05-27", "MeanMergeLayer"),
    ),
    derived=frozenset({"dims", "processed_lengths"}),
)
