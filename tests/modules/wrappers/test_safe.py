"""`SafeModule` stops at what is wrong, and says where it is."""

from __future__ import annotations

import copy
import re
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from modules import LinearModule, MettaModule, SafeModule
from modules.errors import ConfigError, SafetyError, SafetyWarning

NAN, INF = float("nan"), float("inf")


class Given(MettaModule):
    """Writes what it reads."""

    def __init__(self, out_keys: tuple[str, ...] = ("_action_",)) -> None:
        super().__init__([f"in_{i}" for i in range(len(out_keys))], out_keys)

    def compute(self, *x: Tensor) -> Any:
        return x if len(x) > 1 else x[0]


class Blind(Given):
    """Writes what no input can spoil."""

    def compute(self, *x: Tensor) -> Any:
        return torch.ones_like(x[0])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            [[1.0, NAN], [-2.0, 4.0]],
            (
                "NaN detected in input 'input' of component 'output' (LinearModule), shape [2, 2]: "
                "1 NaN and 0 infinite of 4 elements, the others lie in [-2, 4]"
            ),
        ),
        (
            [[INF, -INF]],
            (
                "Inf detected in input 'input' of component 'output' (LinearModule), shape [1, 2]: "
                "0 NaN and 2 infinite of 2 elements, and nothing else"
            ),
        ),
    ],
)
def test_an_input_that_is_not_finite_is_named_with_its_statistics(x: list[list[float]], message: str) -> None:
    with pytest.raises(SafetyError, match=re.escape(message)):
        SafeModule(LinearModule(2, 2))({"input": torch.tensor(x)})


def test_an_output_that_is_not_finite_is_named_though_the_inputs_are_fine() -> None:
    module = LinearModule(2, 2)
    with torch.no_grad():
        module.weight[0, 0] = INF
    data = {"input": torch.ones(1, 2)}
    with pytest.raises(SafetyError, match="Inf detected in output 'output' of component 'output'"):
        SafeModule(module)(data)
    assert "output" not in data


def test_a_wrong_shape_is_told_before_the_module_meets_it() -> None:
    safe = SafeModule(LinearModule(2, 2), input_specs={"input": (None, 2)})
    with pytest.raises(SafetyError, match=re.escape("shape mismatch for input 'input'")):
        safe({"input": torch.ones(1, 3)})


@pytest.mark.parametrize("given", [None, np.zeros((1, 2), np.float32), [0.5, 1.0]])
def test_an_input_that_is_no_tensor_is_named(given: Any) -> None:
    with pytest.raises(SafetyError, match=f"input 'input' of .* must be a tensor, got {type(given).__name__}"):
        SafeModule(LinearModule(2, 2))({"input": given})


def test_what_was_found_finite_and_then_written_into_is_blamed_on_the_input() -> None:
    x = SafeModule(LinearModule(2, 2, out_keys=("x",))).eval()({"input": torch.ones(1, 2)})["x"]
    x.data.fill_(NAN)
    with pytest.raises(SafetyError, match="NaN detected in input 'x' of component 'y'"):
        SafeModule(LinearModule(2, 2, in_keys=("x",), out_keys=("y",)))({"x": x})


def test_large_numbers_whose_sum_overflows_are_finite() -> None:
    x = torch.full((1, 4), 3e38)
    assert torch.equal(SafeModule(Given())({"in_0": x})["_action_"], x)


def test_integers_and_empty_tensors_pass() -> None:
    safe = SafeModule(Given(("a", "b")))
    safe({"in_0": torch.ones(2, dtype=torch.uint8), "in_1": torch.ones(0, 3)})


def test_numbers_are_not_looked_at_where_that_is_not_wanted() -> None:
    SafeModule(Given(), nan_check=False)({"in_0": torch.tensor([[NAN]])})


def test_under_vmap_values_are_bounded_and_not_looked_at() -> None:
    safe = SafeModule(Given(), action_bounds=(-1.0, 1.0))
    assert torch.vmap(safe.compute)(torch.tensor([[3.0], [NAN]])).nan_to_num(7).tolist() == [[1.0], [7.0]]


def test_calls_can_be_sampled() -> None:
    safe, bad = SafeModule(Given(), check_every=3), {"in_0": torch.tensor([[NAN]])}
    with pytest.raises(SafetyError, match="NaN detected"):
        safe(bad)  # the first of a kind is the likeliest to be wrong
    safe(bad)
    safe(bad)
    with pytest.raises(SafetyError, match="NaN detected"):
        safe(bad)


@pytest.mark.parametrize("bounds", [(-1.0, 1.0), {"_action_": (-1.0, 1.0)}])
def test_bounded_actions_are_clamped(bounds: Any) -> None:
    x = torch.tensor([[-3.0, 0.5, 3.0]])
    assert SafeModule(Given(), action_bounds=bounds)({"in_0": x})["_action_"].tolist() == [[-1.0, 0.5, 1.0]]


def test_bounds_go_by_key_and_leave_other_outputs_alone() -> None:
    safe = SafeModule(Given(("a", "b")), action_bounds={"b": (0.0, 1.0)})
    data = safe({"in_0": torch.tensor([5.0]), "in_1": torch.tensor([5.0])})
    assert (data["a"].item(), data["b"].item()) == (5.0, 1.0)


def test_the_gradient_stops_where_an_action_was_clamped() -> None:
    x = torch.tensor([[-3.0, 0.5]], requires_grad=True)
    SafeModule(Given(), action_bounds=(-1.0, 1.0))({"in_0": x})["_action_"].sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"action_bounds": (-1.0, 1.0)}, "action_bounds must say which of a, b they are for"),
        ({"action_bounds": {"c": (0.0, 1.0)}}, "action_bounds names 'c', which is none of: a, b"),
        ({"action_bounds": {"a": (1.0, 0.0)}}, "action_bounds of 'a' must be (lowest, highest), got (1.0, 0.0)"),
        ({"input_specs": {"x": (None, 3)}}, "input_specs names 'x', which is none of: in_0, in_1"),
        ({"action_bounds": {"a": None}}, "action_bounds of 'a' must be a sequence, got None"),
        ({"output_specs": {"a": 2}}, "output_specs of 'a' must be a sequence, got 2"),
        ({"value_keys": "_value_"}, "value_keys must be a sequence of names such as ['value'], got '_value_'"),
        ({"check_every": 0}, "check_every must be a positive integer, got 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        SafeModule(Given(("a", "b")), **options)


@pytest.mark.parametrize(("what", "key"), [("input", "in_0"), ("output", "_action_")])
def test_a_shape_that_does_not_fit_is_refused(what: str, key: str) -> None:
    specs: Any = {f"{what}_specs": {key: (1, 3, None)}}
    safe = SafeModule(Given(), **specs)
    safe({"in_0": torch.ones(7, 3, 9)})
    message = f"shape mismatch for {what} {key!r} of component '_action_' (Given): expected [1, 3, None] besides the"
    with pytest.raises(SafetyError, match=re.escape(message)):
        safe({"in_0": torch.ones(1, 4, 9)})


@pytest.mark.parametrize("key", ["value", "_value_"])
def test_an_extreme_value_is_warned_of_once(key: str) -> None:
    safe = SafeModule(Given((key,)))
    with pytest.warns(SafetyWarning, match=rf"extreme values in '{key}' of component .*: \[-2000, 1\], beyond 1000"):
        safe({"in_0": torch.tensor([[-2000.0], [1.0]])})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        safe({"in_0": torch.tensor([[-3000.0]])})


def test_a_buffer_that_is_filled_anew_is_looked_at_anew() -> None:
    safe, x = SafeModule(Given()), torch.zeros(2)
    safe({"in_0": x})
    x.numpy()[0] = NAN
    with pytest.raises(SafetyError, match="NaN detected in input 'in_0'"):
        safe({"in_0": x})


def test_an_output_that_is_written_into_is_looked_at_anew_by_its_reader() -> None:
    x = SafeModule(Given(("x",)))({"in_0": torch.zeros(2)})["x"]
    x.fill_(NAN)
    with pytest.raises(SafetyError, match="NaN detected in input 'x'"):
        SafeModule(LinearModule(2, 2, in_keys=("x",)))({"x": x})


def test_a_copy_of_an_output_is_looked_at_anew() -> None:
    layer = LinearModule(2, 2, nonlinearity="ReLU", out_keys=("x",)).eval().requires_grad_(requires_grad=False)
    x = SafeModule(layer)({"input": torch.zeros(1, 2)})["x"]
    x.fill_(NAN)
    data = {"in_0": copy.deepcopy(x)}
    with pytest.raises(SafetyError, match="NaN detected in input 'in_0'"):
        SafeModule(Blind())(data)


def test_tensors_without_a_version_are_looked_at_every_time() -> None:
    safe = SafeModule(Given())
    with torch.inference_mode():
        x = torch.zeros(2)
        safe({"in_0": safe({"in_0": x})["_action_"]})
        x[0] = NAN
        with pytest.raises(SafetyError, match="NaN detected in input 'in_0'"):
            safe({"in_0": x})


def test_numbers_that_a_view_leaves_out_are_nobodys_concern() -> None:
    whole = torch.tensor([[1.0], [NAN]])
    view = whole[:1].expand(8, -1)
    assert SafeModule(Given())({"in_0": view})["_action_"].tolist() == [[1.0]] * 8


def test_a_view_with_a_bad_number_is_found_by_what_it_is_a_view_of() -> None:
    row = torch.tensor([[1.0, INF]])
    with pytest.raises(SafetyError, match="Inf detected in input 'in_0'"):
        SafeModule(Given())({"in_0": row.expand(8, -1)})


def test_what_is_checked_can_be_changed_later() -> None:
    safe, x = SafeModule(Given()), {"in_0": torch.tensor([5.0, NAN])}
    safe.nan_check, safe.action_bounds = False, {"_action_": (-1.0, 1.0)}
    assert safe(x)["_action_"][0] == 1.0


def test_under_vmap_nobody_warns_of_values() -> None:
    safe = SafeModule(Given(("_value_",)), value_limit=1.0)
    assert torch.vmap(safe.compute)(torch.tensor([[3.0], [4.0]])).tolist() == [[3.0], [4.0]]


def test_what_was_found_finite_may_be_copied_into_inference_mode() -> None:
    with torch.no_grad():
        x = SafeModule(Given(("x",)))({"in_0": torch.zeros(2)})["x"]
    with torch.inference_mode():
        SafeModule(Given(("x",)))({"in_0": copy.deepcopy(x)})
        SafeModule(Given(("_value_",)))({"in_0": copy.deepcopy(x)})


@pytest.mark.parametrize("key", ["x", "_value_"])
def test_where_only_shapes_are_computed_values_are_not_looked_at(key: str) -> None:
    safe = SafeModule(Given((key,)))
    assert safe({"in_0": torch.ones(2, 3, device="meta")})[key].shape == (2, 3)
    with FakeTensorMode() as mode:
        assert safe({"in_0": mode.from_tensor(torch.ones(2, 3))})[key].shape == (2, 3)


def test_bounded_integers_stay_integers() -> None:
    x = torch.tensor([[-1, 2, 9]])
    bounded = SafeModule(Given(), action_bounds=(0.0, 3.0))({"in_0": x})["_action_"]
    assert bounded.dtype == torch.int64
    assert bounded.tolist() == [[0, 2, 3]]
