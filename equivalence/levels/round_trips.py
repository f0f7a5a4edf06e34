"""Levels that go to files and back: both agents through checkpoints of both formats, and the config both ways."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch
import yaml

import migrate
from equivalence.finding import Finding, Pair, both, tamper
from equivalence.levels.held import attributes, check_besides, weights
from equivalence.levels.passes import sequence
from equivalence.pairs import pair_of_configs
from equivalence.strategies import Inputs
from migrate import config_rules, config_text
from migrate.agent_rules import era_of_config
from migrate.api import read_policy
from migrate.saving import save_policy
from modules.checkpoint import agent_from
from modules.errors import MettaError

WHERE = "config"


def checkpoint(pair: Pair, inputs: Inputs) -> Finding:
    """The old agent by way of an old file in the new stack, the new one by way of a new file in the old stack."""
    finding = Finding()
    with TemporaryDirectory(prefix="equivalence-") as folder:
        old, new = Path(folder) / "old.pt", Path(folder) / "new.safetensors"
        try:
            save_policy(old, pair.old)
            save_policy(new, pair.new)
            # As with `--era`: some files of some dates do not tell it.
            content = read_policy(old, era_of_config(cast(Any, pair.new).config).date)
            crossed = {"new": agent_from(content, old), "old": migrate.load_policy(new, "legacy")}
        except MettaError as error:
            finding.compare_values("error", "checkpoint round trip", "", str(error).replace(folder, ""))
            return finding
    old_agent, new_agent = (crossed[side].train(pair.new.training) for side in ("old", "new"))
    pairs = (replace(pair, new=new_agent), replace(pair, old=old_agent, new=new_agent))
    for mixed in pairs:  # before any pass moves running statistics
        for level in (weights, attributes):
            found = level(mixed, inputs)
            finding.compared += found.compared
            finding.differences += found.differences
    for mixed in pairs[:1]:
        both(finding, mixed, partial(sequence, inputs=inputs), inputs.draw.seed)
    return finding


def config(pair: Pair, inputs: Inputs) -> Finding:
    """The config in the words of both stacks, there and back, and fresh agents of one seed from either."""
    finding = Finding()
    agent = cast(Any, pair.new)
    era = era_of_config(agent.config)
    old = config_rules.to_old_agent(agent.config, era, WHERE)
    again = config_rules.to_new_agent(old, era, WHERE)[0]
    finding.compare_values("config", "there and back", _said(agent.config), _said(again))
    text = yaml.safe_dump(old, sort_keys=False)
    there = config_text.to_modules(text, WHERE, era.date)
    finding.compare_values("config", "its text, there and back", text, config_text.to_legacy(there.text, WHERE).text)
    actions = agent.action_space and (agent.action_space.names, agent.action_space.max_params)
    try:
        fresh = pair_of_configs({**old, "era": era.date}, again, agent.environment, inputs.draw.seed, actions)
    except MettaError as error:
        finding.compare_values("error", "building from the config", "", str(error))
        return finding
    if (change := tamper.get()) is not None:
        change(fresh.new)
    check_besides(finding, fresh)
    found = weights(fresh, inputs)
    finding.compared += found.compared
    finding.differences += found.differences
    with torch.no_grad():
        both(finding, fresh, partial(sequence, inputs=inputs), inputs.draw.seed)
    return finding


def _said(agent: Any) -> dict[str, Any]:
    """What decides about an agent: its components, in order, and its clip range."""
    return {"components": list(agent["components"].items()), "clip_range": agent.get("clip_range")}
