"""`Dropout`, `Dropout2d` and `AlphaDropout`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from legacy.layers.alpha_dropout import AlphaDropout
from legacy.layers.dropout import Dropout
from legacy.layers.dropout2d import Dropout2d
from tests.legacy._build import Source, build, run

ALL = [(Dropout, F.dropout), (Dropout2d, F.dropout2d), (AlphaDropout, F.alpha_dropout)]


def image() -> Source:
    return Source("image", torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize(("cls", "function"), ALL)
def test_training_draws_from_the_global_generator(cls: Any, function: Any) -> None:
    source = image()
    layer = build(cls, source, nn_params={"p": 0.3})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        found = run(layer)
        torch.manual_seed(7)
        assert torch.equal(found, function(source.value, 0.3, training=True))


@pytest.mark.parametrize(("cls", "_"), ALL)
def test_evaluation_changes_nothing_and_draws_nothing(cls: Any, _: Any) -> None:
    source = image()
    layer, before = build(cls, source).eval(), torch.get_rng_state()
    assert torch.equal(run(layer), source.value)
    assert torch.equal(torch.get_rng_state(), before)


def test_in_place_the_source_is_overwritten_on_the_blackboard() -> None:
    source = image()
    before = source.value.clone()
    layer = build(Dropout, source, nn_params={"p": 1.0, "inplace": True})
    td: dict[str, Any] = {}
    layer(td)
    assert not td["image"].any()
    assert before.any()


@pytest.mark.parametrize(("cls", "_"), ALL)
def test_the_shape_stays(cls: Any, _: Any) -> None:
    layer = build(cls, image())
    assert layer._out_tensor_shape == [3, 4, 5]
    assert not layer.state_dict()
