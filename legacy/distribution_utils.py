"""Sampling and log-probabilities of E4 to E11, on the global generator of the logits' device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def sample_actions(logits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draws one action per row.

    Args:
        logits: `[N, A]`.

    Returns:
        Index `[N]` int64, its log-probability `[N]`, entropy `[N]`, log-probabilities `[N, A]`.
    """
    log_probs = F.log_softmax(logits, dim=-1)
    probs = torch.exp(log_probs)
    index = torch.multinomial(probs, num_samples=1).view(-1)
    log_prob = log_probs[torch.arange(index.shape[0], device=index.device), index]
    return index, log_prob, -torch.sum(probs * log_probs, dim=-1), log_probs


def evaluate_actions(logits: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probability `[N]` of given action indices `[N]`, entropy `[N]`, log-probabilities `[N, A]`."""
    log_probs = F.log_softmax(logits, dim=-1)
    probs = torch.exp(log_probs)
    log_prob = log_probs[torch.arange(index.shape[0], device=index.device), index]
    return log_prob, -torch.sum(probs * log_probs, dim=-1), log_probs


def sample_logits(logits: Tensor, action: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """E4a and E4b: the same by `logits - logsumexp`, whose last bits differ.

    Args:
        logits: `[N, A]`.
        action: index `[N]` to evaluate, or None to draw one.

    Returns:
        Index `[N]` int64, its log-probability `[N]`, entropy `[N]`, log-probabilities `[N, A]`.
    """
    normalized = logits - logits.logsumexp(dim=-1, keepdim=True)
    probs = F.softmax(normalized, dim=-1)
    if action is None:
        action = torch.multinomial(probs, 1, replacement=True).reshape(logits.shape[0])
    log_prob = normalized.gather(-1, action.long().unsqueeze(-1)).squeeze(-1)
    clamped = normalized.clamp(min=torch.finfo(normalized.dtype).min)
    entropy = -(clamped * F.softmax(clamped, dim=-1)).sum(-1)
    return action, log_prob, entropy, normalized
