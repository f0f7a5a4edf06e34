"""`BatchNorm1dModule` and `BatchNorm2dModule`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.batch_norm1d import BatchNorm1dModule
from modules.layers.batch_norm2d import BatchNorm2dModule

BOTH: list[Any] = [BatchNorm1dModule, BatchNorm2dModule]


@pytest.mark.parametrize("cls", BOTH)
def test_options_decide_what_is_in_the_state(cls: Any) -> None:
    statistics = ["norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]
    assert list(cls(2).state_dict()) == ["norm.weight", "norm.bias", *statistics]
    assert list(cls(2, affine=False).state_dict()) == statistics
    assert list(cls(2, track_running_stats=False).state_dict()) == ["norm.weight", "norm.bias"]


def test_training_moves_the_running_statistics_and_evaluation_uses_them() -> None:
    norm = BatchNorm1dModule(1, momentum=None)
    for x in (torch.tensor([[0.0], [2.0]]), torch.tensor([[4.0], [6.0]])):
        torch.testing.assert_close(norm.compute(x), torch.tensor([[-1.0], [1.0]]), atol=1e-4, rtol=0)
    assert norm.get_buffer("norm.running_mean").tolist() == [3.0]  # the average of all batches
    norm.eval()
    torch.testing.assert_close(norm.compute(torch.tensor([[3.0]])), torch.zeros(1, 1), atol=1e-4, rtol=0)


def test_torch_finds_the_layer_inside_to_synchronise_it() -> None:
    convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
    assert type(convert(BatchNorm2dModule(2)).norm) is nn.SyncBatchNorm


@pytest.mark.parametrize("shape", [(), (2, 3, 4)])
def test_a_vector_or_a_sequence_is_needed_for_one_dimension(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="needs a source with 1 or 2 dimensions besides the batch, got shape"):
        BatchNorm1dModule.from_context(BuildContext(in_shapes=(shape,)))


def test_an_image_is_needed_for_two() -> None:
    with pytest.raises(ConfigError, match=r"needs a source with 3 dimension\(s\) besides the batch, got shape \(2,\)"):
        BatchNorm2dModule.from_context(BuildContext(in_shapes=((2,),)))
    assert BatchNorm2dModule.from_context(BuildContext(in_shapes=((2, 3, 4),))) == {"num_features": 2}
