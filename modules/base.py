"""The one place that layers import from: base classes, and helpers that are theirs to share.

`modules/module.py` has the contract of every module; the other files here have what some layers have in common.
"""

from modules.actor_module import ActionScoresModule, BilinearActorModule
from modules.attention import TokenAttentionModule
from modules.batch_norm import BatchNormModule
from modules.dropping import DroppingModule
from modules.interop import inside_vmap
from modules.merging import ElementwiseMergeModule, SlicedMergeModule
from modules.module import MettaModule, OneSourceModule, one_per_key
from modules.pooling import AdaptivePoolModule, AvgPoolModule, MaxPoolModule, PoolModule
from modules.shapes import (
    AT_EVERY_VISIT,
    EXACT,
    FAST,
    NUMERICS,
    BuildContext,
    Shape,
    axis_of,
    checked_slices,
    common_shape,
    concatenated_shape,
    merge_options,
    narrowed,
    narrowed_shapes,
    one_of,
    only_source,
    positive,
    probability,
)
from modules.tokens import NUM_IDS, PADDING, TokenModule, TokenSourceModule, num_observed_tokens, token_table
from modules.weight_module import HeadModule, WeightModule, WeightOptions

__all__ = [
    "AT_EVERY_VISIT",
    "EXACT",
    "FAST",
    "NUMERICS",
    "NUM_IDS",
    "PADDING",
    "ActionScoresModule",
    "AdaptivePoolModule",
    "AvgPoolModule",
    "BatchNormModule",
    "BilinearActorModule",
    "BuildContext",
    "DroppingModule",
    "ElementwiseMergeModule",
    "HeadModule",
    "MaxPoolModule",
    "MettaModule",
    "OneSourceModule",
    "PoolModule",
    "Shape",
    "SlicedMergeModule",
    "TokenAttentionModule",
    "TokenModule",
    "TokenSourceModule",
    "WeightModule",
    "WeightOptions",
    "axis_of",
    "checked_slices",
    "common_shape",
    "concatenated_shape",
    "inside_vmap",
    "merge_options",
    "narrowed",
    "narrowed_shapes",
    "num_observed_tokens",
    "one_of",
    "one_per_key",
    "only_source",
    "positive",
    "probability",
    "token_table",
]
