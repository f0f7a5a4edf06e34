"""Both stacks against what the historical code computed from a seed, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from migrate.api import STACKS
from tests.real._golden import bits, close, read, replay

PARTS = (
    *("state_dict", "rng_after_build", "param_order", "param_layers", "inference", "training", "perturbed"),
    *("after_clip_weights", "weight_metrics_seed77"),
)
"""What both stacks must repeat: initial weights, generator, orders, limits, every pass, clipping, statistics."""
LEGACY_PARTS = (*PARTS, "shapes", "l2_reg_loss_after_clip", "l2_init_loss_after_clip")
"""What only the old stack has as well: inferred shapes, and losses that raise."""


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_repeats_what_was_recorded(golden_file: Path, config_dir: Path, stack: str) -> None:
    golden, config = read(golden_file, config_dir)
    wanted = bits(golden)
    if not config["clip_range"]:
        wanted["after_clip_weights"] = {}  # recorded as a remark that nothing is clipped
    found = replay(golden, config, stack)
    if stack == "modules":  # plain numbers there, numpy's nowhere
        wanted["param_layers"], found["param_layers"] = _values(wanted["param_layers"]), _values(found["param_layers"])
        wanted["weight_metrics_seed77"] = close(wanted["weight_metrics_seed77"], 1e-10)  # a line fitted without scipy
    for part in LEGACY_PARTS if stack == "legacy" else PARTS:
        if part == "perturbed" and "override" in golden:
            assert part not in golden
            continue
        assert found[part] == wanted[part], part
    if stack == "legacy":
        assert list(found["state_keys"]) == list(golden["state_dict"])


def _values(layers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {n: {k: v for k, v in layer.items() if not k.endswith("_type")} for n, layer in layers.items()}
