"""Levels in which an agent is changed on the way: a component is swapped, other actions and features come."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
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
from equivalence.tracing import State, trace_copy

Change = Callable[[Any], None]
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
        traces = both(finding, pair, partial(trace_copy, obs=obs, state=state), inputs.draw.seed + step)
    return state if traces is None else traces[0].state


def _old_parameters(pair: Pair, name: str) -> list[nn.Parameter]:
    return [row.old for row in pair.parameters if row.component == name and row.old is not None]


def activation(pair: Pair, inputs: Inputs) -> Finding:
    """Other actions on copies of both agents: another order, one alone, a new one, the first set again; then features.

    The features of an environment are first those that the agent knows, then other numbers for them, with one missing
    and one new.
    """
    finding = Finding()
    copies = replace(pair, old=deepcopy(pair.old), new=deepcopy(pair.new))
    sets: Iterator[tuple[str, list[int], Change]] = itertools.chain(_action_sets(pair), _environments(pair))
    for finding.step, (what, most, change) in enumerate(sets):
        failures = [_attempt(change, agent) for agent in (copies.old, copies.new)]
        if any(failures):
            finding.compare_values("error", what, bool(failures[0]), bool(failures[1]))
            if all(failures):
                finding.fail_alike(failures[0])
            break
        changed = replace(copies, sizes=replace(pair.sizes, max_params=tuple(most)))
        fitting = Inputs(inputs.draw, changed.sizes, inputs.recorded)
        obs, state = inputs.step_obs(finding.step), inputs.state()
        with torch.no_grad():
            both(finding, changed, partial(trace_copy, obs=obs, state=state), inputs.draw.seed + finding.step)
        both(finding, changed, partial(sequence, inputs=fitting), inputs.draw.seed + finding.step)
        finding.differences += attributes(changed, fitting).differences
        if finding.differences:
            break
    return finding


def _action_sets(pair: Pair) -> Iterator[tuple[str, list[int], Change]]:
    """As many as the embedding has rows for; a name that was seen before keeps its row."""
    names, most = _actions(pair)
    table = next((m for m in cast(Any, pair.new).components.values() if hasattr(m, "rows")), None)
    has_room = table is not None and len(table.rows) + 2 < table.num_embeddings
    more = [(["unheard_of", *names], [0, *most])] if has_room else []
    for these, largest in [(names[::-1], most[::-1]), (names[:1], most[:1]), *more, (names, most)]:
        yield f"activating {these}", largest, partial(_activate, names=these, most=largest)


def _actions(pair: Pair) -> tuple[list[str], list[int]]:
    space = cast(Any, pair.new).action_space
    return list(space.names), list(space.max_params)


def _activate(agent: Any, names: list[str], most: list[int]) -> None:
    agent.activate_actions(list(names), list(most), "cpu")


def _environments(pair: Pair) -> Iterator[tuple[str, list[int], Change]]:
    """Those that an agent is taken to, in eras whose agents translate the features of one."""
    if not (hasattr(pair.old, "initialize_to_environment") and pair.sizes.feature_ids):
        return
    (names, most), known = _actions(pair), cast(Any, pair.new).features
    first = (
        dict(known.original)
        if known and known.original
        else {f"feature {number}": number for number in pair.sizes.feature_ids}
    )
    ids = list(first.values())
    others = dict(zip(list(first)[1:], ids[:-1], strict=True)) | {"unheard_of": ids[-1]}
    for numbers in (first, others, first):
        for learn in (False, True, None):
            features = {name: {"id": i, "type": "scalar", "normalization": 2.0 + i} for name, i in numbers.items()}
            change = partial(_initialize, features=features, names=names, most=most, learn=learn)
            yield f"taking over the features {numbers}", most, change


def _initialize(agent: Any, features: Any, names: list[str], most: list[int], *, learn: bool | None) -> None:
    learning = {} if learn is None else {"is_training": learn}
    agent.initialize_to_environment(deepcopy(features), list(names), list(most), "cpu", **learning)


def _attempt(change: Change, agent: Any) -> str:
    try:
        change(agent)
    except Exception as error:  # noqa: BLE001 - both sides must refuse the same sets
        return f"{type(error).__name__}: {error}"
    return ""


def without_actions(pair: Pair) -> str | None:
    """Why a pair has no actions to activate."""
    return "agents with two heads have actions of fixed sizes" if pair.sizes.nvec else None
