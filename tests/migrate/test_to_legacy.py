from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from equivalence.case import Setup, Source
from equivalence.hosts import host
from migrate import load_policy, provenance, to_legacy
from migrate.archive import checkpoint_of, read_checkpoint
from migrate.checkpoint import main
from migrate.errors import UnsafeFileError, UnusableFileError
from migrate.pickle_writer import save_record
from migrate.plain import plain
from migrate.plan import make_plan
from migrate.saving import save_policy
from modules.policy_file import TRAINER, PolicyFile, read_policy_file, write_atomically
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


def test_a_component_in_another_mode_is_no_old_file(
    tmp_path: Path, migrated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = read_policy_file(migrated)
    content.otherwise = ["fc"]
    path, back = tmp_path / "policy.safetensors", tmp_path / "back.pt"
    write_atomically({path: content.to_bytes()})
    assert main([str(path), "--to", "legacy", "-o", str(back)]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "component(s) fc are in another mode than the agent, which the old stack says once for all" in told
    assert not back.exists()


def test_an_old_agent_has_memory_of_its_own(migrated: Path) -> None:
    content = read_policy_file(migrated)
    before = {name: tensor.clone() for name, tensor in content.tensors.items()}
    agent = to_legacy.legacy_agent_from(content, migrated)
    attributes = [value for module in agent.modules() for value in vars(module).values() if torch.is_tensor(value)]
    with torch.no_grad():
        for tensor in (*agent.parameters(), *agent.buffers(), *attributes):
            tensor.zero_()
    assert all(torch.equal(tensor, before[name]) for name, tensor in content.tensors.items())


def test_the_class_of_its_policy_is_saved_with_an_old_agent(tmp_path: Path) -> None:
    old = eras.trained("2025-08-14", eras.from_token_box, steps=0).write(tmp_path)[0]
    (again,) = save_policy(tmp_path / "again.pt", load_policy(old, "legacy"))
    said = [make_plan(read_checkpoint(path)).config["policy"] for path in (old, again)]
    assert said == ["metta.agent.component_policy.ComponentPolicy"] * 2


def _first_weight(content: PolicyFile) -> str:
    return next(name for name, tensor in content.tensors.items() if name.startswith("components.") and tensor.dim() > 1)


CHANGES: dict[str, Callable[[PolicyFile], object]] = {
    "its config": lambda content: content.config.update(clip_range=2),
    "its environment": lambda content: content.environment.update(obs_width=7),
    "a value of a component": lambda content: content.attributes["fc"].update(clip_value=7.0),
    "its actions": lambda content: content.actions["names"].reverse() if content.actions else None,
    "its mode": lambda content: vars(content).update(training=not content.training),
    "the mode of a component": lambda content: content.otherwise.append("fc"),
    "what is frozen": lambda content: content.frozen.append(_first_weight(content)),
    "its features": lambda content: vars(content).update(features={"active_features": []}),
    "the rows of its actions": lambda content: content.tensors.update(
        {"components._action_embeds_.active_indices": content.tensors["components._action_embeds_.active_indices"] + 1}
    ),
    "a type of numbers": lambda content: content.tensors.update(
        {_first_weight(content): content.tensors[_first_weight(content)].view(torch.int32)}
    ),
    "a shape": lambda content: content.tensors.update(
        {_first_weight(content): content.tensors[_first_weight(content)].flatten()}
    ),
    "a tensor more": lambda content: content.tensors.update({"components.fc.more": torch.ones(1)}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_old_file_is_not_taken_for_a_policy_of_which_more_changed_than_its_weights(
    what: str, migrated: Path
) -> None:
    content = read_policy_file(migrated)
    name = _first_weight(content)
    content.tensors[name] = content.tensors[name] + 1
    assert provenance.is_unchanged(content, provenance.POLICY)
    CHANGES[what](content)
    assert not provenance.is_unchanged(content, provenance.POLICY)


def test_the_old_trainer_state_is_not_taken_for_one_with_other_values(migrated: Path) -> None:
    content = read_policy_file(migrated)
    name = next(name for name in content.tensors if name.endswith(".exp_avg"))
    content.tensors[name] = content.tensors[name] + 1
    assert provenance.is_unchanged(content, TRAINER)
    content.extra["trainer"]["groups"][0]["lr"] = 0.5
    assert not provenance.is_unchanged(content, TRAINER)
