"""Levels that are one pass of the whole agent: inference, the training pass, and its gradients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from equivalence.call import check_call, copied
from equivalence.compare import Difference
from equivalence.finding import Finding, Pair, both
from equivalence.strategies import Inputs
from equivalence.tracing import Trace, trace, trace_copy


def inference(pair: Pair, inputs: Inputs) -> Finding:
    """One step without gradients: every component's output, actions, new state, generator state."""
    finding = Finding()
    obs, state = inputs.step_obs(), inputs.state()
    given, kept = copied(inputs.draw.seed, obs, state), list[Tensor]()
    with torch.no_grad():
        traces = both(finding, pair, partial(trace_copy, obs=obs, kept=kept, state=state), inputs.draw.seed)
        check_call(finding, pair, traces, given, kept)
    return finding


def forward(pair: Pair, inputs: Inputs) -> Finding:
    """The training pass: a sequence, whose actions are given."""
    finding = Finding()
    obs, action, state = inputs.sequence_obs(), inputs.action(), inputs.state()
    given, kept = copied(inputs.draw.seed, obs, state, action), list[Tensor]()
    traces = both(finding, pair, partial(trace_copy, obs=obs, kept=kept, action=action, state=state), inputs.draw.seed)
    check_call(finding, pair, traces, given, kept)
    return finding


def sequence(agent: nn.Module, *, inputs: Inputs, step: int = 0) -> Trace:
    """One training pass."""
    return trace(agent, inputs.sequence_obs(step), action=inputs.action(step), state=inputs.state())


def gradients(pair: Pair, inputs: Inputs) -> Finding:
    """Gradients of every parameter, and of float observations, for a loss that weighs every output."""
    finding = Finding()
    observed: list[Tensor] = []
    obs, action, state = inputs.sequence_obs(), inputs.action(), inputs.state()
    pair.drop_gradients()

    def run(agent: nn.Module) -> Trace:
        own = obs.clone().requires_grad_(obs.is_floating_point())
        observed.append(own)
        return trace(agent, own, action=action, state=state)

    traces = both(finding, pair, run, inputs.draw.seed)
    if traces is None:
        return finding
    if not backward(finding, [loss_of(result, inputs) for result in traces]):
        return finding
    check_gradients(finding, pair)
    if observed[0].requires_grad:
        finding.check("gradient", "observations", observed[0].grad, observed[1].grad)
    return finding


def backward(finding: Finding, losses: Sequence[Tensor]) -> bool:
    """The backward pass of both sides, whose errors are observations too; whether there are gradients to compare."""
    failures = {}
    for side, loss in zip(("old", "new"), losses, strict=True):
        try:
            torch.autograd.backward(loss)
        except RuntimeError as error:
            failures[side] = error
    for side, failure in failures.items() if len(failures) == 1 else ():
        detail = f"only the {side} side fails: {failure!r}"
        finding.differences.append(Difference("error", "backward", detail, step=finding.step))
    if len(failures) == 2:
        finding.fail_alike(failures["old"])
    return not failures


def check_gradients(finding: Finding, pair: Pair) -> None:
    """Compares the gradients that both agents hold, those that backward reached first in front, and drops them."""
    for row in pair.parameters:
        old, new = (None if parameter is None else parameter.grad for parameter in (row.old, row.new))
        finding.check("gradient", row.name, old, new, strides=False, component=row.component)
    pair.drop_gradients()


def loss_of(result: Trace, inputs: Inputs) -> Tensor:
    """A random combination of all outputs that gradients flow from."""
    names = ["log_prob", "entropy", "value", *sorted(name for name in result.outputs if name.startswith("log_probs"))]
    terms = [
        (result.outputs[name] * inputs.loss_weights(tuple(result.outputs[name].shape), i)).sum()
        for i, name in enumerate(names)
    ]
    return torch.stack(terms).sum()
