"""Recorded checkpoints, from file to file and in both stacks, against what the historical code computed and kept."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import migrate
from migrate import checkpoint as command
from migrate.archive import read_checkpoint
from migrate.eras import Era
from migrate.plan import make_plan
from tests.real._attributes import (
    NOT_KEPT,
    RECORDED_AS_TEXT,
    attributes,
    plainly,
    policy_attributes,
    sha256,
    without_defaults,
)
from tests.real._golden import close
from tests.real._processor import rounds_as_recorded

NOISE = re.compile(r"\._action_\.(_MLP\.\d\.)?bias: off by|\.b_qkv: off by")
"""What a softmax does not see, one number added to all logits or to all keys, has gradients of nothing but rounding."""
ORIGINS = ("original", "migrated")


def meta_of(folder: Path) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return meta


def era_of(folder: Path) -> Era:
    return make_plan(read_checkpoint(folder / "policy.pt")).old.era


@pytest.fixture(scope="session")
def judge(checkpoint_dir: Path) -> ModuleType:
    file = checkpoint_dir.parent / "tools" / "check_fixture.py"
    if not file.exists():
        pytest.skip(f"JUDGE ABSENT: no {file}, so no recorded run was replayed")
    spec = importlib.util.spec_from_file_location("check_fixture", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("migrated")


def migrated(folder: Path, scratch: Path) -> Path:
    """The fixture's policy in a new file, with its trainer state; made once."""
    target = scratch / folder.parent.name / f"{folder.name}.safetensors"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        trainer = trainer_option(folder, folder / "trainer_state.pt")
        assert command.main([str(folder / "policy.pt"), "-o", str(target), *trainer]) == 0
    return target


def trainer_option(folder: Path, file: Path) -> list[str]:
    """The option for a trainer state, which not every fixture has."""
    return ["--trainer-state", str(file)] if (folder / "trainer_state.pt").exists() else []


def legacy_agent(folder: Path, scratch: Path, origin: str) -> Any:
    file = folder / "policy.pt" if origin == "original" else migrated(folder, scratch)
    return migrate.load_policy(file, "legacy")


def test_both_stacks_replay_every_recorded_case(fixture_folder: Path, judge: ModuleType) -> None:
    verdicts, details = judge.check(fixture_folder)
    assert verdicts["legacy == modules"].startswith("bitwise"), details
    if rounds_as_recorded():
        assert all(verdict.startswith("bitwise") for verdict in verdicts.values()), details
    else:  # the judge allows for other processors, but for a gradient that is all noise
        assert [detail for detail in details if NOISE.search(detail) is None] == []


def test_going_back_gives_the_same_bytes(fixture_folder: Path, scratch: Path, tmp_path: Path) -> None:
    back, trainer = tmp_path / "policy.pt", tmp_path / "trainer_state.pt"
    new = migrated(fixture_folder, scratch)
    option = trainer_option(fixture_folder, trainer)
    assert command.main([str(new), "--to", "legacy", "-o", str(back), *option]) == 0
    for file in (back, trainer) if option else (back,):
        assert file.read_bytes() == (fixture_folder / file.name).read_bytes()


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_legacy_agent_holds_the_recorded_tensors(fixture_folder: Path, scratch: Path, origin: str) -> None:
    meta = meta_of(fixture_folder)
    agent = legacy_agent(fixture_folder, scratch, origin)
    state = agent.state_dict()
    assert [[key, list(value.shape), str(value.dtype)] for key, value in state.items()] == meta["state_dict"]
    assert {key: sha256(value) for key, value in state.items()} == meta["state_dict_sha256"]
    assert [name for name, _ in agent.named_parameters()] == meta["named_parameters"]


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_legacy_agent_has_the_recorded_attributes(fixture_folder: Path, scratch: Path, origin: str) -> None:
    meta, era = meta_of(fixture_folder), era_of(fixture_folder)
    agent = legacy_agent(fixture_folder, scratch, origin)
    for found, expected in ((agent, meta["agent"]["attrs"]), *policy_attributes(agent, meta["agent"])):
        told = attributes(found, era)
        for name in {*told, *expected} - RECORDED_AS_TEXT:
            assert told.get(name) == plainly(expected.get(name)), name
    assert list(agent.components) == list(meta["components"])
    for name, component in agent.components.items():
        wanted = meta["components"][name]
        found, expected = attributes(component, era), wanted["attrs"]
        if origin == "migrated":  # a new config does not say a default, so an old one made from it does not either
            found, expected = (without_defaults(each, wanted["class"], era) for each in (found, expected))
        for attribute in {*found, *expected} - NOT_KEPT:
            assert plainly(found.get(attribute)) == plainly(expected.get(attribute)), (name, attribute)


METRICS = ("compute_weight_metrics", "compute_effective_rank")


@pytest.mark.parametrize("origin", ORIGINS)
def test_helper_calls_give_what_was_recorded(fixture_folder: Path, scratch: Path, origin: str) -> None:
    calls = meta_of(fixture_folder)["aux_calls"]
    agent = legacy_agent(fixture_folder, scratch, origin)
    for method in ("l2_reg_loss", "l2_init_loss"):
        if method in calls:
            check_loss(agent, method, calls[method])
    torch.manual_seed(0)
    for method in METRICS:
        if method in calls:  # the recorder's seed is not known; the noise of 1e-7 moves the last digits
            assert getattr(agent, method)() == close(calls[method]["ok"], 1e-3)
    layers = {name: c for name, c in agent.components.items() if getattr(c, "initial_weights", None) is not None}
    if "update_l2_init_weight_copy" in calls:
        agent.update_l2_init_weight_copy()
        anchors = {name: sha256(layer.initial_weights) for name, layer in layers.items()}
        assert anchors == calls["update_l2_init_weight_copy"]["initial_weights_sha256"]
    agent.clip_weights()
    assert {name: sha256(p) for name, p in agent.named_parameters()} == calls["clip_weights"]["param_sha256"]
    assert {name: layer.clip_value for name, layer in layers.items()} == calls["clip_weights"]["clip_value"]


def check_loss(agent: Any, method: str, recorded: dict[str, Any]) -> None:
    if "raises" in recorded:
        kind, _, message = recorded["raises"].partition(": ")
        with pytest.raises(Exception) as caught:  # noqa: PT011 - type and whole text are compared
            getattr(agent, method)()
        assert (type(caught.value).__name__, str(caught.value)) == (kind, message)
    else:
        loss = getattr(agent, method)()
        assert (loss.item(), str(loss.dtype)) == (
            pytest.approx(recorded["ok"]["value"], rel=1e-6),
            recorded["ok"]["dtype"],
        )
