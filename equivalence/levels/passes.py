"""Levels that are one pass of the whole agent: inference, the training pass, and its gradients."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from equivalence.finding import Finding, Pair, both
from equivalence.levels.held import component_of
from equivalence.strategies import Inputs
from equivalence.tracing import Trace, trace


def inference(pair: Pair, inputs: Inputs) -> Finding:
    """One step without gradients: every component's output, actions, new state, generator state."""
    finding = Finding()
    obs, state = inputs.step_obs(), inputs.state()
    with torch.no_grad():
        both(finding, pair, partial(trace, obs=obs, state=state), inputs.draw.seed)
    return finding


def forward(pair: Pair, inputs: Inputs) -> Finding:
    """The training pass: a sequence, whose actions are given."""
    finding = Finding()
    both(finding, pair, partial(sequence, inputs=inputs), inputs.draw.seed)
    return finding


def sequence(agent: nn.Module, *, inputs: Inputs, step: int = 0) -> Trace:
    """One training pass."""
    return trace(agent, inputs.sequence_obs(step), action=inputs.action(step), state=inputs.state())


def gradients(pair: Pair, inputs: Inputs) -> Finding:
    """Gradients of every parameter, and of float observations, for a loss that weighs every output."""
    finding = Finding()
    observed: list[Tensor] = []

    def run(agent: nn.Module) -> Trace:
        agent.zero_grad(set_to_none=True)
        obs = inputs.sequence_obs()
        observed.append(obs.requires_grad_(obs.is_floating_point()))
        return trace(agent, obs, action=inputs.action(), state=inputs.state())

    traces = both(finding, pair, run, inputs.draw.seed)
    if traces is None:
        return finding
    for result in traces:
        torch.autograd.backward(loss_of(result, inputs))
    check_gradients(finding, pair)
    if observed[0].requires_grad:
        finding.check("gradient", "observations", observed[0].grad, observed[1].grad)
    return finding


def check_gradients(finding: Finding, pair: Pair) -> None:
    """Compares the gradients that both agents hold, those that backward reached first in front, and drops them."""
    old = {name: parameter.grad for name, parameter in pair.old.named_parameters()}
    new = {pair.names[name]: parameter.grad for name, parameter in pair.new.named_parameters()}
    owners = {pair.names[name]: component_of(name) for name, _ in pair.new.named_parameters()}
    for name in [*reversed(old), *(set(new) - set(old))]:
        finding.check("gradient", name, old.get(name), new.get(name), strides=False, component=owners.get(name))
    for agent in (pair.old, pair.new):
        agent.zero_grad(set_to_none=True)


def loss_of(result: Trace, inputs: Inputs) -> Tensor:
    """A random combination of all outputs that gradients flow from."""
    names = ["log_prob", "entropy", "value", *sorted(name for name in result.outputs if name.startswith("log_probs"))]
    terms = [
        (result.outputs[name] * inputs.loss_weights(tuple(result.outputs[name].shape), i)).sum()
        for i, name in enumerate(names)
    ]
    return torch.stack(terms).sum()
