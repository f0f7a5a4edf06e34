"""What equal means: the same bytes, shape, type and strides; only failures are explained."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from migrate.plan import as_bytes

SIGNED = {2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass(frozen=True)
class Difference:
    """Two values that should be equal and are not.

    Attributes:
        place: `component`, `output`, `gradient`, `state`, `weight`, `generator` or `error`.
        name: which one.
        detail: how they differ.
    """

    place: str
    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.place} {self.name}: {self.detail}"


def same_bytes(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of one shape and type hold the same bits: -0.0 is not 0.0, and NaN equals its own payload."""
    return as_bytes(a) == as_bytes(b)


def explain(old: Tensor | None, new: Tensor | None, *, strides: bool = True) -> str | None:
    """How `new` differs from `old`; None if it does not.

    Args:
        old: the old side's tensor, None where it has none.
        new: the new side's.
        strides: whether the layout in memory counts, which decides how later operations round.
    """
    if old is None or new is None:
        return None if old is new else f"only the {'new' if old is None else 'old'} side has it"
    if old.dtype != new.dtype:
        return f"dtype {old.dtype} became {new.dtype}"
    if old.shape != new.shape:
        return f"shape {tuple(old.shape)} became {tuple(new.shape)}"
    if not same_bytes(old, new):
        return _explain_values(old.detach(), new.detach())
    if strides and _layout(old) != _layout(new):
        return f"strides {old.stride()} became {new.stride()}"
    return None


def _layout(tensor: Tensor) -> tuple[int, ...]:
    """Strides of the dimensions where they matter."""
    return tuple(step for size, step in zip(tensor.shape, tensor.stride(), strict=True) if size > 1)


def _explain_values(old: Tensor, new: Tensor) -> str:
    if not old.is_floating_point():
        differing = old != new
        return f"{int(differing.sum())} of {old.numel()} values differ, first {_first(old, new, differing)}"
    width = SIGNED[old.dtype.itemsize]
    steps = (_ordered(old.contiguous().view(width)) - _ordered(new.contiguous().view(width))).abs()
    differing = steps > 0
    return (
        f"{int(differing.sum())} of {old.numel()} values differ, by up to {int(steps.max())} ulp "
        f"({float((old.double() - new.double()).abs().nan_to_num(0).max()):.3g}), first {_first(old, new, differing)}"
    )


def _ordered(bits: Tensor) -> Tensor:
    """Integers in the order of the floats whose bits they are, so that their distance counts ulps."""
    wide = bits.long()
    lowest = torch.iinfo(bits.dtype).min
    return torch.where(wide < 0, lowest - wide - 1, wide)


def _first(old: Tensor, new: Tensor, differing: Tensor) -> str:
    index = tuple(differing.nonzero()[0].tolist())
    return f"at {list(index)}: {old[index].item()!r} became {new[index].item()!r}"
