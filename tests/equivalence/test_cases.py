from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from equivalence.case import Setup, cases
from equivalence.component import Trial, build_new, build_old, compare_component
from equivalence.fills import FLOATS
from modules.errors import MettaError

TRIALS = st.builds(
    Trial,
    batch=st.integers(1, 4),
    time=st.integers(1, 3),
    values=st.sampled_from(list(FLOATS)),
    state=st.booleans(),
    train=st.booleans(),
    seed=st.integers(0, 2**20),
)
REFUSED = [(stem, setup) for stem, case in cases().items() for setup in case.refused]


@pytest.mark.parametrize("stem", cases())
def test_old_and_new_component_are_bitwise_equal(stem: str) -> None:
    @settings(max_examples=40)
    @given(cases()[stem].setups, TRIALS)
    def check(setup: Setup, trial: Trial) -> None:
        finding = compare_component(stem, setup, trial)
        assert finding.compared > 0
        assert not finding.differences, "\n".join(map(str, finding.differences))

    check()


@pytest.mark.parametrize(("stem", "setup"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_what_the_old_component_refuses_the_new_one_refuses_too(stem: str, setup: Setup) -> None:
    with torch.random.fork_rng(devices=[]):
        with pytest.raises(Exception):  # noqa: B017, PT011 - the old stack raised whatever came
            build_old(stem, setup)
        with pytest.raises(MettaError):  # from the rule or from the builder, whichever sees it first
            build_new(stem, setup)
