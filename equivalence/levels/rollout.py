"""Levels over many steps: a rollout that carries and resets the state, and samples from one stream of numbers."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from equivalence.finding import Finding, Pair, both
from equivalence.strategies import Inputs
from equivalence.tracing import State, Trace, trace, trace_copy

SAMPLES = 3


def rollout(pair: Pair, inputs: Inputs) -> Finding:
    """Steps that carry the state, each side its own, with rows that begin anew on the way.

    A rollout goes on behind the first difference, to show how it grows; only that one is reported.
    """
    finding, states = Finding(), [inputs.state(), inputs.state()]
    reported: int | None = None
    last: tuple[Trace, Trace] | None = None
    for finding.step in range(inputs.draw.steps):
        before = len(finding.differences)
        turn = iter(states)
        run = partial(_step, inputs=inputs, step=finding.step, states=turn)
        with torch.no_grad():
            traces = both(finding, pair, run, inputs.draw.seed + finding.step)
        if last is not None and len(finding.differences) == before:  # what a caller kept is his, whatever comes next
            old, new = ({f"{key} of the step before": v for key, v in each.outputs.items()} for each in last)
            finding.check_all("output", old, new, ())
        finding.end_step(before)
        last = traces
        reported = len(finding.differences) if reported is None and finding.differences else reported
        if traces is None:
            break
        states = [result.state for result in traces]
    del finding.differences[reported or 0 :]
    return finding


def _step(agent: nn.Module, *, inputs: Inputs, step: int, states: Any) -> Trace:
    state: State | None = next(states)
    over = inputs.resets(step) if step else torch.zeros(inputs.draw.batch, dtype=torch.bool)
    if inputs.sizes.owns_memory:
        return trace(agent, inputs.step_obs(step), state=state, dones=over, truncateds=torch.zeros_like(over))
    return trace(agent, inputs.step_obs(step), state=state and _forget(state, over))


def _forget(state: State, over: Tensor) -> State:
    return tuple(part.masked_fill(over.view(1, -1, 1), 0) for part in state)  # type: ignore[return-value]


def sampling(pair: Pair, inputs: Inputs) -> Finding:
    """Actions drawn one pass after the other from one generator, and scored again by a training pass.

    The generator is set back for the second side, so both see the same random numbers, and must leave it alike.
    """
    finding = Finding()
    torch.default_generator.manual_seed(inputs.draw.seed)
    for finding.step in range(SAMPLES):
        obs, state = inputs.step_obs(finding.step), inputs.state()
        with torch.no_grad():
            traces = both(finding, pair, partial(trace_copy, obs=obs, state=state), None)
            if traces is None or finding.differences:
                break
            action = traces[0].outputs["action"].reshape(inputs.draw.batch, 1, 2)
            both(finding, pair, partial(trace_copy, obs=obs.unsqueeze(1), action=action, state=state), None)
    return finding
