"""Layers that did something else than their name says (traps 16, 28 to 31)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from equivalence.case import Setup, Source
from equivalence.sides import build_new, build_old
from migrate.errors import UnusableFileError
from modules.errors import ConfigError
from modules.layers.batch_reshape import BatchReshapeModule
from modules.layers.max_pool2d import MaxPool2dModule
from modules.layers.obs_attr_val_norm import ObsAttrValNormModule
from modules.layers.reshape import ReshapeModule
from tests.migrate import _eras, _policies
from tests.migrate._policies import CONFIG, changed, component
from tests.traps._early import both, both_of, outputs, same_answers

SHIFTED = {f"feature_{i}": {"id": 5 - i, "type": "scalar", "normalization": 10.0 + i} for i in range(5)}
"""The features of `_eras` under other numbers, and with other divisors."""


def test_trap_16_merges_wrote_into_their_sources_and_announced_wrong_shapes(tmp_path: Path) -> None:
    sources = [{"name": "fc", "dim": 1}, {"name": "flat", "slice": [0, 3], "dim": 1}]
    merge = component("merge_layer.ConcatMergeLayer") | {"sources": sources}
    old, new = both(
        tmp_path, _policies.old_agent(changed(CONFIG, merged=merge, _core_={"sources": [{"name": "merged"}]}))
    )
    assert old.components["merged"]._sources[1]["_slice_params"] == {"start": 0, "length": 3, "dim": 1}
    assert new.config["components"]["merged"]["sources"] == sources
    assert _policies.same_policy(old, new)

    parts = tuple(Source(name, (6,), {"slice": [0, 2], "dim": 1}) for name in "ab")
    alias = build_old("add_merge", Setup({}, parts))
    assert alias._out_tensor_shape is alias._in_tensor_shapes[0]
    columns = tuple(Source(name, (2, size), {"dim": 2}) for name, size in (("a", 3), ("b", 4)))
    for stem, inputs, wrong, right in (("add_merge", parts, [6], (2,)), ("concat_merge", columns, [2, 4], (2, 7))):
        theirs, ours = outputs(stem, Setup({}, inputs))
        assert torch.equal(theirs, ours)
        assert build_old(stem, Setup({}, inputs))._out_tensor_shape == wrong
        assert build_new(stem, Setup({}, inputs))[2] == ours.shape[1:] == right


def test_trap_28_pools_took_the_number_of_channels_for_their_size() -> None:
    setup = Setup({}, (Source("image", (2, 6, 4)),))
    theirs, ours = outputs("max_pool2d", setup)
    assert torch.equal(theirs, ours)
    assert ours.shape[1:] == (2, 3, 2)
    _, options, announced = build_new("max_pool2d", setup)
    assert tuple(build_old("max_pool2d", setup)._out_tensor_shape) == announced == (2, 6, 4)
    assert MaxPool2dModule.output_shape(((2, 6, 4),), {**options, "channels": 2, "announces": "output"}) == (2, 3, 2)
    with pytest.raises(ConfigError, match="kernel_size is 'channels', so channels must be given"):
        MaxPool2dModule(kernel_size="channels")

    early = Setup({}, (Source("image", (2, 1, 1)),), era="E3")
    assert build_old("flatten", early).output_size == 2
    assert build_old("flatten", Setup({}, (Source("image", (2, 3, 4)),), era="E3")).output_size == 2
    assert build_new("flatten", early)[2] == (2,)  # as far as a policy could be run, both count alike
    assert torch.equal(*outputs("flatten", early))


def test_trap_29_reshaping_layers_counted_wrong() -> None:
    setup = Setup({"popped_dim": 1, "squeezed_dim": 2}, (Source("hidden", (1, 6, 2), actual=(2, 3, 3)),))
    theirs, ours = outputs("reshape", setup)
    assert torch.equal(theirs, ours)
    x = torch.zeros(2, 2, 3, 3)
    assert ours.shape == (2, 3, 6)
    assert ReshapeModule(popped_dim=1, squeezed_dim=2).compute(x).shape == (2, 6, 3)

    row = Setup({}, (Source("rows", (), actual=(1,)),))
    theirs, ours = outputs("batch_reshape", row, rows=1)
    assert torch.equal(theirs, ours)
    assert ours.shape == ()
    assert BatchReshapeModule().compute(torch.zeros(1, 1), torch.zeros(1, 4)).shape == (1, 1, 1)

    with pytest.raises(UnusableFileError, match="with which no agent of the old stack could be set up"):
        build_new("expand", Setup({"expand_dim": 1, "dims_source": "b", "source_dim": 1}, (Source("a", (2, 3)),)))


def test_trap_30_tokens_were_divided_by_the_number_of_their_feature(tmp_path: Path) -> None:
    setup = Setup({}, (Source("tokens", (7, 3), tokens=True),), obs_shape=(7, 3), era="E6c")
    theirs, ours = outputs("obs_attr_val_norm", setup, rows=40)
    assert torch.equal(theirs, ours)
    assert ours.dtype == torch.uint8
    module = build_new("obs_attr_val_norm", setup)[0]
    assert torch.equal(module.get_buffer("divisors")[:24], torch.arange(24.0))
    naive = ObsAttrValNormModule(range(24), [10.0] * 24)
    assert naive.compute(torch.tensor([[[0, 3, 25]]])).tolist() == [[[0, 3, 2.5]]]

    old, new = both_of("2025-07-02", _eras.from_late_tokens, tmp_path)
    assert same_answers(old, new)
    options = new.config["components"]["obs_normalizer"]
    assert (options["divide_by"], options["truncate"]) == ("feature_id", True)
    new.components.replace_component("obs_normalizer", _named(naive, new.components["obs_normalizer"]))
    assert not same_answers(old, new)


def _named(module: Any, like: nn.Module) -> Any:
    module.in_keys, module.out_keys = like.in_keys, like.out_keys
    return module


@pytest.mark.parametrize(("date", "corrected"), [("2025-07-02", True), ("2025-08-19", False)])
def test_trap_31_remapping_put_the_right_divisors_in_until_e9(date: str, corrected: bool, tmp_path: Path) -> None:
    old, new = both_of(date, _eras.from_late_tokens, tmp_path)
    _, naive = both_of(date, _eras.from_late_tokens, tmp_path)
    naive.config["divisors_when_remapped"] = None if corrected else "environment"
    agents, wrong, actions = (old, new, naive), torch.arange(5.0), (["noop", "move"], [0, 2])

    def divisors() -> list[torch.Tensor]:
        layers = [agent.components["obs_normalizer"] for agent in agents]
        return [layers[0]._norm_factors, layers[1].divisors, layers[2].divisors]

    for features in (_eras.FEATURES, SHIFTED):
        for agent in agents:
            agent.initialize_to_environment(features, *actions, "cpu")
        if features is _eras.FEATURES:  # nothing differs, so nothing is put right
            assert all(torch.equal(each[:5], wrong) for each in divisors())
    theirs, ours, other = divisors()
    assert torch.equal(theirs, ours)
    assert torch.equal(ours[:5], torch.arange(5.0) + 10 if corrected else wrong)
    assert not torch.equal(ours, other)
    assert same_answers(old, new)
    assert not same_answers(old, naive)
