"""Repeats on an agent of either stack what the recorder of a golden file did: section 2.12 of the specification."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn

import migrate
import modules
from legacy import component_policies
from migrate import config_text
from migrate.commits import DATES
from migrate.eras import Era
from migrate.old_names import parameter_names_of
from migrate.registry import has_rule
from tests.real import _rebuilt
from tests.real._golden_inputs import ACTIONS, Environment
from tests.real._golden_passes import Passes, Record, describe, outcome

PREFIX = "policy."
"""Agents of E9 to E11 have it in front of their keys; golden files of these eras are of the policy alone."""
COMPOSED = ("${env.track_last_action}", "false")
"""The only interpolation in an agent config; nothing read it."""


@dataclass(frozen=True)
class Golden:
    """A golden file and what it was recorded from.

    Attributes:
        recorded: its content.
        config: the agent config; None where it is not an agent config but, say, a list of defaults.
        text: of the config.
        era: of the commit.
        environment: what the agent was built for.
    """

    recorded: Record
    config: dict[str, Any]
    text: str
    era: Era
    environment: Environment

    @property
    def error(self) -> str | None:
        """How building failed, where it did."""
        error: str | None = self.recorded.get("BUILD", {}).get("ERROR")
        return error


@cache
def read(file: Path, config_dir: Path) -> Golden:
    """A golden with its config; skips those that no stack of ours can run, naming the commit or the classes."""
    recorded = json.loads(file.read_text(encoding="utf-8"))
    commit, config_name = recorded["commit"], recorded["config"]
    if commit not in DATES:
        pytest.skip(f"no date is known of commit {commit}")
    era = Era(DATES[commit])
    text = _config_text(config_name, config_dir, era)
    config: dict[str, Any] = yaml.safe_load(text)
    classes = {str(component["_target_"]) for component in config.get("components", {}).values()}
    error = recorded.get("BUILD", {}).get("ERROR", "")
    missing = sorted(path for path in classes if not has_rule(path) and path.rpartition(".")[0] not in error)
    if missing:
        pytest.skip(f"no rule for {', '.join(missing)}: commit {commit}")
    if "override" in recorded:
        key, _, value = recorded["override"].partition("=")
        config[key] = float(value)
    has_box = any(path.endswith(".ObsShaper") for path in classes)
    return Golden(recorded, config, text, era, Environment(recorded, era, has_box=has_box))


def _config_text(name: str, config_dir: Path, era: Era) -> str:
    """A YAML file, one made anew of its components, or from E10 on an architecture by its name."""
    path = config_dir / name
    if path.is_file():
        return path.read_text(encoding="utf-8").replace(*COMPOSED)
    is_file = name.endswith(".yaml")
    components = _rebuilt.components(config_dir, name) if is_file else component_policies.components(name, era.date)
    if not components:
        pytest.skip(f"config: there is no {name} in --config-dir, nor in the table of components beside it")
    settings = {"_target_": era.agent, "observations": {"obs_key": "grid_obs"}, **_rebuilt.settings(config_dir, name)}
    return yaml.safe_dump({**settings, "components": components}, sort_keys=False)


def replay(golden: Golden, stack: str) -> Record:
    """Everything that the golden records, computed anew."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = build(golden, stack)
        result: Record = {"rng_after_build": torch.randint(0, 2**31 - 1, (1,)).item()}
        result |= _structure(agent, golden)
        if golden.era.is_since("E4a"):
            agent.activate_actions(*ACTIONS, "cpu")
        passes = Passes(agent, golden.environment, golden.era)
        result["inference"], result["training"] = passes.inference(), passes.training()
        if "perturbed" in golden.recorded:
            parameters = {old: agent.get_parameter(new) for new, old in old_names(agent).items()}
            result["perturbed"] = passes.perturbed([parameters[old] for old in golden.recorded["param_order"]])
        result |= _weights(agent)
    return result


def build(golden: Golden, stack: str) -> Any:
    """The agent of the old config in the old stack, and that of the migrated file in the new one."""
    if stack == "legacy":
        config = {**golden.config, "era": golden.era.date}
    else:
        text = config_text.to_modules(golden.text, "old.yaml", golden.era.date).text
        config = {**yaml.safe_load(text), "clip_range": golden.config["clip_range"]}
    return migrate.build_agent({**config, "stack": stack}, golden.environment)


def old_names(agent: nn.Module) -> dict[str, str]:
    """The agent's parameter names -> those in a golden."""
    return {new: old.removeprefix(PREFIX) for new, old in migrate.parameter_names(agent).items()}


def _structure(agent: Any, golden: Golden) -> Record:
    """Names, initial values, limits and shapes."""
    state = agent.state_dict()
    names = parameter_names_of(agent.config) if isinstance(agent, modules.MettaAgent) else {}
    found = {names.get(key, key).removeprefix(PREFIX): value for key, value in state.items()}
    components = agent.components
    return {
        "param_order": list(old_names(agent).values()),
        "state_dict": {key: describe(found[key]) for key in golden.recorded["state_dict"] if key in found},
        "state_keys": list(found),
        "param_layers": {name: _limits(components[name]) for name in golden.recorded["param_layers"]},
        "shapes": {name: _shapes(component) for name, component in components.items()},
    }


def _weights(agent: Any) -> Record:
    """Clipping, losses and statistics, in this order."""
    names = old_names(agent)
    before = {old: agent.get_parameter(new).detach().clone() for new, old in names.items()}
    agent.clip_weights()
    after = {old: agent.get_parameter(new).detach() for new, old in names.items()}
    result: Record = {"after_clip_weights": {k: describe(after[k]) for k in after if not after[k].equal(before[k])}}
    for loss in ("l2_reg_loss", "l2_init_loss"):
        result[f"{loss}_after_clip"] = outcome(agent, loss)
    torch.manual_seed(77)
    measure = getattr(agent, "compute_weight_metrics", None) or agent.compute_effective_rank
    result["weight_metrics_seed77"] = measure()
    return result


def close(metrics: list[Record], rel: float) -> list[Record]:
    """Weight metrics whose numbers may differ by `rel`; names may not."""
    return [{k: v if isinstance(v, str) else pytest.approx(v, rel=rel) for k, v in each.items()} for each in metrics]


def _limits(layer: Any) -> Record:
    return {
        key: value
        for name in ("clip_value", "largest_weight")
        for key, value in ((name, float(getattr(layer, name))), (f"{name}_type", type(getattr(layer, name)).__name__))
    }


def without_types(layers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Limits as numbers, whatever kind of number they were."""
    return {n: {k: v for k, v in layer.items() if not k.endswith("_type")} for n, layer in layers.items()}


def _shapes(layer: Any) -> Record:
    return {"in": getattr(layer, "_in_tensor_shapes", None), "out": getattr(layer, "_out_tensor_shape", None)}
