"""`BatchNorm1d` and `BatchNorm2d`."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.batch_norm1d import BatchNorm1d
from legacy.layers.batch_norm2d import BatchNorm2d
from tests.legacy._build import Source, build, run

VECTOR = Source("x", torch.tensor([[0.0, 4.0], [2.0, 8.0]]))
IMAGE = Source("x", torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)))
BOTH = [(BatchNorm1d, VECTOR), (BatchNorm2d, IMAGE)]


@pytest.mark.parametrize(("cls", "source"), BOTH)
def test_the_state_has_the_names_that_checkpoints_hold(cls: Any, source: Source) -> None:
    layer = build(cls, source)
    assert list(layer.state_dict()) == [
        *("_net.weight", "_net.bias", "_net.running_mean", "_net.running_var", "_net.num_batches_tracked"),
    ]
    assert list(build(cls, source, nn_params={"affine": False, "track_running_stats": False}).state_dict()) == []


def test_training_normalises_by_the_batch_and_moves_the_running_statistics() -> None:
    layer = build(BatchNorm1d, VECTOR, nn_params={"momentum": 0.5})
    torch.testing.assert_close(run(layer), torch.tensor([[-1.0, -1], [1, 1]]), atol=1e-4, rtol=0)
    assert layer._net.running_mean.tolist() == [0.5, 3.0]
    assert layer._net.num_batches_tracked == 1


def test_evaluation_uses_the_running_statistics() -> None:
    layer = build(BatchNorm1d, VECTOR).eval()
    torch.testing.assert_close(run(layer), VECTOR.value, atol=1e-4, rtol=0)
    assert layer._net.num_batches_tracked == 0


def test_another_rank_is_found_at_forward_only() -> None:
    layer = build(BatchNorm2d, VECTOR)
    with pytest.raises(ValueError, match="expected 4D input"):
        run(layer)
