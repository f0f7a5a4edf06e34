from __future__ import annotations

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.feature_list_normalizer import FeatureListNormalizerModule


def batches(count: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    scale, shift = torch.tensor([1.0, 20.0, 0.1]).view(1, 3, 1, 1), torch.tensor([0.0, 5.0, -3.0]).view(1, 3, 1, 1)
    return [torch.randn(n + 1, 3, 4, 5, generator=generator) * scale + shift for n in range(count)]


def test_the_statistics_are_those_of_all_that_was_seen_in_training() -> None:
    normalizer = FeatureListNormalizerModule(3)
    for x in batches(4):
        normalizer.compute(x)
    seen = torch.cat(batches(4)).double().transpose(0, 1).flatten(1)
    torch.testing.assert_close(normalizer.running_mean, seen.mean(1))
    torch.testing.assert_close(normalizer.running_var, seen.var(1, unbiased=False))
    assert normalizer.count.tolist() == [seen.shape[1]] * 3


def test_each_feature_is_normalised_by_its_own() -> None:
    normalizer, (x,) = FeatureListNormalizerModule(3), batches(1)
    result = normalizer.compute(x)
    assert (result.shape, result.dtype) == (x.shape, torch.float32)
    torch.testing.assert_close(result.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(result.var((0, 2, 3), unbiased=False), torch.ones(3), atol=2e-3, rtol=0)


def test_evaluation_leaves_the_statistics_alone() -> None:
    normalizer = FeatureListNormalizerModule(3).eval()
    before = {key: value.clone() for key, value in normalizer.state_dict().items()}
    (x,) = batches(1)
    torch.testing.assert_close(normalizer.compute(x), x.clamp(-5, 5), atol=1e-4, rtol=1e-4)
    assert all(torch.equal(value, before[key]) for key, value in normalizer.state_dict().items())
    assert {value.dtype for value in before.values()} == {torch.float64}


def test_results_are_clipped() -> None:
    normalizer = FeatureListNormalizerModule(1, clip=2.0).eval()
    assert normalizer.compute(torch.tensor([-9.0, 0.0, 9.0]).view(1, 1, 1, 3)).flatten().tolist() == [-2, 0, 2]


def test_a_feature_without_variance_becomes_0() -> None:
    assert not FeatureListNormalizerModule(1).compute(torch.full((2, 1, 3, 3), 7, dtype=torch.uint8)).any()


def test_gradients_reach_the_input_and_not_the_statistics() -> None:
    normalizer, (x,) = FeatureListNormalizerModule(3), batches(1)
    x.requires_grad_()
    normalizer.compute(x).square().sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert not any(buffer.requires_grad for buffer in normalizer.buffers())


def test_the_number_of_features_is_that_of_an_image() -> None:
    assert FeatureListNormalizerModule.from_context(BuildContext(in_shapes=((3, 4, 5),))) == {"num_features": 3}
    with pytest.raises(ConfigError, match="num_features must be a positive integer, got 0"):
        FeatureListNormalizerModule(0)
