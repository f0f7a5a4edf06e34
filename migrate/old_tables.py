"""The table of divisors by feature name that the code of an era had."""

from __future__ import annotations

from collections.abc import Mapping

from legacy.normalizations import OBS_NORMALIZATIONS, OBS_NORMALIZATIONS_E1
from migrate.eras import Era


def table_of(era: Era) -> Mapping[str, float]:
    """Feature name -> divisor."""
    return OBS_NORMALIZATIONS if era.is_since("E2a") else OBS_NORMALIZATIONS_E1
