"""`DropoutModule`, `Dropout2dModule` and `AlphaDropoutModule`."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from modules.errors import ConfigError
from modules.layers.alpha_dropout import AlphaDropoutModule
from modules.layers.dropout import DropoutModule
from modules.layers.dropout2d import Dropout2dModule

ALL: list[Any] = [DropoutModule, Dropout2dModule, AlphaDropoutModule]
IN_PLACE: list[Any] = [DropoutModule, Dropout2dModule]


@pytest.mark.parametrize("cls", ALL)
def test_evaluation_changes_nothing_and_draws_nothing(cls: Any) -> None:
    x, before = torch.randn(2, 3, 4, 5), torch.get_rng_state()
    assert torch.equal(cls(p=0.5).eval()({"input": x})["output"], x)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("cls", ALL)
def test_training_draws_from_the_global_generator(cls: Any) -> None:
    dropout, x = cls(p=0.5), torch.randn(4, 8, 4, 5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first, second = dropout.compute(x), dropout.compute(x)
        torch.manual_seed(3)
        assert torch.equal(dropout.compute(x), first)
    assert not torch.equal(first, second)


def test_whole_channels_are_dropped() -> None:
    result = Dropout2dModule(p=0.5).compute(torch.ones(8, 8, 2, 2)).flatten(2)
    assert ((result == 0).all(2) | (result == 2).all(2)).all()


@pytest.mark.parametrize("cls", IN_PLACE)
def test_in_place_the_input_is_overwritten(cls: Any) -> None:
    x = torch.ones(2, 3, 1, 1)
    cls(p=1.0, inplace=True)({"input": x})
    assert not x.any()


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("p", [-0.1, 1.5, "half", None])
def test_what_is_no_probability_is_refused(cls: Any, p: Any) -> None:
    with pytest.raises(ConfigError, match="p must be between 0 and 1, got"):
        cls(p=p)
