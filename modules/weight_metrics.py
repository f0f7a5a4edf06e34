"""Weight statistics for logs: norm, spectrum, effective rank."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

NOISE, SMALLEST = 1e-7, 1e-10


def analyze_weights(weight: Tensor, delta: float) -> dict[str, Any]:
    """Norm, spectrum and effective rank of a weight matrix, by the old stack's definitions.

    Args:
        weight: `[out, in]`. Noise of 1e-7, drawn from the global generator, is added before the decomposition.
        delta: share of the spectrum's sum that the effective rank may leave out.
    """
    if weight.numel() == 0:
        return {"weight_norm": 0.0, "svd_error": "Empty tensor"}
    norm = {"weight_norm": torch.linalg.norm(weight).item()}
    if not torch.isfinite(weight).all():
        average = weight.abs().mean().item()
        return {**norm, "svd_error": "Tensor contains NaN or infinite values", "avg_abs_weight": average}

    # The full decomposition, as in the old stack: `svdvals` differs in the last bits.
    singular = torch.linalg.svd(weight + torch.randn_like(weight) * NOISE, full_matrices=False).S
    ordered = singular.sort(descending=True).values
    nonzero = ordered[ordered > SMALLEST]
    metrics = {
        **norm,
        "mean_sv": singular.mean().item(),
        "largest_sv": ordered[0].item(),
        "collapsed_dim_%": (len(ordered) - len(nonzero)) / len(ordered),
        "sv_ratio": ordered[0].item() / nonzero[-1].item(),
    }
    if len(ordered) > 5:
        ranks = torch.arange(1, len(nonzero) + 1, dtype=torch.float32)
        slope, r_squared = _line(ranks.log(), (nonzero + SMALLEST).log().cpu())
        metrics.update(sv_loglog_r2=r_squared, sv_loglog_slope=slope)
    if len(singular) > 1:
        short = singular.cumsum(0) < (1 - delta) * singular.sum()
        metrics["effective_rank"] = min(int(short.sum()) + 1, len(singular))  # rounding may leave all of them short
    return metrics


def _line(x: Tensor, y: Tensor) -> tuple[float, float]:
    """Slope and r squared of the least-squares line, in float64."""
    centred = torch.stack([x, y]).double()
    centred = centred - centred.mean(dim=1, keepdim=True)
    (xx, xy), (_, yy) = (centred @ centred.T).tolist()
    return xy / xx, xy * xy / (xx * yy) if yy else 0.0
