"""From logits to what an agent returns: actions that are sampled or given, and how probable they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from modules.actions import ActionSpace, evaluate_actions, sample_actions
from modules.errors import InputError
from modules.heads import evaluate_two, sample_two

# B batch, T time, N = B * T, A flat actions


def act(
    logits: Tensor, data: Mapping[str, Any], batch: Sequence[int], space: ActionSpace, log_probs: str
) -> dict[str, Tensor]:
    """Scores the actions in `data`, or samples some.

    Args:
        logits: `[N, A]`.
        data: perhaps with `action` `[*batch, 2]` or `[N, 2]`.
        batch: `[B]` or `[B, T]`.
        space: which action is which logit.
        log_probs: see `modules.actions.sample_actions`.

    Returns:
        `action` `[N, 2]` if sampled, `log_prob` `[N]`, `entropy` `[N]`, `log_probs` `[N, A]`.

    Raises:
        InputError: "actions must be ...".
    """
    if "action" in data.keys():  # noqa: SIM118 - a TensorDict has no `in`
        index = space.to_index(_rows(data["action"], batch, logits.shape[0]))
        log_prob, entropy, every = evaluate_actions(logits, index, log_probs)
        return {"log_prob": log_prob, "entropy": entropy, "log_probs": every}
    index, log_prob, entropy, every = sample_actions(logits, log_probs)
    return {"action": space.to_action(index), "log_prob": log_prob, "entropy": entropy, "log_probs": every}


def _rows(action: Tensor, batch: Sequence[int], rows: int) -> Tensor:
    """Actions `[N, 2]` from those of a batch, with or without time."""
    shape = tuple(action.shape)
    if shape != (*batch, 2) and shape != (rows, 2):  # noqa: PLR1714 - a compiler does not find its symbols by `in`
        raise InputError(
            f"actions must be [B, 2] or [B, T, 2], one per observation, {rows} in all; got {list(action.shape)}"
        )
    return action.reshape(-1, 2)


def act_by_two_heads(logits: Sequence[Tensor], data: Mapping[str, Any]) -> dict[str, Tensor]:
    """Scores or samples type and parameter apart, each by its own head; `log_probs_0`, `log_probs_1` `[N, ...]`.

    Raises:
        InputError: "actions must be ...".
    """
    if "action" in data.keys():  # noqa: SIM118 - a TensorDict has no `in`
        given, rows = data["action"], logits[0].shape[0]
        if given.shape[-1] != 2 or given.numel() != 2 * rows:
            raise InputError(f"actions must be [..., 2], one per observation, {rows} in all; got {list(given.shape)}")
        log_prob, entropy, every = evaluate_two(logits, given.reshape(-1, 2))
        action = {}
    else:
        drawn, log_prob, entropy, every = sample_two(logits)
        action = {"action": drawn}
    each = {f"log_probs_{i}": value for i, value in enumerate(every)}
    return {**action, "log_prob": log_prob, "entropy": entropy, **each}
