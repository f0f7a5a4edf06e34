"""From logits to actions and back: sampling, log-probabilities, and the index of `(type, parameter)` pairs."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.errors import ConfigError, InputError

# N batch times time, A flat actions, K action types


def sample_actions(logits: Tensor, how: str = "log_softmax") -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draws one action per row from the global generator of the logits' device.

    Args:
        logits: `[N, A]`.
        how: `log_softmax`, or `logsumexp` for the same function with the last bits of the earliest old stack.

    Returns:
        Index `[N]` int64, its log-probability `[N]`, entropy `[N]`, log-probabilities `[N, A]`.
    """
    if how == "logsumexp":
        return _by_logsumexp(logits)
    log_probs = F.log_softmax(logits, dim=-1)
    probs = log_probs.exp()
    index = torch.multinomial(probs, num_samples=1).view(-1)
    log_prob, entropy = _score(log_probs, probs, index)
    return index, log_prob, entropy, log_probs


def evaluate_actions(logits: Tensor, index: Tensor, how: str = "log_softmax") -> tuple[Tensor, Tensor, Tensor]:
    """Log-probability `[N]` of given action indices `[N]`, entropy `[N]`, log-probabilities `[N, A]`."""
    if how == "logsumexp":
        return _by_logsumexp(logits, index)[1:]
    # exp before the gather: autograd adds the gradients of log_probs up in the reverse order of its uses.
    log_probs = F.log_softmax(logits, dim=-1)
    return (*_score(log_probs, log_probs.exp(), index), log_probs)


def _score(log_probs: Tensor, probs: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    log_prob = log_probs.gather(-1, index.unsqueeze(-1)).squeeze(-1)
    return log_prob, -torch.sum(probs * log_probs, dim=-1)


def _by_logsumexp(logits: Tensor, index: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    log_probs = logits - logits.logsumexp(dim=-1, keepdim=True)
    probs = F.softmax(log_probs, dim=-1)
    if index is None:
        index = torch.multinomial(probs, 1, replacement=True).reshape(logits.shape[0])
    log_prob = log_probs.gather(-1, index.unsqueeze(-1)).squeeze(-1)
    return index, log_prob, clamped_entropy(log_probs), log_probs


def clamped_entropy(log_probs: Tensor) -> Tensor:
    """Entropy `[N]` of `[N, A]`, where an impossible action counts as 0 and not as NaN."""
    clamped = log_probs.clamp(min=torch.finfo(log_probs.dtype).min)
    return -(clamped * F.softmax(clamped, dim=-1)).sum(-1)


DTYPES = {"int64": torch.int64, "int32": torch.int32}


class ActionSpace(nn.Module):
    """The flat list of `(type, parameter)` pairs: type 0 with parameters 0 to its maximum, type 1, ...

    Both tables are buffers, so they follow the agent to its device; they are derived, so no state dict has them.

    Args:
        names: one per action type.
        max_params: the largest parameter of each type, inclusive.
        dtype: of actions, `int64` or `int32`.

    Raises:
        InputError: "got ... action names and ...", "the maximum parameter of ... must be an integer >= 0 ...".
    """

    cumulative: Tensor
    pairs: Tensor

    def __init__(self, names: Sequence[str], max_params: Sequence[int], dtype: str = "int64") -> None:
        super().__init__()
        if len(names) != len(max_params) or not names:
            numbers = f"{len(names)} action names and {len(max_params)} maximum parameters"
            raise InputError(f"got {numbers}; give one of each per action type")
        self.names = list(names)
        self.max_params = [_max_param(name, largest) for name, largest in zip(names, max_params, strict=True)]
        if dtype not in DTYPES:
            raise InputError(f"action_dtype must be {' or '.join(DTYPES)}, got {dtype!r}")
        pairs = [[kind, i] for kind, largest in enumerate(self.max_params) for i in range(largest + 1)]
        self.register_buffer("pairs", torch.tensor(pairs, dtype=DTYPES[dtype]), persistent=False)
        self.register_buffer("cumulative", torch.tensor([0, *self.max_params]).cumsum(0), persistent=False)

    @property
    def pair_names(self) -> list[str]:
        """One name per flat action, `<name>_<parameter>`."""
        types = zip(self.names, self.max_params, strict=True)
        return [f"{name}_{i}" for name, largest in types for i in range(largest + 1)]

    def to_index(self, action: Tensor) -> Tensor:
        """`[N, 2]` `(type, parameter)` -> flat index `[N]` int64.

        As in the old stack there is no range check: a parameter above its maximum is the next action.
        """
        kind, parameter = action[:, 0].long(), action[:, 1].long()
        return kind + self.cumulative[kind] + parameter

    def to_action(self, index: Tensor) -> Tensor:
        """Flat index `[N]` -> `[N, 2]`."""
        return self.pairs[index]


def _max_param(name: str, largest: Any) -> int:
    try:
        number = operator.index(largest)
    except TypeError:
        number = -1
    if number < 0:
        raise InputError(
            f"the maximum parameter of {name!r} must be an integer >= 0, which is inclusive; got {largest!r}"
        )
    return number


def refuse_other_rows(agent: Any, _: Any) -> None:
    """Compares what a state dict brought with the actions that are active: it has rows, but neither names nor order.

    Raises:
        InputError: "the state that was loaded has other active actions ...".
    """
    for module in agent.components.modules() if agent.action_space is not None else ():
        active, row_of = getattr(module, "active_indices", None), getattr(module, "rows", None)
        if isinstance(active, Tensor) and isinstance(row_of, Mapping) and not active.is_meta:
            rows = [row_of.get(name) for name in agent.action_space.pair_names]
            if active.tolist() != rows:
                found = f"rows {active.tolist()}, not {rows}"
                raise InputError(
                    f"the state that was loaded has other active actions than this agent: {found}; use save_agent and "
                    "load_agent, which keep names too, or first activate what was activated there, in the same order"
                )


def named_actions(actions: Any) -> tuple[list[str], list[int]]:
    """Names and largest parameters, as a config says them.

    Raises:
        ConfigError: "actions must be ...".
    """
    lists = [actions.get(key) for key in ("names", "max_params")] if isinstance(actions, dict) else [None]
    if not all(isinstance(each, list) for each in lists):
        raise ConfigError(f"actions must be a mapping with names and max_params, lists both, got {actions!r}")
    return actions["names"], actions["max_params"]
