"""Recorded checkpoints, from file to file and in both stacks, against what the historical code computed and kept."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import migrate
from migrate import checkpoint as command
from migrate.eras import SUPPORTED, Era, below_root
from migrate.registry import rules
from tests.real._attributes import attributes, sha256, without_defaults
from tests.real._golden import close

ORIGINS = ("original", "migrated")


def meta_of(folder: Path) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return meta


def why_not(meta: dict[str, Any]) -> str:
    """What keeps a fixture from being migrated: its era, or classes without rule; empty where nothing does."""
    era = era_of(meta)
    if era not in SUPPORTED:
        return f"era {era}"
    known = {rule.old for rule in rules().values()}
    paths = {component["class"] for component in meta["components"].values()}
    return ", ".join(sorted(path for path in paths if below_root(path) not in known))


def era_of(meta: dict[str, Any]) -> str:
    return str(meta["era"]).partition("_")[0]


def supported(folder: Path) -> dict[str, Any]:
    """The fixture's record; skips one that cannot be migrated, which `test_what_cannot_be_migrated...` looks at."""
    meta = meta_of(folder)
    if reason := why_not(meta):
        pytest.skip(f"refused: {reason}")
    return meta


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
        assert (
            command.main([str(folder / "policy.pt"), "-o", str(target), *trainer_option(folder / "trainer_state.pt")])
            == 0
        )
    return target


def trainer_option(file: Path) -> list[str]:
    return ["--trainer-state", str(file)]


def legacy_agent(folder: Path, scratch: Path, origin: str) -> Any:
    file = folder / "policy.pt" if origin == "original" else migrated(folder, scratch)
    return migrate.load_policy(file, "legacy")


def test_both_stacks_replay_every_recorded_case(fixture_folder: Path, judge: ModuleType) -> None:
    supported(fixture_folder)
    verdicts, details = judge.check(fixture_folder)
    assert verdicts["legacy == modules"].startswith("bitwise"), details
    assert not any(verdict.startswith("FAIL") for verdict in verdicts.values()), details


def test_going_back_gives_the_same_bytes(fixture_folder: Path, scratch: Path, tmp_path: Path) -> None:
    supported(fixture_folder)
    back, trainer = tmp_path / "policy.pt", tmp_path / "trainer_state.pt"
    new = migrated(fixture_folder, scratch)
    assert command.main([str(new), "--to", "legacy", "-o", str(back), *trainer_option(trainer)]) == 0
    for file in (back, trainer):
        assert file.read_bytes() == (fixture_folder / file.name).read_bytes()


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_legacy_agent_holds_the_recorded_tensors(fixture_folder: Path, scratch: Path, origin: str) -> None:
    meta = supported(fixture_folder)
    agent = legacy_agent(fixture_folder, scratch, origin)
    state = agent.state_dict()
    assert [[key, list(value.shape), str(value.dtype)] for key, value in state.items()] == meta["state_dict"]
    assert {key: sha256(value) for key, value in state.items()} == meta["state_dict_sha256"]
    assert [name for name, _ in agent.named_parameters()] == meta["named_parameters"]


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_legacy_agent_has_the_recorded_attributes(fixture_folder: Path, scratch: Path, origin: str) -> None:
    meta = supported(fixture_folder)
    agent, era = legacy_agent(fixture_folder, scratch, origin), Era(era_of(meta))
    assert attributes(agent, era) == meta["agent"]["attrs"]
    assert list(agent.components) == list(meta["components"])
    for name, component in agent.components.items():
        wanted = meta["components"][name]
        found, expected = attributes(component, era), wanted["attrs"]
        if origin == "migrated":  # a new config does not say a default, so an old one made from it does not either
            found, expected = (without_defaults(each, wanted["class"], era) for each in (found, expected))
        assert found == expected, name


@pytest.mark.parametrize("origin", ORIGINS)
def test_helper_calls_give_what_was_recorded(fixture_folder: Path, scratch: Path, origin: str) -> None:
    calls = supported(fixture_folder)["aux_calls"]
    agent = legacy_agent(fixture_folder, scratch, origin)
    for method in ("l2_reg_loss", "l2_init_loss"):
        kind, _, message = calls[method]["raises"].partition(": ")
        with pytest.raises(Exception) as caught:  # noqa: PT011 - type and whole text are compared
            getattr(agent, method)()
        assert (type(caught.value).__name__, str(caught.value)) == (kind, message)
    torch.manual_seed(0)
    metrics = agent.compute_weight_metrics()
    # The recorder's seed is not known; the noise of 1e-7 moves the last digits.
    assert metrics == close(calls["compute_weight_metrics"]["ok"], 1e-3)
    agent.update_l2_init_weight_copy()
    layers = {name: c for name, c in agent.components.items() if getattr(c, "initial_weights", None) is not None}
    anchors = {name: sha256(layer.initial_weights) for name, layer in layers.items()}
    assert anchors == calls["update_l2_init_weight_copy"]["initial_weights_sha256"]
    agent.clip_weights()
    assert {name: sha256(p) for name, p in agent.named_parameters()} == calls["clip_weights"]["param_sha256"]
    assert {name: layer.clip_value for name, layer in layers.items()} == calls["clip_weights"]["clip_value"]


def test_what_cannot_be_migrated_is_refused_and_leaves_nothing(
    fixture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    meta = meta_of(fixture_folder)
    reason = why_not(meta)
    if not reason:
        pytest.skip("can be migrated")
    monkeypatch.chdir(tmp_path)
    assert command.main([str(fixture_folder / "policy.pt"), "-o", str(tmp_path / "new.safetensors")]) == 2
    said = capsys.readouterr().err
    assert any(word in said for word in named(reason)), said
    assert not list(tmp_path.iterdir())


def named(reason: str) -> list[str]:
    """Words of which the message must have one: the era or its number, or the class."""
    return [reason.removeprefix("era ")] if reason.startswith("era ") else reason.split(", ")
