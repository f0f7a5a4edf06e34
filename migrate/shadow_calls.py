"""How an agent of either stack and any era is called, so that what one was asked can be asked of the other."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from torch import Tensor, nn

import legacy
import modules
from modules.inputs import NEXT_STATE, RESETS, STATE
from modules.interop import batch_dims

# B batch, T time, N = B * T, L layers, H hidden, K actions of one kind
Arguments = Mapping[str, Any]
"""A call's arguments by name."""
Outputs = dict[str, Tensor]
State = tuple[Tensor, Tensor]
ONE_PER_ROW = ("value", "log_prob", "entropy", "intrinsic_reward")


@dataclass(frozen=True)
class Call:
    """What an agent was asked, in nobody's words.

    Attributes:
        obs: `[B, ...]` or `[B, T, ...]`.
        action: `[B, T, 2]` or `[B, 2]`, None to sample.
        state: `(h, c)` `[L, B, H]` each, or None.
        resets: `dones` and `truncateds` `[B]`, where given.
        e3b: `[B, H, H]`, which E1 to E3a had.
    """

    obs: Tensor
    action: Tensor | None = None
    state: State | None = None
    resets: Mapping[str, Tensor] = field(default_factory=dict)
    e3b: Tensor | None = None

    def copied(self) -> Call:
        """The same on copies that share nothing with the caller."""
        return replace(
            self,
            obs=_copy(self.obs),
            action=None if self.action is None else _copy(self.action),
            state=None if self.state is None else (_copy(self.state[0]), _copy(self.state[1])),
            resets={key: _copy(value) for key, value in self.resets.items()},
            e3b=None if self.e3b is None else _copy(self.e3b),
        )


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()


class Convention:
    """A way of calling agents: E4 to E7, and the new stack with tensors.

    Args:
        obs_dims: dimensions of one observation.
    """

    samples: ClassVar[bool] = True
    """Whether a call without actions draws some."""

    def __init__(self, obs_dims: int) -> None:
        self._obs_dims = obs_dims

    def arguments(self, agent: nn.Module, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        """A call's arguments by the names that the agent has for them."""
        return inspect.signature(type(agent).forward).bind(agent, *args, **kwargs).arguments

    def read(self, agent: Any, given: Arguments) -> Call:
        """What is asked; nothing is copied."""
        return Call(given["x"], given.get("action"), _state_of(given.get("state")))

    def write(self, agent: Any, call: Call) -> Arguments:
        """The arguments that ask it."""
        obs, action = call.obs, call.action
        if action is not None:  # with which the old stack wants steps
            obs = obs.unsqueeze(1) if obs.dim() == 1 + self._obs_dims else obs
            action = action.reshape(*obs.shape[:2], 2)
        return {"x": obs, "state": modules.PolicyState(*(call.state or ())), "action": action}

    def outputs(self, agent: Any, call: Call, given: Arguments, result: Any) -> Outputs:
        """What came of it, by name."""
        action, log_prob, entropy, value, *log_probs = result
        found = {"value": value, **_log_probs(log_probs), "log_prob": log_prob, "entropy": entropy}
        return {**found, **_sampled(call, action), **_named(_state_of(given.get("state")))}

    def ask(self, agent: Any, call: Call) -> Outputs:
        """Calls the agent."""
        given = self.write(agent, call)
        return flat(self.outputs(agent, call, given, agent(**given)))


class ByTuple(Convention):
    """E1 to E3a: the state is a pair, in and out; from E2c on the last result are the log-probabilities."""

    def read(self, agent: Any, given: Arguments) -> Call:
        return Call(given["x"], given.get("action"), given.get("state"), e3b=given.get("e3b"))

    def write(self, agent: Any, call: Call) -> Arguments:
        return {"x": call.obs, "state": call.state, "action": call.action, "e3b": call.e3b}

    def outputs(self, agent: Any, call: Call, given: Arguments, result: Any) -> Outputs:
        action, log_prob, entropy, value, state, e3b, reward, *rest = result
        found = {"value": value, **(_log_probs(rest[0]) if rest else {}), "log_prob": log_prob, "entropy": entropy}
        curious = {} if e3b is None else {"e3b": e3b, "intrinsic_reward": reward}
        return {**found, **_sampled(call, action), **_named(state), **curious}


class ByLogits(Convention):
    """E3b: logits and value, from which its callers sampled."""

    samples = False

    def outputs(self, agent: Any, call: Call, given: Arguments, result: Any) -> Outputs:
        logits, value = result
        any_action = logits[0].new_zeros((logits[0].shape[0], len(logits)))
        log_probs = legacy.sample_logits(logits, any_action)[-1]
        return {"value": value, **_log_probs(log_probs), **_named(_state_of(given["state"]))}


class ByMemory(Convention):
    """E8 to E11: a `TensorDict` in and out, and a state that the LSTM keeps per environment."""

    def read(self, agent: Any, given: Arguments) -> Call:
        td = given["td"]
        return Call(td["env_obs"], given.get("action"), self._memory(agent, td), _there(td, RESETS))

    def write(self, agent: Any, call: Call) -> Arguments:
        from tensordict import TensorDict  # here, since it takes as long to import as torch

        for core in _cores(agent):
            core.set_memory(({}, {}) if call.state is None else ({0: call.state[0]}, {0: call.state[1]}))
        batch = call.obs.shape[: call.obs.dim() - self._obs_dims]
        return {"td": TensorDict({"env_obs": call.obs, **call.resets}, batch_size=batch), "action": call.action}

    def outputs(self, agent: Any, call: Call, given: Arguments, result: Any) -> Outputs:
        value = result["values" if call.action is None else "value"]
        found = {"value": value, "log_probs": result["full_log_probs"], "log_prob": result["act_log_prob"]}
        found |= {"action": result["actions"]} if call.action is None else {"entropy": result["entropy"]}
        return {**found, **_named(self._memory(agent, given["td"]))}

    @staticmethod
    def _memory(agent: Any, td: Any) -> State | None:
        told = _there(td, ("training_env_id_start",)).values()
        number = int(next(iter(told)).flatten()[0]) if told else 0
        for core in _cores(agent):
            h, c = core.get_memory()
            if number in h and number in c:
                return h[number], c[number]
        return None


class ByMapping(Convention):
    """The new stack with a mapping: a `dict`, or a `TensorDict` in which the batch comes first."""

    names = ("value", "log_probs", "log_probs_0", "log_probs_1", "log_prob", "entropy", "intrinsic_reward")

    def read(self, agent: Any, given: Arguments) -> Call:
        data = given["x"]
        there = _there(data, (*STATE, "action", "e3b"))
        return Call(data["x"], there.get("action"), _state_in(data, STATE), _there(data, RESETS), there.get("e3b"))

    def write(self, agent: Any, call: Call) -> Arguments:
        rest = {key: value for key, value in (("action", call.action), ("e3b", call.e3b)) if value is not None}
        return {"x": {"x": call.obs, **_named(call.state), **call.resets, **rest}}

    def outputs(self, agent: Any, call: Call, given: Arguments, result: Any) -> Outputs:
        found = {**_there(result, self.names), **_sampled(call, result["action"])}
        found |= _named(_state_in(result, NEXT_STATE))
        return found | {key.removeprefix("next_"): value for key, value in _there(result, ("next_e3b",)).items()}


def convention_of(agent: nn.Module, obs_dims: int, given: Any = None) -> Convention:
    """How an agent is called.

    Args:
        agent: of either stack.
        obs_dims: dimensions of one observation.
        given: the first argument of a call, by which the new stack's two ways are told apart; if None, the mapping.
    """
    if not legacy.is_agent(agent):
        return (Convention if isinstance(given, Tensor) else ByMapping)(obs_dims)
    ways = (("", ByTuple), ("2025-04-30", ByLogits), ("2025-05-01", Convention), ("2025-08-07b", ByMemory))
    return [way for since, way in ways if legacy.date_of(agent) >= since][-1](obs_dims)


def flat(outputs: Outputs) -> Outputs:
    """Outputs without gradient and with one dimension for batch and time, which eras and stacks shape differently."""
    return {name: _flat(name, value.detach()) for name, value in outputs.items()}


def _flat(name: str, value: Tensor) -> Tensor:
    if name in ONE_PER_ROW:
        return value.reshape(-1)
    if name == "action":
        return value.reshape(-1, 2)
    return value.reshape(-1, value.shape[-1]) if name.startswith("log_probs") else value


def _log_probs(each: list[Tensor]) -> Outputs:
    return {"log_probs": each[0]} if len(each) == 1 else {f"log_probs_{i}": value for i, value in enumerate(each)}


def _sampled(call: Call, action: Any) -> Outputs:
    return {"action": action} if call.action is None else {}


def _there(data: Any, names: Iterable[str]) -> Outputs:
    keys = set(data.keys())  # a TensorDict has no `in`
    return {name: data[name] for name in names if name in keys}


def _state_of(carried: Any) -> State | None:
    h, c = getattr(carried, STATE[0], None), getattr(carried, STATE[1], None)
    return None if h is None or c is None else (h, c)


def _state_in(data: Any, names: tuple[str, str]) -> State | None:
    """A state as `[L, B, H]`, out of a mapping."""
    there = _there(data, names)
    if len(there) < len(names):
        return None
    h, c = (part.transpose(0, 1) if batch_dims(data) else part for part in there.values())
    return h, c


def _named(state: State | None) -> Outputs:
    return {} if state is None else dict(zip(STATE, state, strict=True))


def _cores(agent: Any) -> list[Any]:
    return [layer for layer in agent.components.values() if hasattr(layer, "get_memory")]
