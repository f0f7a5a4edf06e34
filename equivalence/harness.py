"""Runs both agents on the same inputs, level by level, and collects what differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from equivalence.compare import Difference
from equivalence.finding import Finding, Pair, both
from equivalence.holdings import holdings
from equivalence.strategies import Inputs
from equivalence.tracing import Trace, trace

ROLLOUT_STEPS = 4
TRAINING_STEPS = 3
ONCE = ("weights", "attributes")
"""Levels that do not depend on inputs."""


def inference(pair: Pair, inputs: Inputs) -> Finding:
    """Sampled actions, without gradients: outputs, every component's output, new state, generator state."""
    finding = Finding()
    with torch.no_grad():
        both(finding, pair, lambda agent: trace(agent, inputs.step_obs(), state=inputs.state()), inputs.draw.seed)
    return finding


def rollout(pair: Pair, inputs: Inputs) -> Finding:
    """Several steps that carry the state, with a reset in the middle."""
    finding = Finding()
    state: Any = inputs.state()
    for step in range(ROLLOUT_STEPS):
        carried = None if step == ROLLOUT_STEPS // 2 else state
        run = partial(_step, inputs=inputs, step=step, state=carried)
        with torch.no_grad():
            traces = both(finding, pair, run, inputs.draw.seed + step)
        if traces is None or finding.differences:
            break
        state = (traces[0].outputs["lstm_h"], traces[0].outputs["lstm_c"])
    return finding


def _step(agent: nn.Module, *, inputs: Inputs, step: int, state: Any) -> Trace:
    return trace(agent, inputs.step_obs(step), state=state)


def gradients(pair: Pair, inputs: Inputs) -> Finding:
    """The training pass and the gradient of every parameter, for a loss that weighs every output."""
    finding = Finding()
    for agent in (pair.old, pair.new):
        agent.zero_grad(set_to_none=True)
    traces = both(finding, pair, partial(_sequence, inputs=inputs), inputs.draw.seed)
    if traces is None:
        return finding
    for result in traces:
        torch.autograd.backward(_loss(result, inputs))
    old = {name: p.grad for name, p in pair.old.named_parameters()}
    new = {pair.names[name]: p.grad for name, p in pair.new.named_parameters()}
    for name in [*reversed(old), *(set(new) - set(old))]:
        finding.check("gradient", name, old.get(name), new.get(name), strides=False)
    return finding


def _loss(result: Trace, inputs: Inputs) -> Tensor:
    names = ["log_prob", "entropy", "value", *sorted(name for name in result.outputs if name.startswith("log_probs"))]
    terms = [
        (result.outputs[name] * inputs.loss_weights(tuple(result.outputs[name].shape), i)).sum()
        for i, name in enumerate(names)
    ]
    return torch.stack(terms).sum()


def training(pair: Pair, inputs: Inputs) -> Finding:
    """Some steps of Adam on copies of both agents, clipped as the old trainer did: losses, weights, moments."""
    finding = Finding()
    sides = [(agent, torch.optim.Adam(agent.parameters(), lr=1e-3)) for agent in map(deepcopy, (pair.old, pair.new))]
    copies = replace(pair, old=sides[0][0], new=sides[1][0])
    for step in range(TRAINING_STEPS):
        traces = both(finding, copies, partial(_sequence, inputs=inputs), inputs.draw.seed + step)
        if traces is None or finding.differences:
            return finding
        losses = [_loss(result, inputs) for result in traces]
        finding.check("output", f"loss of step {step}", *losses)
        for loss, (agent, optimizer) in zip(losses, sides, strict=True):
            _optimize(loss, cast(Any, agent), optimizer)
    old, new = (_moved(agent, optimizer) for agent, optimizer in sides)
    renamed = {(pair.names[name], what): value for (name, what), value in new.items()}
    for name, what in old:
        finding.check("weight", f"{name}{what}", old[name, what], renamed.get((name, what)), strides=False)
    return finding


def _sequence(agent: nn.Module, *, inputs: Inputs) -> Trace:
    return trace(agent, inputs.sequence_obs(), action=inputs.action(), state=inputs.state())


def _optimize(loss: Tensor, agent: Any, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
    optimizer.step()
    if agent.clip_range > 0:
        agent.clip_weights()


def _moved(agent: nn.Module, optimizer: torch.optim.Optimizer) -> dict[tuple[str, str], Tensor]:
    """Weights and moments after training."""
    values: dict[tuple[str, str], Tensor] = {}
    for name, parameter in agent.named_parameters():
        values[name, ""] = parameter.detach()
        values.update({(name, f" {key}"): value for key, value in optimizer.state[parameter].items()})
    return values


def weights(pair: Pair, _: Inputs) -> Finding:
    """Parameters and buffers, under the old names."""
    finding = Finding()
    old, new = _once(pair.old.state_dict(keep_vars=True)), pair.new.state_dict()
    renamed = {pair.names.get(name, name): value for name, value in new.items()}
    finding.check_all("weight", old, renamed, list(old))
    return finding


def _once(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each tensor under the first of its names; E1 had up to 22 for one (trap 44)."""
    first: dict[int, str] = {}
    for name, tensor in state.items():
        first.setdefault(id(tensor), name)
    return {name: state[name].detach() for name in first.values()}


def attributes(pair: Pair, _: Inputs) -> Finding:
    """What no forward pass shows: clip limits, anchors, scales, action rows, frozen weights, parameter order, mode."""
    finding = Finding()
    finding.compare_values("attribute", "training mode", *pair.modes)
    for name, old, new in holdings(pair.old, pair.new, pair.names):
        if isinstance(old, Tensor) or isinstance(new, Tensor):
            finding.check("attribute", name, old, new)
        else:
            finding.compare_values("attribute", name, old, new)
    return finding


LEVELS: dict[str, Callable[[Pair, Inputs], Finding]] = {
    "weights": weights,
    "attributes": attributes,
    "inference": inference,
    "rollout": rollout,
    "gradients": gradients,
    "training": training,
}


def blame(differences: Sequence[Difference], order: Sequence[str]) -> str | None:
    """The component where the difference begins.

    Forward: the first in execution order whose output differs, since all before it agree. Gradients alone: the last in
    execution order, which backward reaches first.
    """
    forward = [d.name for d in differences if d.place == "component"]
    if forward:
        return min(forward, key=order.index)
    backward = [d.name.split(".")[1] for d in differences if d.place in ("gradient", "weight")]
    backward += [d.name.split(".")[0] for d in differences if d.place == "attribute"]
    known = [name for name in backward if name in order]
    return max(known, key=order.index) if known else None
