"""Configs, metadata, spaces and numpy values of old files become plain python, and nothing else does."""

from __future__ import annotations

import json
import pickle
from pathlib import PurePosixPath
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from migrate.errors import UnusableFileError
from migrate.pickle_reader import GlobalRef, Record, read_pickle
from migrate.plain import numpy_value, plain


def _read(value: Any) -> Any:
    return read_pickle(pickle.dumps(value, 2), where="file", persistent_load=lambda pid: pid)


def test_configs_keep_interpolations_and_missing_values() -> None:
    config = OmegaConf.create({"a": [1, {"b": None}], "c": "${a}", "d": "???", "e": 2.5})
    assert plain(_read(config)) == {"a": [1, {"b": None}], "c": "${a}", "d": "???", "e": 2.5}


@pytest.mark.parametrize(
    "value",
    [
        np.float64(0.1),
        np.int32(-3),
        np.bool_(True),
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3).astype(">i4"),
        np.zeros((0, 3)),
        np.array(["ab", "c"]),
    ],
)
def test_numpy_values_become_numbers_and_lists(value: Any) -> None:
    assert plain(_read(value)) == numpy_value(_read(value)) == value.tolist()


def test_a_numpy_type_becomes_its_name() -> None:
    assert plain(_read(np.dtype("uint8"))) == "uint8"


@pytest.mark.parametrize("value", [np.array([None]), np.zeros(2, [("a", "f4")])])
def test_other_numpy_types_are_refused(value: Any) -> None:
    with pytest.raises(UnusableFileError, match="is no numpy value"):
        plain(_read(value))


def test_spaces_keep_what_decides_their_shape() -> None:
    box = gymnasium.spaces.Box(0, 255, (2, 3), np.uint8)
    space = gymnasium.spaces.Dict({"grid": box, "n": gymnasium.spaces.Discrete(4)})
    expected = {"Box": {"low": 0, "high": 255, "shape": (2, 3), "dtype": "uint8"}}
    assert plain(_read(space)) == {"Dict": {"grid": expected, "n": {"Discrete": 4}}}
    assert plain(_read(gymnasium.spaces.MultiDiscrete([3, 5]))) == {"MultiDiscrete": [3, 5]}


def test_metadata_and_other_containers_become_dicts_and_lists() -> None:
    metadata = Record("metta.agent.policy_metadata.PolicyMetadata", items={"epoch": 3})
    model = Record(
        "metta.agent.agent_config.AgentConfig", state={"__dict__": {"a": 1}, "__pydantic_fields_set__": set()}
    )
    value = {"m": metadata, "c": model, "t": (1, [2]), "s": {"b", "a"}, "r": GlobalRef("torch.float32")}
    expected = {"m": {"epoch": 3}, "c": {"a": 1}, "t": (1, [2]), "s": ["a", "b"], "r": "torch.float32"}
    assert plain(value) == expected
    json.dumps(plain(value))


def test_devices_and_paths_become_text() -> None:
    assert plain(_read([torch.device("cuda:1"), PurePosixPath("a/b")])) == ["cuda:1", "a/b"]


def test_what_is_shared_stays_shared() -> None:
    inner = [1]
    first, second = plain([inner, inner])
    assert first is second


def test_a_container_of_itself_is_refused() -> None:
    inner: list[Any] = []
    inner.append(inner)
    with pytest.raises(UnusableFileError, match="contains itself"):
        plain(inner)


@pytest.mark.parametrize("value", [Record("my.layers.Thing"), b"bytes", {Record("my.layers.Thing"): 1}])
def test_unknown_things_are_refused_by_name(value: Any) -> None:
    with pytest.raises(UnusableFileError, match=r"my\.layers\.Thing|bytes"):
        plain(value)


def test_an_incomplete_config_is_refused() -> None:
    with pytest.raises(UnusableFileError, match="DictConfig without '_content'"):
        plain(Record("omegaconf.dictconfig.DictConfig", state={}))
