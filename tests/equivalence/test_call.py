"""`check_call`: what the new agent does when nothing watches."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from equivalence.call import EVERY
from equivalence.finding import Pair
from equivalence.hosts import host
from equivalence.proof import Run, prove
from equivalence.result import LevelResult
from modules.agent import MettaAgent

LEVELS = ("inference", "forward")


def found(level: str, step: Any = None, forward: Any = None) -> LevelResult:
    pair: Pair = host("linear")
    faulty: Any = replace(pair, new=deepcopy(pair.new))
    for name, plant in (("step", step), ("forward", forward)):
        if plant is not None:
            right = getattr(MettaAgent, name).__get__(faulty.new)
            setattr(faulty.new, name, lambda *given, right=right, plant=plant: plant(right, *given))
    (result,) = prove(faulty, levels=[level], run=Run(4 * EVERY, shrink=False))
    return result


def names(result: LevelResult) -> set[str]:
    return {found.name for found in result.differences}


@pytest.mark.parametrize("level", LEVELS)
def test_a_program_that_is_wrong_where_nobody_watches_is_found(level: str) -> None:
    def plant(right: Any, data: Any, kept: Any = None) -> Any:
        right(data, kept)
        if kept is None:
            data["value"] = data["value"] + 1
        return data

    assert names(found(level, step=plant)) == {"value of the plain call"}


@pytest.mark.parametrize("level", LEVELS)
def test_a_state_that_the_caller_does_not_get_is_found(level: str) -> None:
    def plant(right: Any, x: Any, state: Any, action: Any) -> Any:
        return right(x, deepcopy(state), action)

    assert {"lstm_h of the plain call", "lstm_c of the plain call"} >= names(found(level, forward=plant)) > set()


@pytest.mark.parametrize("level", LEVELS)
def test_observations_of_the_caller_that_are_written_into_are_found(level: str) -> None:
    def plant(right: Any, data: Any, kept: Any = None) -> Any:
        right(data, kept)
        data["x"].view(-1)[-1] = 7
        return data

    assert names(found(level, step=plant)) == {"written into by the plain call"}


@pytest.mark.parametrize("level", LEVELS)
def test_a_call_that_fails_where_nobody_watches_is_found(level: str) -> None:
    def plant(*_: Any) -> Any:
        raise ValueError("unwatched")

    (difference,) = found(level, forward=plant).differences
    assert difference.detail == "'' became 'ValueError: unwatched'"


@pytest.mark.parametrize("level", LEVELS)
def test_a_result_of_another_shape_is_found(level: str) -> None:
    def plant(right: Any, *given: Any) -> Any:
        action, log_prob, entropy, value, log_probs = right(*given)
        return action, log_prob, entropy, value.flatten(), log_probs

    assert names(found(level, forward=plant)) == {"value of the plain call"}
