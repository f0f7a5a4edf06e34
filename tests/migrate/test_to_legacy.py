from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from equivalence.case import Setup, Source
from equivalence.hosts import host
from migrate import load_policy, to_legacy
from migrate.archive import checkpoint_of
from migrate.checkpoint import main
from migrate.errors import UnsafeFileError, UnusableFileError
from migrate.pickle_writer import save_record
from migrate.plain import plain
from migrate.saving import save_policy
from modules.policy_file import read_policy_file, write_atomically
from tests.migrate import _eras as eras

EXAMPLE = Path(__file__).parents[2] / "examples" / "policy.pt"


def _with_option(folder: Path, key: str, value: Any) -> Path:
    path = folder / "policy.safetensors"
    assert main([str(EXAMPLE), "-o", str(path)]) == 0
    content = read_policy_file(path)
    content.config["components"]["encoded_obs"][key] = value
    write_atomically({path: content.to_bytes()})
    return path


@pytest.mark.parametrize(
    "value",
    [
        {"_target_": "pathlib.Path.touch", "self": "PWNED"},
        [{"_target_": "pathlib.Path", "_args_": ["PWNED"]}],
        {"nested": {"_partial_": True}},
    ],
)
def test_a_config_in_a_checkpoint_cannot_make_hydra_call_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    path = _with_option(tmp_path, "out_features", value)
    with pytest.raises(UnsafeFileError, match=r"component 'encoded_obs'.*would make Hydra"):
        load_policy(path, "legacy")
    assert main([str(path), "--to", "legacy", "-o", str(tmp_path / "back.pt")]) == 3
    assert not (tmp_path / "back.pt").exists()
    assert not (tmp_path / "PWNED").exists()


def test_an_interpolation_in_a_checkpoint_is_not_resolved(tmp_path: Path) -> None:
    path = _with_option(tmp_path, "out_features", "${oc.env:HOME}")
    with pytest.raises(UnusableFileError, match="is an interpolation"):
        load_policy(path, "legacy")


@pytest.mark.parametrize("era", ["E8", "E9", "E10"])
def test_a_policy_whose_config_never_was_in_a_checkpoint_becomes_a_file_that_can_be_read(
    tmp_path: Path, era: str
) -> None:
    setup = Setup({"nn_params": {"out_features": 3}}, (Source("x", (4,)),), era=era)
    agent: Any = host("linear", setup).new
    file = tmp_path / "policy.pt"
    save_policy(file, agent)
    for stack in ("legacy", "modules"):
        loaded = load_policy(file, stack, agent.config["era"])
        assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), agent.parameters(), strict=True))


def test_an_old_file_that_could_not_be_read_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, back = _with_option(tmp_path, "out_features", 128), tmp_path / "back.pt"
    right = save_record
    monkeypatch.setattr(to_legacy, "save_record", lambda *given: right(*given)[:-200])
    content = read_policy_file(path)
    content.config["clip_range"] = 0.5  # so that the file is made anew
    write_atomically({path: content.to_bytes()})
    with pytest.raises(
        UnusableFileError, match="the old file that was made of it cannot be read, so it is not written"
    ):
        to_legacy.legacy_bytes(content, path)
    assert main([str(path), "--to", "legacy", "-o", str(back)]) == 2
    assert not back.exists()


@pytest.mark.parametrize(("date", "name"), [("2025-06-29", "name"), ("2025-07-16", "run_name")])
def test_a_record_that_is_written_anew_has_what_its_time_asked_for(date: str, name: str, tmp_path: Path) -> None:
    policy, _ = eras.trained(date, eras.from_token_box).write(tmp_path)
    agent: Any = load_policy(policy, "modules", date)
    agent.activate_actions(["attack"], [1])
    save_policy(tmp_path / "again.pt", agent)
    record = checkpoint_of((tmp_path / "again.pt").read_bytes(), tmp_path).root
    metadata = plain(record.attributes["_metadata"])
    assert name in record.attributes
    assert {"agent_step", "epoch", "generation", "train_time"} <= metadata.keys()
    assert metadata["action_names"] == ["attack"]
