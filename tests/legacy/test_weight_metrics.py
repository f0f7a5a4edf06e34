from __future__ import annotations

import pytest
import torch

from legacy.weight_metrics import analyze_weights

DIAGONAL = torch.diag(torch.tensor([8.0, 4.0, 2.0, 1.0, 1.0, 0.0, 0.0]))


def test_the_generator_is_used() -> None:  # trap 41
    before = torch.get_rng_state()
    analyze_weights(DIAGONAL, 0.01)
    assert not torch.equal(before, torch.get_rng_state())
    torch.set_rng_state(before)


def test_the_spectrum_is_described() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        metrics = analyze_weights(DIAGONAL, 0.01)
    assert metrics["weight_norm"] == torch.linalg.vector_norm(DIAGONAL).item()
    assert metrics["largest_sv"] == pytest.approx(8)
    assert metrics["mean_sv"] == pytest.approx(16 / 7)
    assert metrics["effective_rank"] == 5
    assert metrics["collapsed_dim_%"] == 0.0  # the noise lifts every value above 1e-10
    assert metrics["sv_loglog_slope"] < 0 < metrics["sv_loglog_r2"] < 1


def test_the_ratio_is_that_of_python_floats() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        ratio = analyze_weights(torch.rand(5, 3), 0.01)["sv_ratio"]
    assert ratio != torch.tensor(ratio, dtype=torch.float32).item()


def test_the_spectrum_is_that_of_the_full_decomposition() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weight = torch.rand(128, 96)
        state = torch.get_rng_state()
        found = analyze_weights(weight, 0.01)["largest_sv"]
        torch.set_rng_state(state)
        noisy = weight + torch.randn_like(weight) * 1e-7
    assert found == torch.linalg.svd(noisy).S[0].item()


def test_few_singular_values_have_no_line() -> None:
    with torch.random.fork_rng(devices=[]):
        assert "sv_loglog_r2" not in analyze_weights(DIAGONAL[:5], 0.01)
        assert "effective_rank" not in analyze_weights(DIAGONAL[:1], 0.01)


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (torch.zeros(0, 3), {"weight_norm": 0.0, "svd_error": "Empty tensor"}),
        (
            torch.tensor([3.0, -4.0]),
            {"weight_norm": 5.0, "svd_error": "Tensor must be at least 2-dimensional", "avg_abs_weight": 3.5},
        ),
    ],
)
def test_what_has_no_spectrum_says_why(weight: torch.Tensor, expected: dict[str, object]) -> None:
    assert analyze_weights(weight, 0.01) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_non_finite_weights_say_so(value: float) -> None:
    metrics = analyze_weights(torch.tensor([[1.0, value]]), 0.01)
    assert metrics["svd_error"] == "Tensor contains NaN or infinite values"
    assert set(metrics) == {"weight_norm", "svd_error", "avg_abs_weight"}
