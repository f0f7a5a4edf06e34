"""Levels in which an agent is changed on the way: a component is swapped, other actions are activated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from torch import nn

from equivalence.finding import Finding, Pair, both
from equivalence.levels.held import attributes
from equivalence.levels.passes import sequence
from equivalence.strategies import Inputs
from equivalence.tracing import State, trace

FACTOR = 0.5
"""What the weights of a component are multiplied by that is swapped in; exact in floats."""


def hot_swap(pair: Pair, inputs: Inputs) -> Finding:
    """A rollout in which a component is replaced by one with other weights, and put back."""
    finding = Finding()
    components = cast(Any, pair.new).components
    names = [name for name in pair.order if any(True for _ in components[name].parameters())]
    name = names[inputs.draw.seed % len(names)]
    state: State | None = inputs.state()
    finding.step = 0
    state = _turn(finding, pair, inputs, 0, state)
    before = [(parameter, parameter.detach().clone()) for parameter in _old_parameters(pair, name)]
    twin = deepcopy(components[name])
    right = components.replace_component(name, twin)
    try:
        with torch.no_grad():
            for parameter in [*twin.parameters(), *(parameter for parameter, _ in before)]:
                parameter.mul_(FACTOR)
        finding.step = 1
        state = _turn(finding, replace(pair), inputs, 1, state)  # whose buffers are the twin's
    finally:
        components.replace_component(name, right)
        right.load_state_dict({**right.state_dict(), **dict(twin.named_buffers())})
        with torch.no_grad():
            for parameter, value in before:
                parameter.copy_(value)
    finding.step = 2
    _turn(finding, pair, inputs, 2, state)
    return finding


def _turn(finding: Finding, pair: Pair, inputs: Inputs, step: int, state: State | None) -> State | None:
    """One step of the rollout; the state behind it."""
    obs = inputs.step_obs(step)
    with torch.no_grad():
        traces = both(finding, pair, partial(trace, obs=obs, state=state), inputs.draw.seed + step)
    return state if traces is None else (traces[0].outputs["lstm_h"], traces[0].outputs["lstm_c"])


def _old_parameters(pair: Pair, name: str) -> list[nn.Parameter]:
    return [row.old for row in pair.parameters if row.component == name and row.old is not None]


def activation(pair: Pair, inputs: Inputs) -> Finding:
    """Other sets of actions on copies of both agents: another order, one alone, a new one, and the first set again."""
    finding = Finding()
    copies = replace(pair, old=deepcopy(pair.old), new=deepcopy(pair.new))
    for finding.step, (names, most) in enumerate(_action_sets(pair)):
        failures = [_activate(agent, names, most) for agent in (copies.old, copies.new)]
        if any(failures):
            finding.compare_values("error", f"activating {names}", bool(failures[0]), bool(failures[1]))
            finding.failed_alike += all(failures)
            break
        changed = replace(copies, sizes=replace(pair.sizes, max_params=tuple(most)))
        fitting = Inputs(inputs.draw, changed.sizes, inputs.recorded)
        obs, state = inputs.step_obs(finding.step), inputs.state()
        with torch.no_grad():
            both(finding, changed, partial(trace, obs=obs, state=state), inputs.draw.seed + finding.step)
        both(finding, changed, partial(sequence, inputs=fitting), inputs.draw.seed + finding.step)
        finding.differences += attributes(changed, fitting).differences
        if finding.differences:
            break
    return finding


def _action_sets(pair: Pair) -> Iterator[tuple[list[str], list[int]]]:
    """As many as the embedding has rows for; a name that was seen before keeps its row."""
    space, components = cast(Any, pair.new).action_space, cast(Any, pair.new).components
    names, most = list(space.names), list(space.max_params)
    yield names[::-1], most[::-1]
    yield names[:1], most[:1]
    table = next((module for module in components.values() if hasattr(module, "rows")), None)
    if table is not None and len(table.rows) + 2 < table.num_embeddings:
        yield ["unheard_of", *names], [0, *most]
    yield names, most


def _activate(agent: Any, names: Sequence[str], most: Sequence[int]) -> str:
    try:
        agent.activate_actions(list(names), list(most), "cpu")
    except Exception as error:  # noqa: BLE001 - both sides must refuse the same sets
        return f"{type(error).__name__}: {error}"
    return ""


def without_actions(pair: Pair) -> str | None:
    """Why a pair has no actions to activate."""
    return "agents with two heads have actions of fixed sizes" if pair.sizes.nvec else None
