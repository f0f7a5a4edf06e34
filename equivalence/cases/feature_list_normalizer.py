"""`feature_list_normalizer`: refused in every era, so there is nothing to draw, and tests that draw are skipped."""

from unittest import SkipTest

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source
from migrate.refused import REFUSED
from migrate.rules.feature_list_normalizer import OLD

ERAS = ("E1", "E2a", "E3", "E4a", "E4d", "E5a", "E5b")


def _none() -> Setup:
    raise SkipTest(REFUSED[OLD])


CASE = Case(
    setups=st.builds(_none),
    refused=tuple(Setup({}, (Source("image", (2, 3, 4)),), era=era) for era in ERAS),
)
