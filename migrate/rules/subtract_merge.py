"""`SubtractMergeLayer` -> `SubtractMergeModule`; slices and `dim` stay beside the sources, as they were.

The old class wrote `_slice_params` into its sources (trap 16); they follow from `slice` and are dropped.
"""

from migrate.rule import Rule

RULE = Rule(
    old="merge_layer.SubtractMergeLayer",
    new="SubtractMergeModule",
    ignores_params=True,
    legacy=(
        ("E1", "SubtractMergeLayerE1"),
        ("E2a", "SubtractMergeLayerE2"),
        ("E4a", "SubtractMergeLayerE4a"),
        ("2025-05-27", "SubtractMergeLayer"),
    ),
    derived=frozenset({"dims", "processed_lengths"}),
)
