from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from modules import Environment
from modules.errors import ConfigError


def test_an_environment_goes_through_json_and_back() -> None:
    before = Environment((11, 11, 3), (1.0, 2.5, 255.0), ("a", "b", "c"), (9, 10))
    assert Environment.from_dict(json.loads(json.dumps(before.to_dict()))) == before


def test_lists_and_numpy_numbers_are_taken_as_tuples_of_plain_numbers() -> None:
    given: Any = Environment([np.int64(5), 5, 3], np.array([1.0, 2.0, 3.0]))  # type: ignore[arg-type]
    assert given == Environment((5, 5, 3), (1.0, 2.0, 3.0))
    assert json.dumps(given.to_dict())


@pytest.mark.parametrize("values", [{}, {"obs_shape": [3, 3, 1]}, {"obs_shape": 3}, {"nope": []}, None, [1]])
def test_what_is_no_environment_is_refused(values: Any) -> None:
    with pytest.raises(ConfigError, match="not an environment"):
        Environment.from_dict(values)


@pytest.mark.parametrize("shape", [(), (0, 1, 2), (1, -2, 3), (1.5, 2, 3), ("a",)])
def test_an_observation_shape_must_be_positive_sizes(shape: Any) -> None:
    with pytest.raises(ConfigError, match="obs_shape"):
        Environment(shape, ())


def test_divisors_may_be_given_by_feature_id() -> None:
    by_id: Any = {1: 2.0, 7: 255.0}
    assert Environment((200, 3), by_id) == Environment((200, 3), (2.0, 255.0), feature_ids=(1, 7))
    with pytest.raises(ConfigError, match="say the same: give one of them"):
        Environment((200, 3), by_id, feature_ids=(1, 7))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"feature_names": "hp"}, "feature_names must be a list, got 'hp'"),
        ({"obs_shape": 5}, "obs_shape must be sizes such as .*, got 5"),
        ({"feature_ids": [4, 4]}, r"feature_ids must be different numbers, got \[4, 4\]"),
    ],
)
def test_what_would_be_taken_for_something_else_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Environment(**{"obs_shape": (200, 3), "feature_normalizations": (1.0, 2.0), **values})
