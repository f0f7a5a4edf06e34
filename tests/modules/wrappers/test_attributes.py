"""Attributes of a wrapper, and of what it wraps, are told apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modules import LinearModule, MettaModule, RegularizedModule, SafeModule, WeightMonitoringModule
from modules.errors import ConfigError
from modules.layers.dropout import DropoutModule

Wrap = Callable[[nn.Module], MettaModule]
wraps = pytest.mark.parametrize("wrap", [SafeModule, RegularizedModule, WeightMonitoringModule])


class Namesake(MettaModule):
    """Has attributes under names of a wrapper's own."""

    NAMES = ("l2_scale", "l1_scale", "weight_limit", "norm_limit", "nan_check", "input_specs", "_calls", "_warned")

    def __init__(self) -> None:
        super().__init__(("x",), ("y",))
        self.weight = nn.Parameter(torch.ones(2))
        for name in self.NAMES:
            setattr(self, name, "mine")

    def compute(self, x: Tensor) -> Tensor:
        return x * self.weight


@wraps
def test_a_wrapper_leaves_attributes_of_the_wrapped_module_alone_that_are_named_like_its_own(wrap: Wrap) -> None:
    module = Namesake()
    wrap(module)({"x": torch.ones(2)})
    assert [getattr(module, name) for name in Namesake.NAMES] == ["mine"] * len(Namesake.NAMES)


def test_an_attribute_of_a_wrapper_inside_is_set_there() -> None:
    regularized = RegularizedModule(LinearModule(4, 3), l2_scale=1.0)
    outside: Any = WeightMonitoringModule(SafeModule(regularized))
    outside.l2_scale = 0.0
    assert regularized.l2_scale == outside.l2_scale == 0.0
    assert "regularization_loss" not in outside({"input": torch.ones(1, 4)})


@wraps
def test_a_wrapper_keeps_its_module(wrap: Wrap) -> None:
    wrapped = wrap(LinearModule(4, 3))
    with pytest.raises(ConfigError, match=r"a wrapper keeps its module: put a new .*Module around the other one"):
        wrapped.module = LinearModule(4, 3)
    assert list(wrapped.state_dict()) == ["weight", "bias"]


@pytest.mark.parametrize("wrap", [SafeModule, WeightMonitoringModule])
def test_a_wrapper_draws_random_numbers_where_what_it_wraps_does(wrap: Any) -> None:
    wrapped = wrap(DropoutModule(p=0.5))
    assert wrapped.draws_random_numbers
    assert not wrapped.eval().draws_random_numbers
