"""Both stacks against what the historical code computed from a seed, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.api import STACKS
from migrate.eras import Era
from migrate.errors import MigrationError
from modules.errors import MettaError
from tests.real._golden import Golden, build, close, read, replay, without_types
from tests.real._golden_failures import build_straight, refusal_of, told_by_old_code
from tests.real._golden_passes import Record, bits, without_scratch
from tests.real._processor import UNSTABLE, check_near, rounds_as_recorded

LOSSES = ("l2_reg_loss_after_clip", "l2_init_loss_after_clip")
PARTS = (
    *("rng_after_build", "param_order", "state_dict", "param_layers", "inference", "training", "perturbed"),
    *("after_clip_weights", *LOSSES, "weight_metrics_seed77"),
)
"""What both stacks must repeat: generator, orders, initial weights, limits, passes, clipping, losses, statistics."""
LEGACY_PARTS = (*PARTS, "shapes")
"""What only the old stack has as well: inferred shapes."""


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_repeats_what_was_recorded(golden_file: Path, config_dir: Path, stack: str) -> None:
    golden = read(golden_file, config_dir)
    if golden.error is not None:
        _check_failure(golden, stack)
        return
    wanted, found = _recorded(golden), replay(golden, stack)
    if not rounds_as_recorded():  # then the old stack comes near, and the new one is equal to that
        old = found if stack == "legacy" else replay(golden, "legacy")
        for part in wanted.keys() - UNSTABLE:
            check_near(old[part], wanted[part], part)
        wanted = {part: old[part] for part in wanted}
    if stack == "modules":
        _allow(wanted, found, golden.era)
    for part in LEGACY_PARTS if stack == "legacy" else PARTS:
        if part in wanted:
            assert bits(found[part]) == bits(wanted[part]), part
    if stack == "legacy":
        assert found["state_keys"] == list(golden.recorded["state_dict"])


def _recorded(golden: Golden) -> Record:
    record: Record = without_scratch({part: golden.recorded[part] for part in LEGACY_PARTS if part in golden.recorded})
    return record if golden.config["clip_range"] else {**record, "after_clip_weights": {}}  # a remark that nothing is


def _allow(wanted: Record, found: Record, era: Era) -> None:
    """What the new stack has otherwise by design, and the old one did not record."""
    for loss in LOSSES:  # without the errors of 2025-05-10 to 2025-06-05, and a sum of nothing is no integer
        old = wanted.get(loss, {})
        wanted[loss] = old["sum"] if "sum" in old else found[loss].get("sum")
        found[loss] = found[loss].get("sum")
    for record in (wanted, found):  # plain numbers there, numpy's nowhere
        record["param_layers"] = without_types(record["param_layers"])
    if not era.is_since("E2b"):  # one name per tensor, not one for each path to it
        old, new = ({repr(bits(each)) for each in side["state_dict"].values()} for side in (wanted, found))
        assert old == new
        wanted["state_dict"] = {k: v for k, v in wanted["state_dict"].items() if k in found["state_dict"]}
        assert len(found["state_dict"]) == len(set(found["state_keys"]))
    if not era.is_since("E3b"):  # the old agent measured nothing, or other things
        wanted.pop("weight_metrics_seed77", None)
    else:
        wanted["weight_metrics_seed77"] = close(wanted["weight_metrics_seed77"], 1e-10)  # a line fitted without scipy


def _check_failure(golden: Golden, stack: str) -> None:
    """A config that could not be built cannot be built now: as it was in the old stack, and in our words in the new."""
    recorded = str(golden.error)
    if stack == "legacy":
        with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is what is checked
            build_straight(golden)
        assert f"{type(raised.value).__name__}: {raised.value}".startswith(told_by_old_code(recorded))
        return
    with pytest.raises((MigrationError, MettaError), match=refusal_of(recorded)):
        build(golden, stack)
