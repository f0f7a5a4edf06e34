"""A training trajectory: PPO's loss, Adam, and clipping as the old trainer did."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from equivalence.finding import Finding, Pair, both
from equivalence.levels.held import LOSSES
from equivalence.levels.passes import backward, sequence
from equivalence.strategies import Inputs
from equivalence.tracing import Trace

STEPS = 100
CLIP, ENTROPY, VALUE, MAX_NORM, L2 = 0.1, 0.01, 0.5, 0.5, 0.1
"""The old trainer's defaults, but for L2: it left the two losses out, and they are to be seen here."""


@dataclass(frozen=True)
class Side:
    """An agent in training."""

    agent: Any
    optimizer: torch.optim.Optimizer


def training(pair: Pair, inputs: Inputs) -> Finding:
    """Steps of Adam on copies of both agents: losses, weights and moments after each, bit for bit."""
    finding = Finding()
    # lr is larger than the old trainer's, so that a hundred steps go somewhere.
    old, new = (
        Side(agent, torch.optim.Adam(agent.parameters(), lr=1e-3, eps=1e-5))
        for agent in (deepcopy(pair.old), deepcopy(pair.new))
    )
    copies = replace(pair, old=old.agent, new=new.agent)
    behaviour: Tensor | None = None
    for finding.step in range(STEPS):
        step = finding.step % 10  # a minibatch comes back, as in the epochs of PPO
        traces = both(finding, copies, partial(sequence, inputs=inputs, step=step), inputs.draw.seed + step)
        if traces is None or finding.differences:
            break
        if step == 0:
            behaviour = traces[0].outputs["log_prob"].detach()
        losses = [ppo_loss(result, cast(Tensor, behaviour), inputs) for result in traces]
        finding.check("output", "loss", *losses)
        for side in (old, new):
            side.optimizer.zero_grad()
        whole = [loss + L2 * _l2(side.agent) for loss, side in zip(losses, (old, new), strict=True)]
        if not backward(finding, whole):
            break
        for side in (old, new):
            _optimize(side)
        _check_trained(finding, copies, old, new)
        if finding.differences:
            break
    else:
        _check_upkeep(finding, copies)
    finding.steps = [0] * (finding.step or 0) + [max((d.ulp or 1 for d in finding.differences), default=0)]
    return finding


def ppo_loss(result: Trace, behaviour: Tensor, inputs: Inputs) -> Tensor:
    """The clipped surrogate of Schulman et al. (2017), a clipped value loss and an entropy bonus; scalar.

    Args:
        result: of a training pass.
        behaviour: log-probabilities of the actions when they were drawn.
        inputs: which advantages and returns are drawn from.
    """
    log_prob, value = result.outputs["log_prob"].flatten(), result.outputs["value"].flatten()
    advantage = inputs.loss_weights(tuple(log_prob.shape), 1)
    returns = inputs.loss_weights(tuple(value.shape), 2)
    ratio = (log_prob - behaviour.flatten()).exp()
    surrogate = torch.max(-advantage * ratio, -advantage * ratio.clamp(1 - CLIP, 1 + CLIP)).mean()
    before = returns * 0.5
    clipped = before + (value - before).clamp(-CLIP, CLIP)
    value_loss = 0.5 * torch.max((value - returns) ** 2, (clipped - returns) ** 2).mean()
    return surrogate - ENTROPY * result.outputs["entropy"].mean() + VALUE * value_loss


def _optimize(side: Side) -> None:
    nn.utils.clip_grad_norm_(side.agent.parameters(), MAX_NORM)
    side.optimizer.step()
    if side.agent.clip_range > 0:
        side.agent.clip_weights()


def _l2(agent: Any) -> Tensor:
    """Both L2 losses, which must not have a gradient; 0 where the agent's code had none, or failed on its scales."""
    total = torch.zeros(())
    for loss in LOSSES:
        try:
            total = total + getattr(agent, loss)()
        except (AttributeError, TypeError):
            continue
    return total


def _check_trained(finding: Finding, pair: Pair, old: Side, new: Side) -> None:
    """Weight and moments of each parameter."""
    for row in pair.parameters:
        there, here = (_moved(side, parameter) for side, parameter in ((old, row.old), (new, row.new)))
        for what, value in there.items():
            finding.check("weight", f"{row.name}{what}", value, here.get(what), strides=False, component=row.component)


def _moved(side: Side, parameter: nn.Parameter | None) -> dict[str, Tensor]:
    if parameter is None:
        return {}
    return {"": parameter.detach(), **{f" {key}": value for key, value in side.optimizer.state[parameter].items()}}


def _check_upkeep(finding: Finding, pair: Pair) -> None:
    """What the old trainer asked of an agent between its steps: anchors that move, and the L2 losses as a whole."""
    for agent in (pair.old, pair.new):
        cast(Any, agent).update_l2_init_weight_copy()
    for name in pair.order:
        old, new = (cast(Any, agent).components[name] for agent in (pair.old, pair.new))
        anchors = [getattr(component, "initial_weights", None) for component in (old, new)]
        if any(isinstance(anchor, Tensor) for anchor in anchors):
            finding.check("attribute", f"{name}.initial_weights", *anchors, component=name)
    for loss in LOSSES:
        try:
            there = getattr(pair.old, loss)()
        except (AttributeError, TypeError):  # see `_l2`
            continue
        if not pair.is_of_one_stack:
            there = there.float().reshape(())  # with nothing to sum, old code gave a whole number
        finding.check("output", loss, there, getattr(pair.new, loss)())
