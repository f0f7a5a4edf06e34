"""Sampling and log-probabilities of E1 to E3: type and parameter of an action drawn apart."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def sample_logits(
    logits: Sequence[Tensor], action: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """Draws one action per row and head, in the order of the heads, or scores given ones.

    Quirk kept: a single row loses its dimension when it is drawn (trap 55).

    Args:
        logits: `[N, K]` per head.
        action: `[N, heads]`, or None to draw from the global generator.

    Returns:
        Action `[N, heads]` int64 (`[heads]` for one row), its log-probability `[N]`, entropy `[N]`, and per head the
        log-probabilities of everything.
    """
    normalized = [each - each.logsumexp(dim=-1, keepdim=True) for each in logits]
    if action is None:
        drawn = torch.stack([torch.multinomial(F.softmax(each, dim=-1), 1).squeeze() for each in logits])
    else:
        drawn = action.view(logits[0].shape[0], -1).T
    log_prob = torch.stack([_log_prob(each, index) for each, index in zip(normalized, drawn, strict=True)]).T.sum(1)
    entropy = torch.stack([_entropy(each) for each in normalized]).T.sum(1)
    return drawn.movedim(0, -1), log_prob, entropy, normalized


def _log_prob(normalized: Tensor, index: Tensor) -> Tensor:
    chosen, table = torch.broadcast_tensors(index.long().unsqueeze(-1), normalized)  # type: ignore[no-untyped-call]
    log_prob: Tensor = table.gather(-1, chosen[..., :1]).squeeze(-1)
    return log_prob


def _entropy(normalized: Tensor) -> Tensor:
    clamped = torch.clamp(normalized, min=torch.finfo(normalized.dtype).min)
    return -(clamped * F.softmax(clamped, dim=-1)).sum(-1)
