"""Every recorded config is one graph, inside every wrapper; of configs that differ in sizes only, one is captured."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.errors import MettaError
from tests.modules.interop._compiling import COMPILING, check_training
from tests.modules.interop._shipped import of_config, structure
from tests.modules.interop._steps import wrapped

pytestmark = [*COMPILING, pytest.mark.slow]  # a few seconds for each of twenty structures

_captured: dict[tuple[object, ...], Path] = {}


def test_a_recorded_config_trains_in_one_graph(agent_yaml: Path) -> None:
    try:
        policy = of_config(agent_yaml)
    except MettaError as error:
        pytest.skip(f"cannot be built, in either stack: {error}")
    key = structure(policy)
    if key not in _captured:
        check_training(wrapped(policy), "eager", calls=2)
        _captured[key] = agent_yaml
