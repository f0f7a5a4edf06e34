"""`BatchNorm2dModule`: each channel normalised by its mean and variance over the batch."""

from __future__ import annotations

from typing import Any

from torch import nn

from modules.base import BatchNormModule, BuildContext, only_source


class BatchNorm2dModule(BatchNormModule):
    """`[B, C, H, W]` -> the same shape; in training the statistics of the batch, else the running ones.

    torch's own layer stands inside, since `nn.SyncBatchNorm.convert_sync_batchnorm` looks for it.

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: weight of a batch in the running statistics; None for the average over all batches.
        affine: whether to learn scale and shift.
        track_running_stats: whether to keep running statistics; without, evaluation too uses those of the batch.

    Raises:
        ConfigError: a size that is not positive.
    """

    norm_class = nn.BatchNorm2d

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """C, off an image."""
        return {"num_features": only_source(context, ndim=3)[0]}
