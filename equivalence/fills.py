"""Data for inputs, from a seeded generator: what observations, states and activations can look like, edges first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor

# M tokens of (cell, feature, value)

Fill = Callable[[tuple[int, ...], Generator], Tensor]
PADDING = 255


def _uint8(shape: tuple[int, ...], generator: Generator, below: int = 256) -> Tensor:
    return torch.randint(0, below, shape, generator=generator, dtype=torch.uint8)


def _sparse(shape: tuple[int, ...], generator: Generator) -> Tensor:
    return _uint8(shape, generator) * (torch.rand(shape, generator=generator) < 0.1)


def _all(shape: tuple[int, ...], _: Generator, value: int) -> Tensor:
    return torch.full(shape, value, dtype=torch.uint8)


def tokens(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """`[..., M, 3]` uint8 tokens (cell, feature, value): valid, out of range, repeated, and padding anywhere."""
    lists = shape[:-1]
    cell = torch.randint(0, 256, lists, generator=generator)
    near = torch.randint(0, 3, lists, generator=generator) * 16 + torch.randint(0, 3, lists, generator=generator)
    cell = torch.where(torch.rand(lists[:-1], generator=generator)[..., None] < 0.7, near, cell)
    feature = torch.randint(0, 24, lists, generator=generator)
    wild = torch.rand((*lists[:-1], 1), generator=generator) < 0.1
    feature = torch.where(wild, torch.randint(0, 256, lists, generator=generator), feature)
    value = torch.randint(0, 256, lists, generator=generator)
    result = torch.stack([cell, feature, value], dim=-1).to(torch.uint8)
    ends = torch.randint(0, 2 * lists[-1] + 1, lists[:-1], generator=generator)[..., None]
    holes = torch.rand(lists, generator=generator) < 0.05 * (torch.rand((*lists[:-1], 1), generator=generator) < 0.3)
    padding = (torch.arange(lists[-1]) >= ends) | holes
    return result.masked_fill(padding[..., None], PADDING)


def near_tokens(shape: tuple[int, ...], generator: Generator, keep: float = 0.8) -> Tensor:
    """`[..., M, 3]` uint8 tokens as an environment gives them: cells of a small window, low features, padding last."""
    lists = shape[:-1]
    cell = torch.randint(0, 5, lists, generator=generator) * 16 + torch.randint(0, 5, lists, generator=generator)
    feature = torch.randint(0, 6, lists, generator=generator)
    near = torch.stack([cell, feature, torch.randint(0, 256, lists, generator=generator)], dim=-1).to(torch.uint8)
    ends = torch.rand(lists[:-1], generator=generator)[..., None] * keep * lists[-1]
    return near.masked_fill((torch.arange(lists[-1]) >= ends)[..., None], PADDING)


def _full(shape: tuple[int, ...], generator: Generator) -> Tensor:
    return near_tokens(shape, generator).masked_scatter(
        torch.ones(shape, dtype=torch.bool), _uint8(shape, generator, below=5)
    )


def _repeated(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """All tokens of a list on one cell, with few features: which of several values counts is what differs."""
    result = _uint8(shape, generator, below=3)
    result[..., 0] = _uint8((*shape[:-2], 1), generator, below=3)
    return result


def _holes(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Padding in the middle of lists."""
    lists = shape[:-1]
    middle = torch.rand(lists, generator=generator) < 0.4
    middle[..., -1] = False
    return _full(shape, generator).masked_fill(middle[..., None], PADDING)


def _beyond(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Cells and features that no environment has."""
    result = _uint8(shape, generator)
    result[..., :2] |= 0xC0
    result[..., 0] &= 0xFE
    return result


def _edges(shape: tuple[int, ...], generator: Generator) -> Tensor:
    special = torch.tensor([0.0, -0.0, 1e-40, -1e-40, 3e38, -3e38, float("inf"), float("-inf"), float("nan"), 1.0])
    values = torch.randn(shape, generator=generator)
    chosen = special[torch.randint(0, len(special), shape, generator=generator)]
    return torch.where(torch.rand(shape, generator=generator) < 0.2, chosen, values)


def _normal(shape: tuple[int, ...], generator: Generator, scale: float = 1.0) -> Tensor:
    return torch.randn(shape, generator=generator) * scale


OBSERVATIONS: dict[str, Fill] = {
    "small": partial(_uint8, below=4),
    "uniform": _uint8,
    "sparse": _sparse,
    "zeros": partial(_all, value=0),
    "maximum": partial(_all, value=255),
    "floats": _normal,
    "tiny floats": partial(_normal, scale=1e-39),
    "edges": _edges,
}
"""Boxes: bytes as environments give them, and floats, down to subnormal ones and up to infinities and NaN."""
TOKENS: dict[str, Fill] = {
    "small": near_tokens,
    "uniform": tokens,
    "sparse": partial(near_tokens, keep=0.1),
    "full": _full,
    "repeated": _repeated,
    "holes": _holes,
    "beyond": _beyond,
    "zeros": partial(_all, value=0),
    "empty": partial(_all, value=PADDING),
}
STATES: dict[str, Fill | None] = {
    "none": None,
    "zeros": lambda shape, _: torch.zeros(shape),
    "normal": _normal,
    "large": partial(_normal, scale=1e4),
}
FLOATS: dict[str, Fill] = {
    "normal": _normal,
    "tiny": partial(_normal, scale=1e-39),
    "large": partial(_normal, scale=1e18),
    "edges": _edges,
}
"""Activations, for components alone."""
