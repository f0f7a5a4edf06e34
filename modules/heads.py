"""Agents with two heads, which draw type and parameter of an action apart, and their curiosity reward."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from modules.actions import clamped_entropy

# N batch times time, K types, P parameters, H hidden

TWO_HEADS = ("_action_type_", "_action_param_")
DECAY = 0.99


def sample_two(logits: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """Draws one action per row and head, in the order of the heads, from the global generator.

    Args:
        logits: `[N, K]` and `[N, P]`.

    Returns:
        Action `[N, 2]` int64, its log-probability `[N]`, entropy `[N]`, log-probabilities of each head.
    """
    log_probs = [each - each.logsumexp(dim=-1, keepdim=True) for each in logits]
    drawn = [torch.multinomial(F.softmax(each, dim=-1), 1).squeeze(-1) for each in logits]
    log_prob, entropy = _score(log_probs, drawn)
    return torch.stack(drawn).T, log_prob, entropy, log_probs


def evaluate_two(logits: Sequence[Tensor], action: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Log-probability `[N]` of given actions `[N, 2]`, entropy `[N]`, log-probabilities of each head."""
    log_probs = [each - each.logsumexp(dim=-1, keepdim=True) for each in logits]
    return (*_score(log_probs, list(action.T)), log_probs)


def _score(log_probs: Sequence[Tensor], action: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    chosen = [
        each.gather(-1, index.long().unsqueeze(-1)).squeeze(-1) for each, index in zip(log_probs, action, strict=True)
    ]
    entropies = [clamped_entropy(each) for each in log_probs]
    return torch.stack(chosen).T.sum(1), torch.stack(entropies).T.sum(1)


def intrinsic(hidden: Tensor, e3b: Tensor) -> tuple[Tensor, Tensor]:
    """The episodic novelty of E3B (Henaff et al., 2022): how little the inverse covariance expects a hidden state.

    Args:
        hidden: `[N, H]`, of which no gradient is taken.
        e3b: `[N, H, H]`, the inverse covariance so far.

    Returns:
        The next inverse covariance `[N, H, H]`, and the reward `[N]`.
    """
    phi = hidden.detach()
    u = phi.unsqueeze(1) @ e3b
    reward = u @ phi.unsqueeze(2)
    return DECAY * e3b - (u.mT @ u) / (1 + reward), reward.squeeze()
