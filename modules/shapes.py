"""`BuildContext`: what surrounds a component while it is built, and the checks of sizes that components share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modules.errors import ConfigError

Shape = tuple[int, ...]
"""Sizes without the batch dimension."""


@dataclass(frozen=True)
class BuildContext:
    """What surrounds a component while an agent is built; a config need not repeat it.

    Attributes:
        in_shapes: output shape of each source, in listed order.
        sources: the entries of `sources` in the config, each at least `{"name": ...}`.
        obs_shape: `(H, W, F)` of one observation.
        feature_normalizations: one divisor per feature.
        clip_range: the agent's clip range; 0 disables clipping.
    """

    in_shapes: tuple[Shape, ...] = ()
    sources: tuple[Mapping[str, Any], ...] = ()
    obs_shape: Shape = ()
    feature_normalizations: tuple[float, ...] = ()
    clip_range: float = 0.0


def only_source(context: BuildContext, ndim: int | None = None) -> Shape:
    """Shape of the single source.

    Raises:
        ConfigError: "needs exactly one source ..." or "needs a source with ... dimension(s) ...".
    """
    if len(context.in_shapes) != 1:
        raise ConfigError(f"needs exactly one source, got {len(context.in_shapes)}")
    shape = context.in_shapes[0]
    if ndim is not None and len(shape) != ndim:
        raise ConfigError(f"needs a source with {ndim} dimension(s) besides the batch, got shape {shape}")
    return shape


def positive(**sizes: Any) -> None:
    """Checks constructor sizes.

    Raises:
        ConfigError: "<name> must be a positive integer, got ...".
    """
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ConfigError(f"{name} must be a positive integer, got {size!r}")
