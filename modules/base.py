"""The one place that layers import from: base classes, and helpers that are theirs to share.

`modules/module.py` has the contract of every module; the other files here have what some layers have in common.
"""

from modules.actor_module import ActorModule, BilinearActorModule
from modules.batch_norm import BatchNormModule
from modules.merging import ElementwiseMergeModule, MergeModule
from modules.module import MettaModule, OneSourceModule, one_per_key
from modules.pooling import AdaptivePoolModule, AvgPoolModule, MaxPoolModule, PoolModule
from modules.shapes import (
    BuildContext,
    Shape,
    axis_of,
    checked_slices,
    common_shape,
    merge_options,
    narrowed,
    narrowed_shapes,
    only_source,
    positive,
    probability,
)
from modules.tokens import NUM_IDS, PADDING, TokenModule, TokenSourceModule, num_observed_tokens, token_table
from modules.weight_module import HeadModule, WeightModule, WeightOptions

__all__ = [
    "NUM_IDS",
    "PADDING",
    "ActorModule",
    "AdaptivePoolModule",
    "AvgPoolModule",
    "BatchNormModule",
    "BilinearActorModule",
    "BuildContext",
    "ElementwiseMergeModule",
    "HeadModule",
    "MaxPoolModule",
    "MergeModule",
    "MettaModule",
    "OneSourceModule",
    "PoolModule",
    "Shape",
    "TokenModule",
    "TokenSourceModule",
    "WeightModule",
    "WeightOptions",
    "axis_of",
    "checked_slices",
    "common_shape",
    "merge_options",
    "narrowed",
    "narrowed_shapes",
    "num_observed_tokens",
    "one_per_key",
    "only_source",
    "positive",
    "probability",
    "token_table",
]
