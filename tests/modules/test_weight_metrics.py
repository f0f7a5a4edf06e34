from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import legacy.weight_metrics
from modules.weight_metrics import analyze_weights


@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.001, 0.9), st.floats(-4, 3), st.integers(0, 2**20))
def test_metrics_are_those_of_the_old_stack(rows: int, columns: int, delta: float, scale: float, seed: int) -> None:
    weight = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * 10**scale
    torch.manual_seed(seed)
    old = legacy.weight_metrics.analyze_weights(weight, delta)
    torch.manual_seed(seed)
    new = analyze_weights(weight, delta)
    assert new == pytest.approx(old, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("weight", [torch.full((2, 3), torch.nan), torch.tensor([[torch.inf, 1.0]]), torch.empty(0, 3)])
def test_weights_without_a_spectrum_say_so_as_in_the_old_stack(weight: Tensor) -> None:
    new, old = analyze_weights(weight, 0.01), legacy.weight_metrics.analyze_weights(weight, 0.01)
    assert "svd_error" in new
    assert new == pytest.approx(old, nan_ok=True)


def test_a_matrix_of_rank_two_has_the_effective_rank_two() -> None:
    weight = torch.diag(torch.tensor([5.0, 5.0, 0.0, 0.0]))
    assert analyze_weights(weight, 0.01)["effective_rank"] == 2


@given(st.integers(2, 40), st.integers(0, 2**20))
def test_leaving_nothing_out_needs_the_full_rank_whatever_rounding_does(size: int, seed: int) -> None:
    weight = torch.eye(size) + torch.randn(size, size, generator=torch.Generator().manual_seed(seed)) * 0.01
    assert analyze_weights(weight, 0.0)["effective_rank"] >= size - 1
