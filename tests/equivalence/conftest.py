from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from equivalence.finding import Pair
from equivalence.pairs import pair_of_files

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def make_example_pair() -> Callable[[], Pair]:
    return lambda: pair_of_files(EXAMPLES / "policy.pt")


@pytest.fixture
def pair(make_example_pair: Callable[[], Pair]) -> Pair:
    return make_example_pair()
