from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from legacy.base import LayerBase
from legacy.layers.linear import Linear
from legacy.layers.relu import ReLU
from tests.legacy._build import Source, build, run

X = torch.tensor([[-1.0, 2.0]])


def test_unknown_keys_vanish() -> None:  # trap 18
    layer = build(ReLU, Source("x", X), output_size=7, effective_rank=True, no_such_key=1)
    assert not {"output_size", "effective_rank", "no_such_key"} & set(vars(layer))
    assert run(layer).tolist() == [[0.0, 2.0]]


def test_an_output_on_the_blackboard_is_taken_for_computed() -> None:  # trap 25
    source = Source("x", X)
    layer = build(ReLU, source)
    assert run(layer, tested="stale") == "stale"
    assert source.runs == 0


def test_an_input_named_like_a_source_suppresses_it() -> None:  # trap 25
    source = Source("x", X)
    assert run(build(ReLU, source), x=-X).tolist() == [[1.0, 0.0]]
    assert source.runs == 0


def test_a_source_of_two_layers_runs_once() -> None:
    source = Source("x", X)
    td: dict[str, Any] = {}
    for name in ("first", "second"):
        build(ReLU, source, name=name)(td)
    assert source.runs == 1


def test_the_blackboard_itself_is_returned() -> None:
    td: dict[str, Any] = {}
    assert build(ReLU, Source("x", X))(td) is td


def test_hooks_of_sources_do_not_fire() -> None:  # trap 26
    fired: list[str] = []
    source = Source("x", X)
    layer = build(ReLU, source)
    for module, name in ((source, "source"), (layer, "layer")):
        module.register_forward_hook(lambda *_, name=name: fired.append(name))
    layer({})
    assert fired == ["layer"]


def test_sources_are_not_submodules() -> None:
    assert list(build(Linear, Source("x", X), nn_params={"out_features": 1}, clip_range=0).state_dict()) == [
        "_net.0.weight",
        "_net.0.bias",
    ]


def test_two_sources_of_one_name_collapse_into_one() -> None:  # trap 56
    layer = build(ReLU, Source("x", X), sources=[{"name": "x"}, {"name": "x"}])
    assert len(layer._sources) == 2
    assert list(layer._source_components) == ["x"]
    assert layer._in_tensor_shapes == [[2]]


def test_a_second_setup_does_nothing() -> None:
    layer = build(ReLU, Source("x", X))
    net = layer._net
    layer.setup({"other": Source("other", torch.zeros(1, 9))})
    assert layer._net is net
    assert layer._in_tensor_shapes == [[2]]


def test_a_source_without_shape_cannot_be_followed() -> None:
    source = Source("x", X)
    del source._out_tensor_shape
    with pytest.raises(AttributeError, match="_out_tensor_shape"):
        build(ReLU, source)


def test_nn_params_are_taken_under_both_names_and_merged_with_those_already_there() -> None:
    class Preset(LayerBase):
        def __init__(self, **cfg: Any) -> None:
            self._nn_params = {"a": 1, "b": 1}
            super().__init__(**cfg)

    assert LayerBase(name="n", _nn_params={"a": 2})._nn_params == {"a": 2}
    assert Preset(nn_params={"b": 2, "c": 3})._nn_params == {"a": 1, "b": 2, "c": 3}


def test_a_plain_layer_has_the_methods_of_weights_but_they_do_nothing() -> None:
    layer = LayerBase(name="n")
    methods = ("clip_weights", "l2_reg_loss", "l2_init_loss", "update_l2_init_weight_copy", "compute_weight_metrics")
    assert [getattr(layer, method)() for method in methods] == [None] * 5
    assert not layer.ready
    assert isinstance(layer, nn.Module)
