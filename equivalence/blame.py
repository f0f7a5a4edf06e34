"""Where a difference begins: the component whose output differs although its inputs agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from equivalence.compare import Difference, difference
from equivalence.finding import Pair
from equivalence.levels.component import compare_alone
from equivalence.levels.passes import loss_of
from equivalence.strategies import Inputs
from equivalence.tracing import trace

FORWARD, BACKWARD, HELD = ("component",), ("gradient",), ("weight", "attribute")
OBSERVATIONS = "x"
"""Their key, which no component has for a name."""
ALONE = ("component", "error", "generator", "input", "state")
"""What can be wrong in a component's own forward pass."""


def blame(
    pair: Pair, differences: Sequence[Difference], inputs: Inputs | None = None, *, steps: bool = False
) -> str | None:
    """The component where a difference begins.

    Forward: the first in execution order whose output differs although its inputs agree. Gradients alone: the last in
    execution order, which backward reaches first, of those that differ when they are fed the same; a gradient that is
    lost on the way shows in components that are innocent.

    Args:
        pair: both agents, as they were when the difference was found.
        differences: of one input.
        inputs: that input; None to judge by the differences alone.
        steps: whether it was given step by step, not as a sequence.
    """
    first = min((found.step for found in differences if found.step is not None), default=None)
    now = [found for found in differences if found.step in (None, first)]
    alone = [] if inputs is None else _alone(pair, inputs, first or 0, steps=steps)
    if forward := _owners(now, FORWARD):
        innocent = {name for name in forward if forward & set(pair.sources.get(name, ()))}
        first_name = _ordered(pair, forward - innocent or forward)[0]
        # A component that writes into its input makes the one in front of it look guilty.
        return _first_alone(pair, alone) if first_name not in _owners(alone, ALONE) and alone else first_name
    if alone:
        return _first_alone(pair, alone)
    only_backward = not any(found.place == "output" for found in now)
    if inputs is not None and only_backward and not steps and (culprit := _by_activations(pair, inputs, first or 0)):
        return culprit
    for places in (BACKWARD, ("state",), HELD, ("error", "generator")):
        if owners := _owners(now, places):
            return _ordered(pair, owners)[-1 if places is BACKWARD else 0]
    names = {found.name for found in now if found.place == "output"}
    return _core(pair) if names & {"lstm_h", "lstm_c"} else None


def _owners(differences: Sequence[Difference], places: Sequence[str]) -> set[str]:
    return {found.component for found in differences if found.place in places and found.component is not None}


def _by_activations(pair: Pair, inputs: Inputs, step: int) -> str | None:
    """The component that backward reaches first whose output's gradient agrees, and not its parameters' or inputs'."""
    pair.drop_gradients()
    old, new = (_gradients(agent, inputs, step) for agent in (pair.old, pair.new))
    pair.drop_gradients()
    if old is None or new is None:
        return None
    names, components = (*pair.order, OBSERVATIONS), cast(Any, pair.new).components
    wrong = {name for name in names if difference("", "", old.get(name), new.get(name), strides=False)}
    for row in pair.parameters:
        if row.component and difference("", "", old.get(row.old), new.get(row.new), strides=False):
            wrong.add(f"{row.component}.")
    for name in reversed(pair.order):
        if name not in wrong and (f"{name}." in wrong or wrong & set(pair.sources[name])):
            return name
    return next((name for name in pair.order if OBSERVATIONS in wrong & set(components[name].in_keys)), None)


def _gradients(agent: nn.Module, inputs: Inputs, step: int) -> dict[Any, Tensor | None] | None:
    """Gradients of component outputs by name, and of parameters by themselves; None where the pass fails."""
    torch.default_generator.manual_seed(inputs.draw.seed + step)
    obs = inputs.sequence_obs(step).clone()
    obs.requires_grad_(obs.is_floating_point())
    try:
        result = trace(agent, obs, action=inputs.action(step), state=inputs.state())
        for output in result.components.values():
            if output.requires_grad and not output.is_leaf:
                output.retain_grad()
        torch.autograd.backward(loss_of(result, inputs))
    except Exception:  # noqa: BLE001 - then there are no gradients to go by
        return None
    held = {name: output.grad for name, output in result.components.items() if output.requires_grad}
    return {OBSERVATIONS: obs.grad, **held, **{parameter: parameter.grad for parameter in agent.parameters()}}


def _ordered(pair: Pair, names: set[str]) -> list[str]:
    return [*(name for name in pair.order if name in names), *sorted(names - set(pair.order))]


def _alone(pair: Pair, inputs: Inputs, step: int, *, steps: bool) -> list[Difference]:
    """What differs when each component is fed the same inputs."""
    with torch.random.fork_rng(devices=[]):
        if not steps:
            return compare_alone(pair, inputs, inputs.sequence_obs(step), inputs.action(step)).differences
        obs, action = inputs.step_obs(step).unsqueeze(1), inputs.action()[:, :1]
        return compare_alone(pair, inputs, obs, action).differences


def _first_alone(pair: Pair, alone: Sequence[Difference]) -> str | None:
    forward = _owners(alone, ALONE)
    if forward:
        return _ordered(pair, forward)[0]
    backward = _owners(alone, BACKWARD)
    return _ordered(pair, backward)[-1] if backward else None


def _core(pair: Pair) -> str | None:
    """The component with a recurrent state."""
    components = pair.new.get_submodule("components")
    return next((name for name, module in components.named_children() if hasattr(module, "initial_state")), None)
