"""One pass of each side of an agent: inference, and a training step's forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule, TensorDictSequential
from torch import Tensor, nn

import legacy
from benchmarks import subjects
from benchmarks.by_hand.parts import Agent
from benchmarks.rounds import Pass
from benchmarks.subjects import Subject
from modules import MettaAgent, PolicyState

# B batch, T time, N = B * T
Results = tuple[Tensor, Tensor, Tensor]
"""Value, log-probability and entropy: what a loss reads."""
Call = Callable[[], Results]
ENTROPY_WEIGHT = 0.01


@dataclass(frozen=True)
class Workload:
    """What an agent is asked to do.

    Attributes:
        name: in figures.
        batch: B.
        time: T of a training step; 0 for inference.
    """

    name: str
    batch: int
    time: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """`(B,)` or `(B, T)`."""
        return (self.batch, self.time) if self.time else (self.batch,)


INFERENCE = tuple(Workload(f"batch_{batch}", batch) for batch in (1, 32, 1024))
TRAINING = Workload("training", 32, 16)
WORKLOADS = (*INFERENCE, TRAINING)


class Inputs:
    """The same inputs for all sides."""

    def __init__(self, subject: Subject, workload: Workload) -> None:
        self.obs = subjects.observations(subject, *workload.shape)
        self.h, self.c = subjects.states(subject, workload.batch)
        self.action = subjects.actions(subject, *workload.shape) if workload.time else None


@dataclass(frozen=True)
class Side:
    """One way to do the same work.

    Attributes:
        agent: holds the parameters.
        call: asks it once.
        run: what is timed: a call without gradients, or one with its backward pass.
    """

    agent: nn.Module
    call: Call
    run: Pass

    def forget(self) -> None:
        """Drops gradients."""
        self.agent.zero_grad(set_to_none=True)


def passes(subject: Subject, workload: Workload) -> dict[str, Side]:
    """All sides of an agent: `old`, `exact`, `fast`, `by_hand`, `tensordict`."""
    inputs = Inputs(subject, workload)
    old = _call_by_tensordict if subject.owns_state else _call
    sequence = in_tensordict(subject.by_hand, sampling=not workload.time, relu=subject.has_relu)
    calls: dict[str, tuple[nn.Module, Call]] = {
        "old": (subject.old, old(subject.old, inputs)),
        "exact": (subject.exact, _call(subject.exact, inputs)),
        "fast": (subject.fast, _call(subject.fast, inputs)),
        "by_hand": (subject.by_hand, _call_by_hand(subject.by_hand, inputs)),
        "tensordict": (sequence, _call_sequence(sequence, inputs)),
    }
    return {name: _side(agent, call, workload) for name, (agent, call) in calls.items()}


def side_of(agent: MettaAgent, subject: Subject, workload: Workload) -> Side:
    """The side of another agent of the new stack, such as one with wrappers."""
    return _side(agent, _call(agent, Inputs(subject, workload)), workload)


def _side(agent: nn.Module, call: Call, workload: Workload) -> Side:
    return Side(agent, call, _training(agent, call) if workload.time else torch.no_grad()(call))


def _training(agent: nn.Module, call: Call) -> Pass:
    """The same loss on all sides; gradients are dropped first, by a list that is made once."""
    trained = [parameter for parameter in agent.parameters() if parameter.requires_grad]

    def run() -> None:
        for parameter in trained:
            parameter.grad = None
        value, log_prob, entropy = call()
        loss = value.square().mean() - log_prob.mean() - ENTROPY_WEIGHT * entropy.mean()
        torch.autograd.backward(loss)

    return run


def _call(agent: Any, inputs: Inputs) -> Call:
    """The call that E4 to E7 and the new stack share."""
    carried: Any = legacy.PolicyState if legacy.is_agent(agent) else PolicyState

    def run() -> Results:
        state = carried(lstm_h=inputs.h, lstm_c=inputs.c)
        _, log_prob, entropy, value, _ = agent(inputs.obs, state, inputs.action)
        return value, log_prob, entropy

    return run


def _call_by_tensordict(agent: Any, inputs: Inputs) -> Call:
    """The call of E8 to E11: results become entries, so that a `TensorDict` serves one call, and its making counts."""
    core = agent.components["_core_"]
    batch = list(inputs.obs.shape[:-2])

    def run() -> Results:
        core.lstm_h[0], core.lstm_c[0] = inputs.h, inputs.c
        td = agent(TensorDict({"env_obs": inputs.obs}, batch_size=batch), action=inputs.action)
        core.reset_memory()
        if inputs.action is None:
            return td["values"], td["act_log_prob"], td["full_log_probs"]
        return td["value"], td["act_log_prob"], td["entropy"]

    return run


def _call_by_hand(agent: Agent, inputs: Inputs) -> Call:
    def run() -> Results:
        _, log_prob, entropy, value, *_ = agent(inputs.obs, inputs.h, inputs.c, inputs.action)
        return value, log_prob, entropy

    return run


def _call_sequence(sequence: nn.Module, inputs: Inputs) -> Call:
    given = {"obs": inputs.obs, "h": inputs.h, "c": inputs.c}
    if inputs.action is not None:
        given["action"] = inputs.action

    def run() -> Results:
        td = sequence(TensorDict(given, batch_size=[]))
        return td["value"], td["log_prob"], td["entropy"]

    return run


def in_tensordict(agent: Agent, *, sampling: bool, relu: bool) -> nn.Module:
    """The hand-written agent as a `TensorDictSequential`: one `TensorDictModule` per layer, the same parameters."""
    steps = agent.all_steps(sampling=sampling, relu=relu)
    parts = (TensorDictModule(part, list(reads), list(writes)) for part, reads, writes in steps)
    return cast(nn.Module, TensorDictSequential(*parts))
