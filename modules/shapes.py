"""`BuildContext`: what surrounds a component while it is built; the checks of sizes and the slices that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from torch import Tensor

from modules.errors import ConfigError

Shape = tuple[int, ...]
"""Sizes without the batch dimension."""

Slice = tuple[int, int]
"""`(start, end)` along a dimension."""


EXACT, FAST = "exact", "fast"
NUMERICS = (EXACT, FAST)
"""`exact` gives the old stack's bits; `fast` uses cheaper algebra, whose error is at most twice that of the old one."""
AT_EVERY_VISIT = "at_every_visit"
"""Of an option `initialized`: weights are drawn anew for every reader of the component, as old code did."""


@dataclass(frozen=True)
class BuildContext:
    """What surrounds a component while an agent is built; a config need not repeat it.

    Attributes:
        in_shapes: output shape of each source, in listed order.
        sources: the entries of `sources` in the config, each at least `{"name": ...}`.
        obs_shape: `(H, W, F)` of one observation, or `(M, 3)` of one list of tokens.
        obs_width: cells that tokens may lie in; 0 where observations are boxes.
        obs_height: likewise.
        feature_normalizations: one divisor per feature.
        feature_ids: the number that tokens have for each of these features.
        action_nvec: number of action types and largest parameter + 1, where the environment says them.
        clip_range: the agent's clip range; 0 disables clipping.
        numerics: `exact` or `fast`.
    """

    in_shapes: tuple[Shape, ...] = ()
    sources: tuple[Mapping[str, Any], ...] = ()
    obs_shape: Shape = ()
    obs_width: int = 0
    obs_height: int = 0
    feature_normalizations: tuple[float, ...] = ()
    feature_ids: tuple[int, ...] = ()
    action_nvec: tuple[int, ...] = ()
    clip_range: float = 0.0
    numerics: str = EXACT


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
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            raise ConfigError(f"{name} must be a positive integer, got {size!r}")


def one_of(name: str, value: Any, choices: Sequence[str]) -> None:
    """Checks a constructor argument that is one of some words.

    Raises:
        ConfigError: "<name> must be ..., got ...".
    """
    if value not in choices:
        raise ConfigError(f"{name} must be {' or '.join(choices)}, got {value!r}")


def number(**values: Any) -> None:
    """Checks constructor arguments that are any number; true and false count as 1 and 0, as in the old stack.

    Raises:
        ConfigError: "<name> must be a number, got ...".
    """
    for name, value in values.items():
        if not isinstance(value, Real):
            raise ConfigError(f"{name} must be a number, got {value!r}")


def probability(**values: Any) -> None:
    """Checks constructor arguments that are probabilities.

    Raises:
        ConfigError: "<name> must be between 0 and 1, got ...".
    """
    for name, value in values.items():
        if not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ConfigError(f"{name} must be between 0 and 1, got {value!r}")


def checked_slices(in_keys: Sequence[str], slices: Sequence[Sequence[int] | None] | None) -> tuple[Slice | None, ...]:
    """One slice per input, from a constructor argument; None stands for the whole, or for all inputs whole.

    Raises:
        ConfigError: "got ... slices for ... inputs", "slice ... must be [start, end] with 0 <= start < end".
    """
    given = slices or [None] * len(in_keys)
    if len(given) != len(in_keys):
        raise ConfigError(f"got {len(given)} slices for {len(in_keys)} inputs")
    for key, cut in zip(in_keys, given, strict=True):
        if cut is not None and not (_is_pair(cut) and 0 <= cut[0] < cut[1]):
            raise ConfigError(f"slice {cut!r} of input {key!r} must be [start, end] with 0 <= start < end")
    return tuple(None if cut is None else (cut[0], cut[1]) for cut in given)


def narrowed(inputs: Sequence[Tensor], slices: Sequence[Slice | None], dim: int) -> list[Tensor]:
    """The inputs, each whole or a view of its slice along `dim`, which counts the batch as 0."""
    return [x if cut is None else x.narrow(dim, cut[0], cut[1] - cut[0]) for x, cut in zip(inputs, slices, strict=True)]


def merge_options(context: BuildContext, *, dim_of_all: bool) -> dict[str, Any]:
    """`slices` and `dim` of a merge, which the config keeps beside each source.

    Args:
        context: what surrounds the merge.
        dim_of_all: whether `dim` matters for whole sources too, or only for slices.

    Raises:
        ConfigError: no sources, sources with different `dim`, or a slice without one.
    """
    if not context.sources:
        raise ConfigError("needs at least one source")
    cuts = [source.get("slice") for source in context.sources]
    for source, cut in zip(context.sources, cuts, strict=True):
        if cut is not None and (source.get("dim") is None or not _is_pair(cut)):
            raise ConfigError(f"source {source['name']!r}: a slice is [start, end] and needs its dim, got {cut!r}")
    dims = [s.get("dim") for s, cut in zip(context.sources, cuts, strict=True) if dim_of_all or cut is not None]
    concrete = {1 if dim is None else dim for dim in dims} or {1}
    if len(concrete) != 1:
        whose = "sources" if dim_of_all else "slices"
        raise ConfigError(f"all {whose} must have the same dim, got {dims}")
    return {"slices": cuts if any(cuts) else None, "dim": concrete.pop()}


def _is_pair(cut: Any) -> bool:
    return isinstance(cut, Sequence) and len(cut) == 2 and all(isinstance(each, int) for each in cut)


def axis_of(dim: int) -> int:
    """Index in a shape of the dimension `dim`, which counts the batch as 0 or from the end."""
    return dim - 1 if dim > 0 else dim


def narrowed_shapes(verb: str, in_shapes: Sequence[Shape], options: Mapping[str, Any]) -> list[Shape]:
    """Shapes after slicing, from a merge's `slices` and `dim`; `verb` says what is done to them.

    Raises:
        ConfigError: "cannot <verb> ...": no such dimension, or a slice beyond its input.
    """
    dim, axis = options["dim"], axis_of(options["dim"])
    if dim == 0:
        raise ConfigError(f"cannot {verb} along dim 0, the batch; the first dimension of a source is dim 1")
    slices, shapes = options["slices"] or [None] * len(in_shapes), []
    for shape, cut in zip(in_shapes, slices, strict=True):
        if not -len(shape) <= axis < len(shape):
            raise ConfigError(f"cannot {verb} shapes {list(in_shapes)} along dim {dim}")
        if cut is not None and cut[1] > shape[axis]:
            raise ConfigError(f"cannot {verb} {list(in_shapes)} with slices {slices} along dim {dim}")
        sizes = list(shape)
        sizes[axis] = shape[axis] if cut is None else cut[1] - cut[0]
        shapes.append(tuple(sizes))
    return shapes


def concatenated_shape(in_shapes: Sequence[Shape], options: Mapping[str, Any]) -> Shape:
    """The first input's shape after slicing, with the lengths along `dim` added up.

    Raises:
        ConfigError: "cannot concatenate ...": inputs that differ elsewhere, no such dimension, a slice beyond one.
    """
    shapes, axis = narrowed_shapes("concatenate", in_shapes, options), axis_of(options["dim"])
    rest = {(*shape[:axis], *shape[axis:][1:]) for shape in shapes}
    if len(rest) != 1:
        raise ConfigError(f"cannot concatenate shapes {list(in_shapes)} along dim {options['dim']}")
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis:][1:])


def common_shape(verb: str, in_shapes: Sequence[Shape], options: Mapping[str, Any]) -> Shape:
    """The one shape that all inputs of an elementwise merge have after slicing; nothing is broadcast.

    Raises:
        ConfigError: "cannot <verb> ...", see `narrowed_shapes`; "... after slicing: they must be alike".
    """
    shapes = narrowed_shapes(verb, in_shapes, options)
    if len(set(shapes)) != 1:
        raise ConfigError(f"cannot {verb} {shapes}, the shapes after slicing: they must be alike")
    return shapes[0]
