"""The negative control of each level: the same run, with one weight of the new agent off by a little."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from equivalence.finding import Pair, tamper
from equivalence.result import ULP, Control
from equivalence.tensors import component_of

if TYPE_CHECKING:
    from equivalence.result import LevelResult

CANDIDATES, EXAMPLES = 40, 10
"""Weights that are tried until one shows, and inputs for each: dead units and long sums hide the last bit of many."""

COARSE, TENTH = 1.1, "by a tenth"
LIMIT = "clip_value"


@dataclass(frozen=True)
class Nudge:
    """One number of one parameter, to be moved by one ulp or so.

    Attributes:
        name: of the parameter, in the new agent.
        component: whose it is; empty for the agent's own.
        index: flat position.
        factor: what the number is multiplied by instead, where a judge accepts what is as small as an ulp.
    """

    name: str
    component: str
    index: int
    factor: float | None = None

    def __str__(self) -> str:
        return f"{self.name}[{self.index}]"

    @property
    def amount(self) -> str:
        """How far the number is moved, in words."""
        return ULP if self.factor is None else TENTH


def candidates(pair: Pair, seed: int) -> list[Nudge]:
    """Weights in random order, each parameter's largest number, whose last bit weighs most."""
    trained = [(name, p) for name, p in pair.new.named_parameters() if component_of(name) and p.numel()]
    order = torch.randperm(len(trained), generator=torch.Generator().manual_seed(seed)).tolist()
    chosen = (trained[i] for i in order)
    return [Nudge(name, str(component_of(name)), int(p.detach().abs().argmax())) for name, p in chosen][:CANDIDATES]


@contextmanager
def nudged(pair: Pair, nudge: Nudge) -> Iterator[None]:
    """Moves one weight away from zero, and back at the end."""
    weight = pair.new.get_parameter(nudge.name).detach()
    right = _move(weight, nudge)
    try:
        yield
    finally:
        weight[right[0]] = right[1]


@contextmanager
def nudged_when_built(_: Pair, nudge: Nudge) -> Iterator[None]:
    """Moves the weight in the fresh agents that a level builds by itself."""
    token = tamper.set(partial(_move_in, nudge=nudge))
    try:
        yield
    finally:
        tamper.reset(token)


def limits(pair: Pair, _: int) -> list[Nudge]:
    """The clip limits of components, or else that of the agent."""
    parts = pair.new.get_submodule("components").named_children()
    found = [Nudge(f"components.{name}.{LIMIT}", name, 0) for name, part in parts if hasattr(part, LIMIT)]
    return found or [Nudge("clip_range", "", 0)]


@contextmanager
def limit_nudged(pair: Pair, nudge: Nudge) -> Iterator[None]:
    """Moves a limit by one ulp, and back at the end."""
    path, _, name = nudge.name.rpartition(".")
    holder: Any = pair.new.get_submodule(path)
    right = getattr(holder, name)
    setattr(holder, name, math.nextafter(right, math.inf))
    try:
        yield
    finally:
        setattr(holder, name, right)


TAMPERED = {"attributes": limit_nudged, "config": nudged_when_built}
"""Levels that no weight of the pair shows on -> what is nudged for them."""


def _move_in(agent: nn.Module, *, nudge: Nudge) -> None:
    _move(agent.get_parameter(nudge.name).detach(), nudge)


def _move(weight: Tensor, nudge: Nudge) -> tuple[tuple[Tensor, ...], Tensor]:
    """Where a number was moved, and what stood there."""
    place = torch.unravel_index(torch.tensor(nudge.index), weight.shape)
    right = weight[place].clone()
    away = torch.full_like(right, torch.inf).copysign(right)
    weight[place] = torch.nextafter(right, away) if nudge.factor is None else right * nudge.factor
    return place, right


def control(
    pair: Pair, seed: int, level: str, run: Callable[[], LevelResult], *, coarse: bool = False
) -> Control | None:
    """Runs a level against a pair with a fault that is as small as one can be.

    Args:
        pair: whose new agent is nudged; as it was afterwards.
        seed: decides which weight is nudged.
        level: its name.
        run: the level, on this pair.
        coarse: whether to change the weight by a tenth of itself, since an ulp is nothing to the `oracle` policy.

    Returns:
        What became of the first weight that some input of the run could show, or of the last one that was tried; None
        where there is no weight.
    """
    result = None
    seed += zlib.crc32(level.encode())  # so that not every level tries the same weight
    for unseen, one in enumerate((limits if level == "attributes" else candidates)(pair, seed)):
        nudge = replace(one, factor=COARSE) if coarse else one
        with TAMPERED.get(level, nudged)(pair, nudge):
            found = run()
        seen = bool(found.differences)
        result = Control(str(nudge), nudge.component, seen, found.blamed, found.examples, unseen, nudge.amount)
        if seen:
            break
    return result
