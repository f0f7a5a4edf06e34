"""What the rules of both batch norms share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.rule import Move, key

BATCH_NORM_KEYS = (
    key("nn_params.eps", "eps", 1e-5, 1e-5),
    key("nn_params.momentum", "momentum", 0.1, 0.1),
    key("nn_params.affine", "affine", True, True),
    key("nn_params.track_running_stats", "track_running_stats", True, True),
)


def batch_norm_state(config: Mapping[str, Any]) -> tuple[Move, ...]:
    """Scale and shift, running statistics and their count, each pair only where the options ask for it."""
    names = [
        *(("weight", "bias") if config["affine"] else ()),
        *(("running_mean", "running_var", "num_batches_tracked") if config["track_running_stats"] else ()),
    ]
    return tuple(Move(f"_net.{name}", f"norm.{name}") for name in names)
