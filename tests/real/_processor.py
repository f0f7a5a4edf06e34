"""Whether this processor rounds as the recorder's did, and what records must have in common where it does not."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import nn

from tests.real._golden_passes import describe

RECORDED = "27cd1038727706ce"
"""What the recorder's made of the first weight that seed 0 draws for `simple`, `[64, 14, 5, 5]`."""
NOISE = 1e-3
"""How far apart numbers of two processors may be, relative to the mean magnitude of their tensor."""
UNSTABLE = {"weight_metrics_seed77"}
"""Lines fitted to the singular values of orthogonal weights, which are all but equal: the last bits decide them."""


@cache
def rounds_as_recorded() -> bool:
    """Whether torch alone, without any code of ours, draws the same first weight.

    Its kernels for decompositions and products of matrices round by the model of the processor, caches included, and no
    setting makes them alike. The old weights were drawn with such a decomposition.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weight = nn.Conv2d(14, 64, kernel_size=5, stride=3).weight
        nn.init.orthogonal_(weight)
    return bool(describe(weight)["sha256"] == RECORDED)


def check_near(found: Any, recorded: Any, place: str) -> None:
    """Asserts that two records differ by nothing but rounding.

    Args:
        found: what was computed here.
        recorded: what the recorder's processor made of it.
        place: where this stands in a golden.
    """
    if isinstance(recorded, dict) and "sha256" in recorded:
        assert [found[key] for key in ("shape", "dtype")] == [recorded[key] for key in ("shape", "dtype")], place
        if recorded["dtype"].startswith("float"):  # a sampled action may be another one
            size = recorded["abssum"] / max(1, torch.Size(recorded["shape"]).numel())
            near = pytest.approx([recorded["abssum"], *recorded["first"]], rel=NOISE, abs=NOISE * size, nan_ok=True)
            assert [found["abssum"], *found["first"]] == near, place
    elif isinstance(recorded, dict):
        assert found.keys() == recorded.keys(), place
        for key in recorded:
            check_near(found[key], recorded[key], f"{place}/{key}")
    elif isinstance(recorded, list):
        assert len(found) == len(recorded), place
        for i, (here, there) in enumerate(zip(found, recorded, strict=True)):
            check_near(here, there, f"{place}/{i}")
    else:
        assert found == (pytest.approx(recorded, rel=NOISE) if isinstance(recorded, float) else recorded), place
