"""The pooling layers of the new stack: a size of their own, or the number of channels where a config says so."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from modules.base import BuildContext
from modules.builder import build_component
from modules.errors import ConfigError
from modules.layers.adaptive_avg_pool1d import AdaptiveAvgPool1dModule
from modules.layers.adaptive_avg_pool2d import AdaptiveAvgPool2dModule
from modules.layers.adaptive_max_pool1d import AdaptiveMaxPool1dModule
from modules.layers.adaptive_max_pool2d import AdaptiveMaxPool2dModule
from modules.layers.avg_pool1d import AvgPool1dModule
from modules.layers.avg_pool2d import AvgPool2dModule
from modules.layers.max_pool1d import MaxPool1dModule
from modules.layers.max_pool2d import MaxPool2dModule

WINDOWS: list[tuple[Any, Any, int]] = [
    (MaxPool1dModule, nn.MaxPool1d, 1),
    (MaxPool2dModule, nn.MaxPool2d, 2),
    (AvgPool1dModule, nn.AvgPool1d, 1),
    (AvgPool2dModule, nn.AvgPool2d, 2),
]
ADAPTIVE: list[tuple[Any, Any, int]] = [
    (AdaptiveAvgPool1dModule, nn.AdaptiveAvgPool1d, 1),
    (AdaptiveAvgPool2dModule, nn.AdaptiveAvgPool2d, 2),
    (AdaptiveMaxPool1dModule, nn.AdaptiveMaxPool1d, 1),
    (AdaptiveMaxPool2dModule, nn.AdaptiveMaxPool2d, 2),
]
ALL = [*WINDOWS, *ADAPTIVE]
SHAPE = (2, 7, 9)


def size_of(cls: Any) -> str:
    return "output_size" if "Adaptive" in cls.__name__ else "kernel_size"


@pytest.mark.parametrize(("cls", "torchs", "ndim"), ALL)
def test_it_pools_as_torch_does_and_announces_what_comes_out(cls: Any, torchs: Any, ndim: int) -> None:
    options = st.fixed_dictionaries(
        {size_of(cls): st.integers(1, 4)},
        optional={"stride": st.integers(1, 3), "ceil_mode": st.booleans()} if cls in [w[0] for w in WINDOWS] else {},
    )

    @given(options)
    def check(given_options: dict[str, Any]) -> None:
        x = torch.randn(5, *SHAPE[: ndim + 1])
        result = cls(**given_options).compute(x)
        assert torch.equal(result, torchs(**given_options)(x))
        assert cls.output_shape((SHAPE[: ndim + 1],), given_options) == tuple(result.shape[1:])

    check()


@pytest.mark.parametrize(("cls", "torchs", "ndim"), ALL)
def test_the_word_channels_stands_for_the_number_of_channels(cls: Any, torchs: Any, ndim: int) -> None:
    config = {"_target_": f"{cls.__module__}.{cls.__name__}", size_of(cls): "channels"}
    shape = SHAPE[: ndim + 1]
    module, announced = build_component("pool", config, BuildContext(in_shapes=(shape,), sources=({"name": "x"},)))
    result: Any = module.compute(torch.ones(1, *shape))
    assert result.shape == torchs(2)(torch.ones(1, *shape)).shape == (1, *announced)
    *_, announced = build_component(
        "pool", {**config, "announces": "input"}, BuildContext(in_shapes=(shape,), sources=({"name": "x"},))
    )
    assert announced == shape


VALUES = {"dilation": 2, "count_include_pad": False, "divisor_override": 5}
OPTIONS = [(*row, name) for row in WINDOWS for name in VALUES if name in inspect.signature(row[1]).parameters]


@pytest.mark.parametrize(("cls", "torchs", "ndim", "option"), OPTIONS)
def test_each_option_of_torch_reaches_it(cls: Any, torchs: Any, ndim: int, option: str) -> None:
    options = {"padding": 1, option: VALUES[option]}
    x = torch.randn(5, *SHAPE[: ndim + 1])
    assert torch.equal(cls(3, **options).compute(x), torchs(3, **options)(x))
    assert not torch.equal(cls(3, padding=1).compute(x), torchs(3, **options)(x))


@pytest.mark.parametrize("cls", [MaxPool2dModule, AvgPool2dModule])
def test_a_window_may_be_higher_than_wide(cls: Any) -> None:
    assert cls.output_shape(((2, 6, 6),), {"kernel_size": (3, 2)}) == (2, 2, 3)


@pytest.mark.parametrize("cls", [AdaptiveMaxPool2dModule, AdaptiveAvgPool2dModule])
def test_an_output_may_be_higher_than_wide_or_keep_a_side(cls: Any) -> None:
    assert cls.output_shape(((2, 6, 6),), {"output_size": (3, 2)}) == (2, 3, 2)
    assert cls.output_shape(((2, 6, 6),), {"output_size": (None, 2)}) == (2, 6, 2)


@pytest.mark.parametrize("cls", [cls for cls, _, _ in ALL])
def test_the_word_channels_needs_the_number(cls: Any) -> None:
    size = size_of(cls)
    with pytest.raises(ConfigError, match=f"^{size} is 'channels', so channels must be given$"):
        cls(**{size: "channels"})


@pytest.mark.parametrize("cls", [cls for cls, _, _ in ALL])
def test_another_announcement_is_refused(cls: Any) -> None:
    with pytest.raises(ConfigError, match=r"^announces must be input or output, got 'both'$"):
        cls(**{size_of(cls): 1}, announces="both")


@pytest.mark.parametrize("cls", [cls for cls, _, _ in ALL])
@pytest.mark.parametrize("size", ["rows", 2.5, -1])
def test_what_is_no_size_is_refused_in_torchs_words(cls: Any, size: Any) -> None:
    with pytest.raises(ConfigError, match=rf"^cannot pool .*{size_of(cls)} {size!r}: .{{20}}"):
        cls(**{size_of(cls): size})


@pytest.mark.parametrize("cls", [cls for cls, _, _ in WINDOWS])
@pytest.mark.parametrize(("option", "value", "why"), [("stride", 0, "stride"), ("padding", 2, "half of")])
def test_other_numbers_that_torch_refuses_are_refused(cls: Any, option: str, value: int, why: str) -> None:
    with pytest.raises(ConfigError, match=f"^cannot pool with kernel_size 3: .*{why}"):
        cls(3, **{option: value})


@pytest.mark.parametrize(("cls", "_", "ndim"), WINDOWS)
def test_a_source_smaller_than_the_window_is_found_while_the_agent_is_built(cls: Any, _: Any, ndim: int) -> None:
    config = {"_target_": f"{cls.__module__}.{cls.__name__}", "kernel_size": 5}
    context = BuildContext(in_shapes=((2, 3, 4)[: ndim + 1],), sources=({"name": "x"},))
    with pytest.raises(ConfigError, match=r"^component 'pool' .*utput size"):
        build_component("pool", config, context)
