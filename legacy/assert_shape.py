"""`assert_shape`: the old agent's shape checks, with their messages."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def assert_shape(tensor: Tensor, expected: Sequence[int | str], name: str) -> None:
    """Compares dimension by dimension; a string stands for any positive size.

    Raises:
        ValueError: "'<name>' has shape ...", "'<name>' dimension ... has size ..." or "... has invalid size 0 ...".
    """
    if tensor.dim() != len(expected):
        raise ValueError(
            f"'{name}' has shape {tuple(tensor.shape)} with {tensor.dim()} dimensions. "
            f"We expected {len(expected)} dimensions."
        )
    for i, (size, want) in enumerate(zip(tensor.shape, expected, strict=True)):
        if isinstance(want, str):
            if size <= 0:
                raise ValueError(
                    f"'{name}' dimension {i} ('{want}') has invalid size {size}, expected a positive value"
                )
        elif size != want:
            raise ValueError(f"'{name}' dimension {i} has size {size}, expected {want}")
