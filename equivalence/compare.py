"""What equal means under the `bitwise` policy: the same bytes, shape, type and strides; only failures are explained."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Bytes of a float -> the integers that its bits are."""


@dataclass(frozen=True)
class Difference:
    """Two values that should be equal and are not.

    Attributes:
        place: `component`, `output`, `gradient`, `state`, `weight`, `attribute`, `file`, `generator` or `error`.
        name: which one.
        detail: how they differ, in words.
        differing: how many elements differ.
        total: of how many.
        ulp: the largest distance between two of them; None where it cannot be counted.
        step: of a rollout or a training.
        component: whose it is, where it is one component's.
    """

    place: str
    name: str
    detail: str
    differing: int = 0
    total: int = 0
    ulp: int | None = None
    step: int | None = None
    component: str | None = None

    def __str__(self) -> str:
        when = "" if self.step is None else f" (step {self.step})"
        return f"{self.place} {self.name}{when}: {self.detail}"


def same_bytes(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of one shape and type hold the same bits: -0.0 is not 0.0, and NaN equals its own payload."""
    if a.is_floating_point():
        bits = BITS[a.dtype.itemsize]
        return torch.equal(a.view(bits), b.view(bits))
    return torch.equal(a, b)


def difference(
    place: str, name: str, old: Tensor | None, new: Tensor | None, *, strides: bool = True
) -> Difference | None:
    """How `new` differs from `old`; None if it does not.

    Args:
        place: see `Difference`.
        name: see `Difference`.
        old: the old side's tensor, None where it has none.
        new: the new side's.
        strides: whether the layout in memory counts, which decides how later operations round.
    """
    if old is None or new is None:
        detail = f"only the {'new' if old is None else 'old'} side has it"
        return None if old is new else Difference(place, name, detail)
    if old.dtype != new.dtype or old.shape != new.shape:
        return Difference(place, name, _unlike(old, new), old.numel(), old.numel())
    if not same_bytes(old, new):
        return _explained(place, name, old.detach(), new.detach())
    if strides and old.stride() != new.stride() and _layout(old) != _layout(new):
        return Difference(place, name, f"strides {old.stride()} became {new.stride()}", total=old.numel())
    if old.requires_grad != new.requires_grad:
        detail = f"requires_grad {old.requires_grad} became {new.requires_grad}"
        return Difference(place, name, detail, total=old.numel())
    return None


def _unlike(old: Tensor, new: Tensor) -> str:
    """Why two tensors cannot be compared number by number."""
    if old.dtype != new.dtype:
        return f"dtype {old.dtype} became {new.dtype}"
    return f"shape {tuple(old.shape)} became {tuple(new.shape)}"


def _layout(tensor: Tensor) -> tuple[int, ...]:
    """Strides, of all dimensions where floats are rounded by them, else of those that have more than one element."""
    steps = tensor.stride()
    if tensor.is_floating_point():
        return steps
    return tuple(step for size, step in zip(tensor.shape, steps, strict=True) if size > 1)


def _explained(place: str, name: str, old: Tensor, new: Tensor) -> Difference:
    total = old.numel()
    if not old.is_floating_point():
        unequal = old != new
        count = int(unequal.sum())
        detail = f"{count} of {total} values differ, first {_first(old, new, unequal)}"
        return Difference(place, name, detail, count, total)
    bits = BITS[old.dtype.itemsize]
    unequal, largest = old.contiguous().view(bits) != new.contiguous().view(bits), int(ulps(old, new).max())
    count = int(unequal.sum())
    apart = float((old.double() - new.double()).abs().nan_to_num(0).max())
    words = f"by up to {largest} ulp ({apart:.3g}), first {_first(old, new, unequal)}"
    return Difference(place, name, f"{count} of {total} values differ, {words}", count, total, largest)


def ulps(old: Tensor, new: Tensor) -> Tensor:
    """How many floats lie between two floats of one type, element by element; int64."""
    bits = BITS[old.dtype.itemsize]
    a, b = (_ordered(side.contiguous().view(bits)) for side in (old, new))
    distance = a - b
    # Floats of opposite sign and 64 bits may be further apart than int64 counts, and then this has the wrong sign.
    overflow = ((a ^ b) & (a ^ distance)) < 0
    return distance.abs().masked_fill(overflow, torch.iinfo(torch.int64).max)


def _ordered(bits: Tensor) -> Tensor:
    """Integers in the order of the floats whose bits they are, so that their distance counts ulps."""
    wide = bits.long()
    lowest = torch.iinfo(bits.dtype).min
    return torch.where(wide < 0, lowest - wide - 1, wide)


def _first(old: Tensor, new: Tensor, differing: Tensor) -> str:
    index = tuple(differing.nonzero()[0].tolist())
    return f"at {list(index)}: {old[index].item()!r} became {new[index].item()!r}"
