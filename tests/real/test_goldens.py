"""Both stacks against what the historical code computed from a seed, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import migrate
from migrate.api import STACKS
from tests.real import _golden
from tests.real._golden import bits, describe, perturbation, read, replay

both_stacks = pytest.mark.parametrize("stack", STACKS)


@both_stacks
def test_a_seed_gives_the_old_initial_weights(golden_file: Path, config_dir: Path, stack: str) -> None:
    golden, _ = read(golden_file, config_dir)
    found = replay(golden_file, config_dir, stack)
    assert found["state_dict"] == bits(golden["state_dict"])


@both_stacks
def test_building_draws_as_many_random_numbers_as_it_did(golden_file: Path, config_dir: Path, stack: str) -> None:
    golden, _ = read(golden_file, config_dir)
    assert replay(golden_file, config_dir, stack)["rng_after_build"] == golden["rng_after_build"]


@both_stacks
def test_parameters_are_in_the_order_of_the_old_optimizer(golden_file: Path, config_dir: Path, stack: str) -> None:
    golden, _ = read(golden_file, config_dir)
    assert replay(golden_file, config_dir, stack)["param_order"] == golden["param_order"]


def test_the_legacy_state_dict_has_the_old_keys(golden_file: Path, config_dir: Path) -> None:
    golden, _ = read(golden_file, config_dir)
    assert replay(golden_file, config_dir, "legacy")["state_keys"] == set(golden["state_dict"])


@both_stacks
def test_clip_limits_are_the_old_ones(golden_file: Path, config_dir: Path, stack: str) -> None:
    golden, _ = read(golden_file, config_dir)
    found, wanted = replay(golden_file, config_dir, stack)["param_layers"], golden["param_layers"]
    if stack == "modules":  # plain numbers there, numpy's nowhere
        found, wanted = _values(found), _values(wanted)
    assert found == wanted


def _values(layers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {n: {k: v for k, v in layer.items() if not k.endswith("_type")} for n, layer in layers.items()}


def test_the_legacy_layers_infer_the_old_shapes(golden_file: Path, config_dir: Path) -> None:
    golden, _ = read(golden_file, config_dir)
    assert replay(golden_file, config_dir, "legacy")["shapes"] == golden["shapes"]


@both_stacks
@pytest.mark.parametrize("part", ["inference", "training"])
def test_fresh_agents_compute_what_they_did(golden_file: Path, config_dir: Path, stack: str, part: str) -> None:
    golden, _ = read(golden_file, config_dir)
    assert replay(golden_file, config_dir, stack)[part] == bits(golden[part])


@both_stacks
def test_with_weights_far_from_the_start_every_component_does(golden_file: Path, config_dir: Path, stack: str) -> None:
    golden, _ = read(golden_file, config_dir)
    if "perturbed" not in golden:
        pytest.skip(f"recorded without other weights: {golden.get('override')}")
    found, wanted = replay(golden_file, config_dir, stack)["perturbed"], bits(golden["perturbed"])
    for part in wanted:
        assert found[part] == wanted[part], part


@both_stacks
def test_clipping_changes_what_it_changed(golden_file: Path, config_dir: Path, stack: str) -> None:
    golden, config = read(golden_file, config_dir)
    recorded = golden["after_clip_weights"] if config["clip_range"] else {}
    assert replay(golden_file, config_dir, stack)["after_clip_weights"] == bits(recorded)


@pytest.mark.parametrize("loss", ["l2_reg_loss", "l2_init_loss"])
def test_the_legacy_l2_losses_give_or_raise_what_they_did(golden_file: Path, config_dir: Path, loss: str) -> None:
    golden, _ = read(golden_file, config_dir)
    recorded = golden[f"{loss}_after_clip"]
    assert replay(golden_file, config_dir, "legacy")[f"{loss}_after_clip"] == recorded


@both_stacks
def test_weight_metrics_are_the_old_ones(golden_file: Path, config_dir: Path, stack: str) -> None:
    golden, _ = read(golden_file, config_dir)
    assert replay(golden_file, config_dir, stack)["weight_metrics_seed77"] == golden["weight_metrics_seed77"]


def test_the_legacy_weight_metrics_of_the_measured_layers(golden_dir: Path, config_dir: Path) -> None:
    """The one recorded E4d config that measures layers, with its two classes that we lack rewired: neither draws first."""
    file, path = golden_dir / "262111993a__reference_design.json", config_dir / "E4/reference_design.yaml"
    if not (file.exists() and path.exists()):
        pytest.skip(f"there is no {file.name} or no E4/{path.name}")
    golden, config = yaml.safe_load(file.read_text()), yaml.safe_load(path.read_text())
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
