from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tensordict import TensorDict
from torch import Tensor, nn

from modules.base import MettaModule, WeightModule
from modules.errors import ConfigError, GraphError, InputError
from modules.layers.linear import LinearModule
from modules.wrappers import SafeModule


class Returns(MettaModule):
    def __init__(self, *results: Any, out_keys: tuple[str, ...], as_list: bool = False) -> None:
        super().__init__(["input"], out_keys)
        self.results = list(results) if as_list else results

    def compute(self, *inputs: Tensor) -> Any:
        return self.results


def test_the_proposals_sample_for_a_linear_module_runs_as_written() -> None:
    linear = LinearModule(in_features=10, out_features=16)
    result = linear({"input": torch.randn(4, 10)})
    assert result["output"].shape == (4, 16)


def test_a_dict_is_returned_itself_with_the_output_added() -> None:
    data = {"input": torch.randn(2, 3), "other": torch.ones(1)}
    assert LinearModule(3, 4)(data) is data
    assert list(data) == ["input", "other", "output"]


def test_a_tensordict_is_returned_itself_and_gets_the_values_that_a_dict_gets() -> None:
    linear, x = LinearModule(3, 4), torch.randn(2, 3)
    data = TensorDict({"input": x}, batch_size=[2])
    assert linear(data) is data
    assert torch.equal(data["output"], linear({"input": x})["output"])


@pytest.mark.parametrize("as_list", [False, True])
def test_a_tuple_or_list_of_one_tensor_per_key_is_written_in_order(as_list: bool) -> None:
    data = Returns(torch.ones(1), torch.zeros(1), out_keys=("a", "b"), as_list=as_list)({"input": torch.ones(1)})
    assert (data["a"].item(), data["b"].item()) == (1, 0)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_wrong_number_of_outputs_is_refused_and_nothing_is_written(number: int) -> None:
    data = {"input": torch.ones(1)}
    module = Returns(*[torch.ones(2)] * number, out_keys=("a", "b"))
    with pytest.raises(GraphError, match=rf"Returns computed {number} output\(s\) for 2 out_keys"):
        module(data)
    assert list(data) == ["input"]


def test_a_missing_input_is_named_with_what_is_there() -> None:
    message = "^LinearModule reads 'input', which the input lacks; the input has: x$"
    with pytest.raises(InputError, match=message):
        LinearModule(3, 4)({"x": torch.ones(1)})
    with pytest.raises(KeyError, match=message):
        LinearModule(3, 4)({"x": torch.ones(1)})


def test_a_tensor_is_no_mapping() -> None:
    with pytest.raises(InputError, match="LinearModule takes a mapping with input, got Tensor"):
        LinearModule(3, 4)(torch.ones(1, 3))


def test_a_dict_that_is_computed_is_refused() -> None:
    with pytest.raises(GraphError, match="Returns computed a dict for 'a'; it must return tensors"):
        Returns({"a": torch.ones(1)}, out_keys=("a",), as_list=True)({"input": torch.ones(1)})


def test_a_module_prints_its_keys_and_sizes() -> None:
    assert repr(LinearModule(3, 4)) == "LinearModule(input -> output, in_features=3, out_features=4)"
    assert repr(SafeModule(LinearModule(3, 4))) == "SafeModule(around LinearModule, input -> output)"


def test_sizes_may_be_numbers_of_numpy() -> None:
    size: Any = np.int64(3)
    assert LinearModule(size, 4)({"input": torch.ones(1, 3)})["output"].shape == (1, 4)


@pytest.mark.parametrize("keys", ["input", [3], [("nested", "key")]])
def test_keys_that_are_no_names_are_refused(keys: Any) -> None:
    with pytest.raises(ConfigError, match="in_keys must be a sequence of names"):
        MettaModule(keys, ["output"])


def test_a_module_without_compute_says_so() -> None:
    with pytest.raises(NotImplementedError, match=r"MettaModule has no compute\(\)"):
        MettaModule(["a"], ["b"])({"a": torch.ones(1)})


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "3"])
def test_sizes_must_be_positive_integers(size: Any) -> None:
    with pytest.raises(ConfigError, match="out_features must be a positive integer, got"):
        LinearModule(3, size)


def test_a_linear_layer_without_a_size_gives_as_much_as_it_takes() -> None:
    assert LinearModule(3).weight.shape == (3, 3)


@pytest.mark.parametrize(
    ("name", "reason"), [("Nope", "is not a class of torch.nn"), ("Linear", "cannot be made without arguments")]
)
def test_an_unusable_nonlinearity_is_refused(name: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"nonlinearity '{name}' {reason}"):
        LinearModule(3, 4, nonlinearity=name)


@pytest.mark.parametrize("name", ["ReLU", "Tanh"])
@torch.no_grad()
def test_a_nonlinearity_overwrites_nothing_that_others_read(name: str) -> None:
    class Skip(LinearModule):
        def compute(self, x: Tensor) -> Tensor:
            return x + self._activate(x)

    x, before = torch.eye(3) - 0.5, torch.eye(3) - 0.5
    linear, skip = LinearModule(3, 3, nonlinearity=name), Skip(3, 3, nonlinearity=name)
    weight = linear.weight.clone()
    linear.compute(x)
    assert torch.equal(skip.compute(x), before + getattr(torch, name.lower())(before))
    assert torch.equal(x, before)
    assert torch.equal(linear.weight, weight)


def test_an_unknown_initialization_is_refused() -> None:
    with pytest.raises(ConfigError, match="initialization must be orthogonal, xavier, normal or max_0_01, got 'he'"):
        LinearModule(3, 4, initialization="he")


@pytest.mark.parametrize("name", ["ReLU", "Tanh", "Sigmoid", "PReLU"])
def test_a_nonlinearity_is_the_one_of_torch(name: str) -> None:
    linear, x = LinearModule(3, 4, nonlinearity=name), torch.randn(2, 3)
    expected = getattr(nn, name)()(x @ linear.weight.T)
    torch.testing.assert_close(linear({"input": x})["output"], expected)


@pytest.mark.parametrize(("initialization", "largest"), [("xavier", (6 / 7) ** 0.5), ("normal", (2 / 3) ** 0.5)])
def test_the_clip_limit_comes_from_what_the_initialization_can_reach(initialization: str, largest: float) -> None:
    linear = LinearModule(3, 4, initialization=initialization, clip_range=0.5, clip_scale=2)
    assert linear.clip_value == pytest.approx(largest)


def test_the_clip_limit_of_an_orthogonal_weight_comes_from_its_largest_entry() -> None:
    linear = LinearModule(3, 4, clip_range=0.5)
    assert linear.clip_value == 0.5 * linear.weight.max().item()


def test_clipping_clamps_the_weight_in_place_and_leaves_the_bias() -> None:
    linear = LinearModule(3, 4, initialization="max_0_01", clip_range=1)
    storage = linear.weight.data_ptr()
    nn.init.constant_(linear.weight, 7)
    nn.init.constant_(linear.get_parameter("bias"), 7)
    linear.clip_weights()
    assert linear.weight.data_ptr() == storage
    assert torch.equal(linear.weight, torch.full((4, 3), 0.01))
    assert torch.equal(linear.get_parameter("bias"), torch.full((4,), 7.0))


def test_clip_scale_zero_exempts_a_weight() -> None:
    linear = LinearModule(3, 4, clip_range=1, clip_scale=0)
    nn.init.constant_(linear.weight, 7)
    linear.clip_weights()
    assert linear.clip_value == 0
    assert torch.equal(linear.weight, torch.full((4, 3), 7.0))


@pytest.mark.parametrize(("scale", "kept"), [(None, True), (0, False), (1.5, True)])
def test_the_anchor_is_kept_unless_its_scale_is_zero(scale: float | None, kept: bool) -> None:
    linear = LinearModule(3, 4, l2_init_scale=scale)
    assert (linear.initial_weights is not None) is kept


def test_analysis_of_weights_is_off_unless_asked_for() -> None:
    assert LinearModule(3, 4).analyze_weights is None
    assert LinearModule(3, 4, analyze_weights=None).analyze_weights is None


def test_a_seed_gives_the_weights_that_torch_and_then_the_initialization_draw() -> None:
    torch.manual_seed(5)
    ours = LinearModule(3, 4).weight
    torch.manual_seed(5)
    layer = nn.Linear(3, 4)
    nn.init.orthogonal_(layer.weight)
    assert torch.equal(ours, layer.weight)


def test_a_module_without_sources_must_say_its_shape() -> None:
    with pytest.raises(ConfigError, match="has no sources, so MettaModule must define output_shape"):
        MettaModule.output_shape((), {})


def test_weight_modules_are_metta_modules() -> None:
    assert issubclass(WeightModule, MettaModule)
