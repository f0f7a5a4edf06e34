"""The one input of a level that is as large as a training's: kernels are chosen by size, and so are mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from equivalence.strategies import Draw

LARGE_FROM = 10
"""Inputs of a level of which one is large."""
SEQUENCE = Draw(17, 9, "small", "normal", train=True, seed=0)
STEP = replace(SEQUENCE, batch=150, time=1, train=False)


def try_large(differs: Callable[[Draw], bool], *, steps: bool) -> None:
    """Tries a large input; if it differs, smaller ones, half as large in one dimension each, as long as they differ.

    Args:
        differs: tries an input.
        steps: whether inputs are given step by step.
    """
    draw = STEP if steps else SEQUENCE
    if not differs(draw):
        return
    while (smaller := next(filter(differs, _halves(draw)), None)) is not None:
        draw = smaller
    differs(draw)  # the smallest one is tried last, so it is the one that stays


def _halves(draw: Draw) -> list[Draw]:
    return [replace(draw, **{size: getattr(draw, size) // 2}) for size in ("batch", "time") if getattr(draw, size) > 1]
