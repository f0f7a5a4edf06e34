"""`ConcatMergeLayer` -> `ConcatMergeModule`; slices and `dim` stay beside the sources, as they were.

The old class wrote `_slice_params` into its sources (trap 16); they follow from `slice` and are dropped.
"""

from migrate.rule import Rule

RULE = Rule(
    old="merge_layer.ConcatMergeLayer",
    new="ConcatMergeModule",
    ignores_params=True,
    legacy=(("E1", "ConcatMergeLayerE1"), ("E2a", "ConcatMergeLayerE2"), ("E4a", "ConcatMergeLayer")),
    derived=frozenset({"dims", "processed_lengths", "_merge_dim"}),
)
