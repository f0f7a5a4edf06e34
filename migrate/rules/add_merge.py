"""`AddMergeLayer` -> `AddMergeModule`; slices and `dim` stay beside the sources, as they were.

The old class wrote `_slice_params` into its sources (trap 16); they follow from `slice` and are dropped.
"""

from migrate.rule import Rule

RULE = Rule(
    old="merge_layer.AddMergeLayer",
    new="AddMergeModule",
    ignores_params=True,
    legacy=(
        ("E1", "AddMergeLayerE1"),
        ("E2a", "AddMergeLayerE2"),
        ("E4a", "AddMergeLayerE4a"),
        ("2025-05-27", "AddMergeLayer"),
    ),
    derived=frozenset({"dims", "processed_lengths"}),
)
