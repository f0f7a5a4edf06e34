"""Both stacks against what the historical code computed from a seed, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import migrate
from migrate.api import STACKS
from tests.real import _golden
from tests.real._golden import bits, describe, perturbation, read, replay

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
    for part in LEGACY_PARTS if stack == "legacy" else PARTS:
        if part == "perturbed" and "override" in golden:
            assert part not in golden
            continue
        assert found[part] == wanted[part], part
    if stack == "legacy":
        assert list(found["state_keys"]) == list(golden["state_dict"])


def _values(layers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {n: {k: v for k, v in layer.items() if not k.endswith("_type")} for n, layer in layers.items()}


def test_the_legacy_weight_metrics_of_the_measured_layers(golden_dir: Path, config_dir: Path) -> None:
    """The one recorded E4d config that measures layers, without the two classes that we lack: neither draws before."""
    file, path = golden_dir / "262111993a__reference_design.json", config_dir / "E4/reference_design.yaml"
    if not (file.exists() and path.exists()):
        pytest.skip(f"there is no {file.name} or no E4/{path.name}")
    golden, config = json.loads(file.read_text()), yaml.safe_load(path.read_text())
    components = config["components"]
    components.pop("obs_dropout")
    components["encoded_obs"]["sources"] = [{"name": "obs_flattener"}]
    components["_action_embeds_"] = {**components["_action_embeds_"], "sources": None}
    components["_action_embeds_"].pop("input_source")
    components["_action_"] = {
        "_target_": "metta.agent.lib.actor.MettaActorSingleHead",
        "sources": components["_action_"]["sources"],
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = migrate.build_agent({**config, "stack": "legacy"}, _golden.Environment(golden))
        for i, name in enumerate(golden["param_order"]):
            if "critic" in name:
                assert describe(agent.get_parameter(name)) == bits(golden["state_dict"][name])
                agent.get_parameter(name).data = perturbation(i, tuple(agent.get_parameter(name).shape))
        torch.manual_seed(77)
        assert agent.compute_weight_metrics() == golden["weight_metrics_seed77"]
