"""A policy of every date on which the old stack changed crosses over, is proved, and comes back byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import migrate
from equivalence.harness import LEVELS
from equivalence.pairs import make_pair
from equivalence.proof import prove
from migrate.archive import read_checkpoint
from migrate.checkpoint import main
from migrate.eras import Era
from migrate.plan import make_plan
from tests.migrate._eras import ALL, trained

IDS = [f"{date} {encoder.__name__}" for date, encoder in ALL]
QUICK = tuple(name for name, level in LEVELS.items() if not level.slow)
FIRST = {Era(date).name: (date, encoder) for date, encoder in reversed(ALL)}
"""Of each era the first policy, which is proved on the levels of many steps too: they take as long as all others."""


@pytest.mark.parametrize(("date", "encoder"), ALL, ids=IDS)
def test_a_policy_crosses_over_and_comes_back(date: str, encoder: Any, tmp_path: Path) -> None:
    written = trained(date, encoder)
    policy, trainer = written.write(tmp_path)
    new = tmp_path / "policy.safetensors"
    assert main([str(policy), "-o", str(new), "--trainer-state", str(trainer)]) == 0  # which checks the way back

    era = make_plan(read_checkpoint(policy)).old.era
    assert era.earliest <= written.era.date
    pair = make_pair(migrate.load_policy(policy, "legacy"), migrate.load_policy(new, "modules"))
    levels = tuple(LEVELS) if (date, encoder) in FIRST.values() else QUICK
    results = prove(pair, levels=levels, examples=3)
    for result in results:
        assert result.equal, (result.level, result.blamed, result.differences)
    skipped = [result.level for result in results if result.skipped]
    assert skipped == (["activation"] if pair.sizes.nvec else [])  # two heads have nothing to activate
