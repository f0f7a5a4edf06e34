from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from legacy.layers.conv2d import Conv2d
from legacy.layers.linear import Linear
from tests.legacy._build import Source, build

X = torch.ones(2, 4)
SEED_OF_A_LARGER_MINIMUM = 3


def linear(seed: int = 0, **config: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(Linear, Source("x", X), **{"nn_params": {"out_features": 6}, "clip_range": 0, **config})


def weight(layer: Any) -> torch.Tensor:
    data: torch.Tensor = layer.weight_net.weight.data
    return data


def test_the_nonlinearity_is_relu_unless_null_removes_it() -> None:  # trap 6
    assert isinstance(linear()._net[1], nn.ReLU)
    assert list(linear().state_dict()) == ["_net.0.weight", "_net.0.bias"]
    assert list(linear(nonlinearity=None).state_dict()) == ["_net.weight", "_net.bias"]


@pytest.mark.parametrize("path", ["nn.Tanh", "x.Tanh", ".Tanh"])
def test_the_part_before_the_dot_is_ignored(path: str) -> None:
    assert isinstance(linear(nonlinearity=path)._net[1], nn.Tanh)


@pytest.mark.parametrize("path", ["ReLU", "torch.nn.ReLU", "nn.NoSuchThing", ""])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match=f"^Unsupported nonlinearity: {path}$"):
        linear(nonlinearity=path)


def test_a_nonlinearity_that_needs_arguments_fails_as_it_does() -> None:
    with pytest.raises(TypeError, match="missing 2 required positional arguments: 'threshold' and 'value'"):
        linear(nonlinearity="nn.Threshold")


def test_the_gain_is_that_of_tanh_for_its_exact_name_alone() -> None:
    def norm(path: str) -> float:
        return float(torch.linalg.matrix_norm(weight(linear(nonlinearity=path)), 2))

    assert norm("nn.Tanh") == pytest.approx(math.sqrt(2), rel=1e-5)
    assert norm("x.Tanh") == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(
    ("method", "largest"), [("Xavier", math.sqrt(6 / 10)), ("normal", math.sqrt(2 / 4)), ("MAX_0_01", 0.01)]
)
def test_largest_weight_is_the_bound_of_the_initialization(method: str, largest: float) -> None:
    layer = linear(initialization=method, clip_range=1.0)
    assert layer.largest_weight == largest
    assert layer.clip_value == largest
    if method != "normal":
        assert weight(layer).abs().max() <= largest


@pytest.mark.parametrize("method", ["xavier", "normal"])
def test_their_limits_are_numpy_scalars(method: str) -> None:  # trap 54
    layer = linear(initialization=method, clip_range=1.0)
    assert type(layer.largest_weight) is type(layer.clip_value) is np.float64


def test_fans_of_a_convolution_are_channels_without_the_kernel() -> None:
    image = Source("x", torch.ones(1, 2, 5, 5))
    params = {"out_channels": 4, "kernel_size": 3, "stride": 1}
    layer = build(Conv2d, image, nn_params=params, initialization="xavier", clip_range=1.0)
    assert layer.largest_weight == math.sqrt(6 / (2 + 4))


def test_other_initializations_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Invalid initialization method: zeros$"):
        linear(initialization="zeros")


def test_no_initialization_at_all_fails() -> None:
    with pytest.raises(AttributeError, match="lower"):
        linear(initialization=None)


def test_the_bias_starts_at_zero() -> None:
    assert not linear().weight_net.bias.any()
    assert linear(nn_params={"out_features": 6, "bias": False}).weight_net.bias is None


def test_the_clip_limit_is_the_signed_maximum_of_an_orthogonal_weight() -> None:  # trap 13
    layer = linear(seed=SEED_OF_A_LARGER_MINIMUM, clip_range=1.0)
    assert layer.clip_value == weight(layer).max().item()
    assert -weight(layer).min() > layer.clip_value
    layer.clip_weights()
    assert weight(layer).min() == -torch.tensor(layer.clip_value)


def test_the_clip_limit_is_frozen_at_construction() -> None:  # trap 13
    layer, other = linear(clip_range=1.0), linear(clip_range=1.0)
    limit = layer.clip_value
    layer.load_state_dict({key: value * 2 for key, value in other.state_dict().items()})
    assert layer.clip_value == limit


def test_clip_scale_multiplies_the_limit_and_zero_lifts_it() -> None:
    assert linear(clip_range=1.0, clip_scale=0.5).clip_value == linear(clip_range=1.0).clip_value / 2
    layer = linear(clip_range=1.0, clip_scale=0)
    before = weight(layer).clone()
    layer.clip_weights()
    assert (layer.clip_value, type(layer.clip_value)) == (0, int)
    assert torch.equal(weight(layer), before)


@pytest.mark.parametrize("config", [{"clip_scale": None}, {"clip_range": None}])
def test_a_missing_factor_of_the_limit_is_a_type_error(config: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="NoneType"):
        linear(**config)


def test_clipping_gives_the_parameter_new_storage_and_leaves_the_bias() -> None:  # trap 14
    layer = linear(clip_range=0.5)
    layer.weight_net.bias.data.fill_(99)
    parameter, storage = layer.weight_net.weight, weight(layer).data_ptr()
    layer.clip_weights()
    assert layer.weight_net.weight is parameter
    assert weight(layer).data_ptr() != storage
    assert (layer.weight_net.bias == 99).all()


def test_losses_read_data_and_carry_no_gradient() -> None:  # trap 9
    layer = linear(l2_norm_scale=2.0, l2_init_scale=3.0)
    before = weight(layer).clone()
    layer.weight_net.weight.data += 1
    assert layer.l2_reg_loss() == (weight(layer) ** 2).sum() * 2
    assert layer.l2_init_loss() == ((weight(layer) - before) ** 2).sum() * 3
    assert not layer.l2_reg_loss().requires_grad
    assert not layer.l2_init_loss().requires_grad


@pytest.mark.parametrize(
    "config", [{}, {"l2_norm_scale": None, "l2_init_scale": None}, {"l2_norm_scale": 0, "l2_init_scale": 0}]
)
def test_before_e5c_no_scale_means_a_loss_of_zero(config: dict[str, Any]) -> None:  # trap 10
    layer = linear(**config)
    layer.weight_net.weight.data += 1
    assert layer.l2_reg_loss().item() == layer.l2_init_loss().item() == 0.0


def test_the_anchor_is_kept_without_a_scale_but_not_for_zero() -> None:
    assert torch.equal(linear().initial_weights, weight(linear()))
    layer = linear(l2_init_scale=0)
    layer.update_l2_init_weight_copy()
    assert layer.initial_weights is None


def test_the_anchor_moves_a_tenth_towards_the_weight() -> None:
    layer = linear()
    start = layer.initial_weights.clone()
    layer.weight_net.weight.data += 1
    layer.update_l2_init_weight_copy()
    assert torch.equal(layer.initial_weights, start * 0.9 + weight(layer) * (1 - 0.9))


def test_the_anchor_is_a_plain_tensor_that_stays_behind() -> None:  # trap 11
    layer = linear(l2_init_scale=1.0)
    trained = {key: value + 1 for key, value in layer.state_dict().items()}
    assert not [key for key in trained if "initial" in key]
    layer.load_state_dict(trained)
    assert layer.l2_init_loss() == pytest.approx(24, rel=1e-5)
    assert layer.double().initial_weights.dtype == torch.float32


def test_metrics_are_for_layers_with_a_matrix_that_ask_for_them() -> None:
    assert linear().compute_weight_metrics() is None
    assert linear(effective_rank=True).compute_weight_metrics() is None  # trap 18
    assert linear(analyze_weights=True).compute_weight_metrics()["name"] == "tested"
    image = Source("x", torch.ones(1, 2, 5, 5))
    params = {"out_channels": 4, "kernel_size": 3, "stride": 1}
    conv = build(Conv2d, image, nn_params=params, analyze_weights=True, clip_range=0)
    assert conv.compute_weight_metrics() is None


def test_torch_initialises_first_and_so_draws_from_the_generator() -> None:
    layer = linear()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Linear(4, 6)
        nn.init.orthogonal_(net.weight)
    assert torch.equal(weight(layer), net.weight.data)
