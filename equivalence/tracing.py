"""`trace`: one forward pass of an agent of either stack, with every component's output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

import legacy
import modules

State = tuple[Tensor, Tensor]


@dataclass
class Trace:
    """What one forward pass computed.

    Attributes:
        components: component name -> its output.
        outputs: `value`, `log_prob`, `entropy`, `log_probs`, `lstm_h`, `lstm_c`, and `action` where it was sampled.
    """

    components: dict[str, Tensor] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)


def trace(
    agent: nn.Module,
    obs: Tensor,
    action: Tensor | None = None,
    state: State | None = None,
    dones: Tensor | None = None,
    truncateds: Tensor | None = None,
    e3b: Tensor | None = None,
) -> Trace:
    """Runs one forward pass, with autograd as the caller set it.

    Args:
        agent: an agent of either stack.
        obs: `[B, ...]` in inference, `[B, T, ...]` with `action`.
        action: `[B, T, 2]`, or None to sample from torch's global generator.
        state: `(h, c)`, `[layers, B, hidden]` each, or None.
        dones: `[B]`; only for eras whose LSTM owns its memory.
        truncateds: `[B]`; likewise.
        e3b: only for eras that had it.

    Raises:
        TypeError: an agent of neither stack.
        ValueError: an argument that the agent's era does not have.
    """
    for name, value in (("dones", dones), ("truncateds", truncateds), ("e3b", e3b)):
        if value is not None:
            raise ValueError(f"{name}: this agent's era does not take it")
    for cls, run in TRACERS.items():
        if isinstance(agent, cls):
            return run(agent, obs, action, state)
    raise TypeError(f"not an agent of either stack: {type(agent).__name__}")


def _results(outputs: tuple[Tensor, ...], state: Any, *, sampled: bool) -> dict[str, Tensor]:
    action, log_prob, entropy, value, log_probs = outputs
    named = {"value": value, "log_prob": log_prob, "entropy": entropy, "log_probs": log_probs}
    named |= {"lstm_h": state.lstm_h, "lstm_c": state.lstm_c}
    return {**named, "action": action} if sampled else named


def _trace_legacy(agent: Any, obs: Tensor, action: Tensor | None, state: State | None) -> Trace:
    carried = legacy.PolicyState()
    if state is not None:
        carried.lstm_h, carried.lstm_c = state
    board: dict[str, Any] = {}

    # Only the heads run through __call__, so only their hooks fire; the blackboard is what they are called with.
    def remember(_: nn.Module, args: tuple[Any, ...], __: Any) -> None:
        board.update(args[0])

    handle = agent.components["_action_"].register_forward_hook(remember)
    try:
        outputs = agent(obs, carried, action)
    finally:
        handle.remove()
    components = {name: board[name] for name in agent.components if name in board}
    return Trace(components, _results(outputs, carried, sampled=action is None))


def _trace_modules(agent: Any, obs: Tensor, action: Tensor | None, state: State | None) -> Trace:
    data: dict[str, Any] = {"x": obs}
    if state is not None:
        data.update(lstm_h=state[0], lstm_c=state[1])
    if action is not None:
        data["action"] = action
    components: dict[str, Tensor] = {}
    agent.step(data, components)
    outputs = {key: data[key] for key in ("value", "log_prob", "entropy", "log_probs")}
    outputs |= {"lstm_h": data["next_lstm_h"], "lstm_c": data["next_lstm_c"]}
    if action is None:
        outputs["action"] = data["action"]
    return Trace({name: components[name] for name in agent.components}, outputs)


TRACERS: Mapping[type[nn.Module], Callable[..., Trace]] = {
    legacy.MettaAgent: _trace_legacy,
    modules.MettaAgent: _trace_modules,
}
