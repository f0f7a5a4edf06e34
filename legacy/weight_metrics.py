"""Weight statistics that the old trainer logged, computed as the old code computed them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

NOISE, SMALLEST = 1e-7, 1e-10


def analyze_weights(weight: Tensor, delta: float) -> dict[str, Any]:
    """Norm, spectrum and effective rank of a weight matrix.

    Quirk kept: the spectrum is that of the weight plus noise drawn from the global generator (trap 41).

    Args:
        weight: `[out, in]`.
        delta: share of the spectrum's sum that the effective rank may leave out.
    """
    norm = torch.linalg.vector_norm(weight).item()  # the Frobenius norm, of a tensor of any rank
    if weight.numel() == 0:
        return {"weight_norm": 0.0, "svd_error": "Empty tensor"}
    size = {"weight_norm": norm, "avg_abs_weight": weight.abs().mean().item()}
    if not torch.isfinite(weight).all():
        return {**size, "svd_error": "Tensor contains NaN or infinite values"}
    if weight.dim() < 2:
        return {**size, "svd_error": "Tensor must be at least 2-dimensional"}

    # The full decomposition, whose values differ from those of `svdvals` in the last bits.
    singular = torch.linalg.svd(weight + torch.randn_like(weight) * NOISE, full_matrices=False).S
    ordered = torch.sort(singular, descending=True).values
    nonzero = ordered[ordered > SMALLEST]
    metrics: dict[str, Any] = {
        "weight_norm": norm,
        "mean_sv": singular.mean().item(),
        "largest_sv": ordered[0].item(),
        "collapsed_dim_%": (len(ordered) - len(nonzero)) / len(ordered),
        "sv_ratio": ordered[0].item() / nonzero[-1].item(),
    }
    if len(ordered) > 5:
        from scipy import stats  # here, since it takes a second to import and few processes measure

        ranks = torch.arange(1, len(nonzero) + 1, dtype=torch.float32)
        line = stats.linregress(torch.log(ranks).numpy(), torch.log(nonzero + SMALLEST).cpu().numpy())
        metrics["sv_loglog_r2"] = line.rvalue**2
        metrics["sv_loglog_slope"] = line.slope
    if len(singular) > 1:
        metrics["effective_rank"] = _rank(singular, delta)
    return metrics


def effective_rank(weight: Tensor, delta: float) -> Any:
    """How many singular values make up all but `delta` of the sum; what E1 to E3a logged, without noise."""
    return _rank(torch.linalg.svd(weight, full_matrices=False).S, delta)


def _rank(singular: Tensor, delta: float) -> Any:
    cumulative = torch.cumsum(singular, dim=0)
    return torch.where(cumulative >= (1 - delta) * singular.sum())[0][0].item() + 1
