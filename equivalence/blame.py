"""Where a difference begins: the component whose output differs although its inputs agree."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from equivalence.compare import Difference
from equivalence.finding import Pair
from equivalence.levels.component import component
from equivalence.strategies import Inputs

FORWARD, BACKWARD, HELD = ("component",), ("gradient",), ("weight", "attribute")


def blame(pair: Pair, differences: Sequence[Difference], inputs: Inputs | None = None) -> str | None:
    """The component where a difference begins.

    Forward: the first in execution order whose output differs although its inputs agree. Gradients alone: the last in
    execution order, which backward reaches first, of those that differ when they are fed the same; a gradient that is
    lost on the way shows in components that are innocent.

    Args:
        pair: both agents, as they were when the difference was found.
        differences: of one input.
        inputs: that input; None to judge by the differences alone.
    """
    first = min((found.step for found in differences if found.step is not None), default=None)
    now = [found for found in differences if found.step in (None, first)]
    if forward := _owners(now, FORWARD):
        innocent = {name for name in forward if forward & set(pair.sources.get(name, ()))}
        return _ordered(pair, forward - innocent or forward)[0]
    if inputs is not None and (alone := _alone(pair, inputs)):
        return _first_alone(pair, alone)
    for places in (BACKWARD, HELD, ("error", "generator")):
        if owners := _owners(now, places):
            return _ordered(pair, owners)[-1 if places is BACKWARD else 0]
    names = {found.name for found in now if found.place == "output"}
    return _core(pair) if names & {"lstm_h", "lstm_c"} else None


def _owners(differences: Sequence[Difference], places: Sequence[str]) -> set[str]:
    return {found.component for found in differences if found.place in places and found.component is not None}


def _ordered(pair: Pair, names: set[str]) -> list[str]:
    return [*(name for name in pair.order if name in names), *sorted(names - set(pair.order))]


def _alone(pair: Pair, inputs: Inputs) -> list[Difference]:
    """What differs when each component is fed the same inputs."""
    with torch.random.fork_rng(devices=[]):
        return component(pair, inputs).differences


def _first_alone(pair: Pair, alone: Sequence[Difference]) -> str | None:
    forward = _owners(alone, ("component", "error", "generator"))
    if forward:
        return _ordered(pair, forward)[0]
    backward = _owners(alone, BACKWARD)
    return _ordered(pair, backward)[-1] if backward else None


def _core(pair: Pair) -> str | None:
    """The component with a recurrent state."""
    components = pair.new.get_submodule("components")
    return next((name for name, module in components.named_children() if hasattr(module, "initial_state")), None)
