"""`trace`: one forward pass of an agent of either stack and any era, with every component's output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

import legacy
import modules
from migrate.agent_rules import era_of_config
from migrate.eras import Era

State = tuple[Tensor, Tensor]


@dataclass
class Trace:
    """What one forward pass computed, in the shapes of its era.

    Attributes:
        components: component name -> its output.
        outputs: `value`, `log_prob`, `log_probs` (or `log_probs_0`, `log_probs_1`), `lstm_h`, `lstm_c`; `action` where
            it was sampled; `entropy` but for the inference of E8 and later; `e3b` and `intrinsic_reward` where asked.
    """

    components: dict[str, Tensor] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)

    @property
    def state(self) -> State | None:
        """The recurrent state behind the pass; None of an agent that has none."""
        return (self.outputs["lstm_h"], self.outputs["lstm_c"]) if "lstm_h" in self.outputs else None


@dataclass(frozen=True)
class Call:
    """The arguments of `trace`."""

    obs: Tensor
    action: Tensor | None
    state: State | None
    resets: dict[str, Tensor]
    e3b: Tensor | None


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
        e3b: `[B, hidden, hidden]`; only for eras that had it, E1 to E3b. Files of E3b do not tell whether they are of
            its last day, which had none; who has one is of before.

    Raises:
        TypeError: an agent of neither stack.
        ValueError: an argument that the agent's era does not have.
    """
    if legacy.is_agent(agent):
        era, run = Era(legacy.date_of(agent)), _trace_tuple if e3b is not None else _legacy_tracer(agent)
    elif isinstance(agent, modules.MettaAgent):
        era, run = era_of_config(agent.config), _trace_modules
    else:
        raise TypeError(f"not an agent of either stack: {type(agent).__name__}")
    resets = {name: value for name, value in (("dones", dones), ("truncateds", truncateds)) if value is not None}
    if resets and not era.is_since("E8"):
        raise ValueError(f"{', '.join(resets)}: this agent's era does not take it")
    if e3b is not None and era.is_since("E4a"):
        raise ValueError("e3b: this agent's era does not take it")
    return run(agent, Call(obs, action, state, resets, e3b), era)


def trace_copy(agent: nn.Module, obs: Tensor, kept: list[Tensor] | None = None, **given: Any) -> Trace:
    """`trace` on observations of its own: a component that works in place may write into those that are floats.

    Args:
        agent: see `trace`.
        obs: see `trace`; a copy is given instead.
        kept: gets the copy.
        **given: see `trace`.
    """
    own = obs.clone()
    if kept is not None:
        kept.append(own)
    return trace(agent, own, **given)


def _legacy_tracer(agent: nn.Module) -> Callable[[Any, Call, Era], Trace]:
    date = legacy.date_of(agent)
    steps = (("2025-02-20", _trace_tuple), ("2025-04-30", _trace_logits), ("2025-05-01", _trace_state))
    return [run for since, run in (*steps, ("2025-08-07b", _trace_memory)) if date >= since][-1]


def _run_watched(agent: Any, run: Callable[[], Any]) -> tuple[Any, dict[str, Tensor]]:
    """Runs an old agent and keeps every component's output.

    Only the heads run through `__call__`, so only their hooks fire; the blackboard is what they are called with.
    """
    board: dict[str, Any] = {}

    def remember(_: nn.Module, args: tuple[Any, ...], __: Any) -> None:
        board.update(args[0].items())

    heads = [agent.components[name] for name in ("_value_", "_action_", "_action_param_") if name in agent.components]
    handles = [head.register_forward_hook(remember) for head in heads]
    try:
        result = run()
    finally:
        for handle in handles:
            handle.remove()
    return result, {name: board[name] for name in agent.components if name in board}


def _trace_state(agent: Any, call: Call, _: Era) -> Trace:
    """E4 to E7: the caller's `PolicyState`, a tuple of five."""
    carried = legacy.PolicyState()
    if call.state is not None:
        carried.lstm_h, carried.lstm_c = call.state
    result, components = _run_watched(agent, lambda: agent(call.obs, carried, call.action))
    action, log_prob, entropy, value, log_probs = result
    outputs = {"value": value, "log_prob": log_prob, "entropy": entropy, "log_probs": log_probs}
    outputs |= {"lstm_h": carried.lstm_h, "lstm_c": carried.lstm_c}
    return Trace(components, outputs if call.action is not None else {**outputs, "action": action})


def _trace_tuple(agent: Any, call: Call, _: Era) -> Trace:
    """E1 to E3a: a tuple, the last of which, the log-probabilities, E1 to E2b computed and threw away."""
    forward = legacy.MettaAgentE2c.forward
    result, components = _run_watched(
        agent, lambda: forward(agent, call.obs, state=call.state, action=call.action, e3b=call.e3b)
    )
    action, log_prob, entropy, value, state, e3b, reward, normalized = result
    outputs = {"value": value, "log_prob": log_prob, "entropy": entropy, "lstm_h": state[0], "lstm_c": state[1]}
    outputs |= {f"log_probs_{i}": each for i, each in enumerate(normalized)}
    if call.e3b is not None:
        outputs |= {"e3b": e3b, "intrinsic_reward": reward}
    return Trace(components, outputs if call.action is not None else {**outputs, "action": action})


def _trace_logits(agent: Any, call: Call, _: Era) -> Trace:
    """E3b: logits only; its callers sampled."""
    carried = legacy.PolicyState()
    if call.state is not None:
        carried.lstm_h, carried.lstm_c = call.state
    (logits, value), components = _run_watched(agent, lambda: agent(call.obs, carried, call.action))
    action, log_prob, entropy, normalized = legacy.sample_logits(logits, call.action)
    action = action.reshape(-1, len(logits))
    outputs = {"value": value, "log_prob": log_prob, "entropy": entropy}
    outputs |= {"lstm_h": carried.lstm_h, "lstm_c": carried.lstm_c}
    outputs |= {f"log_probs_{i}": each for i, each in enumerate(normalized)}
    return Trace(components, outputs if call.action is not None else {**outputs, "action": action})


def _trace_memory(agent: Any, call: Call, _: Era) -> Trace:
    """E8 to E11: a `TensorDict`; the LSTM's memory is put in and taken out."""
    from tensordict import TensorDict  # here, since it takes as long to import as torch

    batch = list(call.obs.shape[: 1 if call.action is None else 2])
    td = TensorDict({"env_obs": call.obs, **call.resets}, batch_size=batch)
    cores = [layer for layer in agent.components.values() if hasattr(layer, "set_memory")]
    for core in cores:
        memory = ({}, {}) if call.state is None else ({0: call.state[0]}, {0: call.state[1]})
        core.set_memory(memory)
    result, components = _run_watched(agent, lambda: agent(td, action=call.action))
    names = {"value": "values" if call.action is None else "value", "log_prob": "act_log_prob"}
    names |= {"log_probs": "full_log_probs"} | (
        {"action": "actions"} if call.action is None else {"entropy": "entropy"}
    )
    outputs = {name: result[key] for name, key in names.items()}
    for core in cores:
        h, c = core.get_memory()
        outputs |= {"lstm_h": h[0], "lstm_c": c[0]}
    return Trace(components, outputs)


def _trace_modules(agent: Any, call: Call, era: Era) -> Trace:
    data: dict[str, Any] = {"x": call.obs, **call.resets}
    if call.state is not None:
        data.update(lstm_h=call.state[0], lstm_c=call.state[1])
    if call.action is not None:
        data["action"] = call.action
    if call.e3b is not None:
        data["e3b"] = call.e3b
    given = set(data)
    components: dict[str, Tensor] = {}
    agent.step(data, components)
    outputs = {key: value for key, value in data.items() if key not in given}
    for name in ("lstm_h", "lstm_c", "e3b"):
        if f"next_{name}" in outputs:
            outputs[name] = outputs.pop(f"next_{name}")
    if era.is_since("E8"):
        outputs = _as_entries(outputs, call)
    elif not era.is_since("E4a") and call.action is None and call.obs.shape[0] == 1:
        outputs = _as_scalars(outputs, era)
    run = set(agent.components.order(agent.heads))  # E11 had heads that no pass ran
    return Trace({name: components[name] for name in agent.components if name in run and name in components}, outputs)


def _as_entries(outputs: dict[str, Tensor], call: Call) -> dict[str, Tensor]:
    """From E8 on, inference had a flat value and no entropy, and training the batch's two dimensions (trap 23)."""
    if call.action is None:
        return {**{k: v for k, v in outputs.items() if k != "entropy"}, "value": outputs["value"].flatten()}
    batch = call.obs.shape[:2]
    flat = ("value", "log_prob", "log_probs", "entropy")
    return {key: value.reshape(*batch, *value.shape[1:]) if key in flat else value for key, value in outputs.items()}


def _as_scalars(outputs: dict[str, Tensor], era: Era) -> dict[str, Tensor]:
    """Until E3a, one row lost its dimension on the way (trap 55)."""
    if era.is_since("2025-04-30") and "e3b" not in outputs:
        return outputs
    return {**outputs, "action": outputs["action"].reshape(torch.Size([2]))}
