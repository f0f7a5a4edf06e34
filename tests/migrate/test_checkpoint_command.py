"""`python -m migrate.checkpoint`: there, back, and everything that it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import migrate
import modules
from migrate.checkpoint import main
from modules.policy_file import read_policy_file
from tests.migrate import _policies as policies


@pytest.fixture
def old(policy: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(policy, tmp_path / "model_0007.pt"))


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_there_and_back_byte_for_byte(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(old) == 0
    new = tmp_path / "model_0007.safetensors"
    assert policies.same_policy(migrate.load_policy(old, "legacy"), modules.load_agent(new))
    assert run(new, "--to", "legacy", "-o", tmp_path / "back.pt") == 0
    assert (tmp_path / "back.pt").read_bytes() == old.read_bytes()
    out = capsys.readouterr()
    assert "byte for byte the file it came from" in out.err
    assert "era E4d, since the agent has `agent_attributes`: since 2025-05-19; components were told" in out.err
    assert "`num_objects`: since E1 (2025-02-20), before E5a (2025-05-30)" in out.err.replace("\n", " ")
    assert not out.out


def test_the_trainer_state_goes_along_and_back(old: Path, trainer_state: Path, tmp_path: Path) -> None:
    assert run(old, "--trainer-state", trainer_state, "-o", tmp_path / "new.safetensors") == 0
    back = tmp_path / "back.pt", tmp_path / "trainer_back.pt"
    assert run(tmp_path / "new.safetensors", "--to", "legacy", "-o", back[0], "--trainer-state", back[1]) == 0
    assert [path.read_bytes() for path in back] == [old.read_bytes(), trainer_state.read_bytes()]


def test_a_policy_without_trainer_state_gives_none_back(old: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(old) == 0
    assert (
        run(
            old.with_suffix(".safetensors"),
            "--to",
            "legacy",
            "-o",
            tmp_path / "b.pt",
            "--trainer-state",
            tmp_path / "t.pt",
        )
        == 2
    )
    assert "holds no optimizer state" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model_0007.pt", "model_0007.safetensors"]


def test_after_training_the_way_back_has_the_new_weights_and_the_same_attributes(
    old: Path, tmp_path: Path, migrated: Path
) -> None:
    agent = modules.load_agent(migrated)
    policies.train(agent, policies.adam(agent), range(20, 23))
    modules.save_agent(agent, tmp_path / "trained.safetensors")
    assert run(tmp_path / "trained.safetensors", "--to", "legacy") == 0
    back, before = (migrate.load_policy(path, "legacy") for path in (tmp_path / "trained.pt", old))
    assert policies.same_policy(agent, back)
    assert not policies.same_policy(before, back)
    assert back.action_names == before.action_names
    for name, component in before.components.items():
        for attribute in ("largest_weight", "clip_value", "initial_weights", "_reserved_action_embeds", "num_actions"):
            there: Any = getattr(component, attribute, None)
            here: Any = getattr(back.components[name], attribute, None)
            assert type(there) is type(here), attribute
            assert torch.equal(there, here) if isinstance(there, torch.Tensor) else there == here
    metadata = migrate.archive.read_checkpoint(tmp_path / "trained.pt").root.attributes["metadata"]
    assert (metadata["epoch"], metadata["score"]) == (7, 0.5)


def test_after_new_actions_the_way_back_has_the_right_index(migrated: Path, tmp_path: Path) -> None:
    agent = modules.load_agent(migrated)
    agent.activate_actions(*policies.OTHER_ACTIONS)
    modules.save_agent(agent, tmp_path / "other.safetensors")
    assert run(tmp_path / "other.safetensors", "--to", "legacy") == 0
    back = migrate.load_policy(tmp_path / "other.pt", "legacy")
    rows = {"noop_0": 1, "move_0": 2, "move_1": 3, "move_2": 4, "jump_0": 5, "jump_1": 6}
    assert back.components["_action_embeds_"]._reserved_action_embeds == rows
    assert back.components["_action_embeds_"].active_indices.tolist() == [2, 3, 4, 5, 6, 1]
    assert policies.same_policy(agent, back)
    for each in (agent, back):
        each.activate_actions(*policies.ACTIONS, "cpu")
    assert policies.same_policy(agent, back)


def test_two_runs_give_equal_bytes(old: Path, trainer_state: Path, tmp_path: Path) -> None:
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for file in files:
        assert run(old, "--trainer-state", trainer_state, "-o", file) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_same_content_is_unchanged_and_another_one_is_protected(old: Path, capsys: Any) -> None:
    new = old.with_suffix(".safetensors")
    assert run(old) == 0
    assert run(old) == 0
    assert f"unchanged {new}" in capsys.readouterr().err
    new.write_bytes(b"mine")
    assert run(old) == 4
    assert f"{new}: exists and differs\n  -> give --force to replace it" in capsys.readouterr().err
    assert new.read_bytes() == b"mine"
    assert run(old, "--force") == 0
    assert run(new) == 0
    assert "is a policy of the new stack already; nothing to do" in capsys.readouterr().err


def test_going_back_protects_both_files_before_it_writes_one(migrated: Path, tmp_path: Path, capsys: Any) -> None:
    trainer = tmp_path / "t.pt"
    trainer.write_bytes(b"mine")
    arguments = (migrated, "--to", "legacy", "-o", tmp_path / "p.pt", "--trainer-state", trainer)
    assert run(*arguments) == 4
    assert not (tmp_path / "p.pt").exists()
    assert run(*arguments, "--force") == 0
    capsys.readouterr()
    assert run(*arguments, "--json") == 0
    assert json.loads(capsys.readouterr().out)["result"] == "unchanged"


def test_going_back_writes_both_files_or_none(migrated: Path, tmp_path: Path, capsys: Any) -> None:
    new, policy, nowhere = shutil.copy(migrated, tmp_path / "new.safetensors"), tmp_path / "p.pt", tmp_path / "no" / "t"
    assert run(new, "--to", "legacy", "-o", policy, "--trainer-state", nowhere) == 2
    assert f"{policy} and {nowhere}: cannot be written: No such file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [new]


@pytest.mark.parametrize("to", ["modules", "legacy"])
def test_a_plan_writes_nothing(old: Path, migrated: Path, tmp_path: Path, capsys: Any, to: str) -> None:
    source = old if to == "modules" else shutil.copy(migrated, tmp_path / "new.safetensors")
    before = sorted(tmp_path.iterdir())
    assert run(source, "--plan", "--to", to, "--json") == 0
    assert sorted(tmp_path.iterdir()) == before
    assert json.loads(capsys.readouterr().out)["result"] == "planned"


def test_the_plan_says_what_goes_where(old: Path, capsys: Any) -> None:
    assert run(old, "--plan", "--json") == 0
    out = capsys.readouterr()
    plan = json.loads(out.out)["plan"]
    assert plan["tensors"]["components.fc._net.0.weight"] == "components.fc.weight"
    assert plan["tensors"]["components._value_._net.weight"] == "components._value_.weight"
    assert ["_action_embeds_", "_reserved_action_embeds", "rows"] in plan["attributes"]
    assert len(plan["sha256"]) == 64
    assert "components.fc._net.0.weight -> components.fc.weight" in out.err


def test_usage(old: Path, trainer_state: Path, migrated: Path, tmp_path: Path, capsys: Any) -> None:
    for arguments in (
        (old, old, "-o", tmp_path / "x"),
        (old, old, "--trainer-state", trainer_state),
        (old, "--to", "nowhere"),
        (),
    ):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 4
    new = shutil.copy(migrated, tmp_path / "new.safetensors")
    assert run(old, "-o", old, "--force") == 4
    assert run(old, "--trainer-state", trainer_state, "-o", trainer_state, "--force") == 4
    assert run(new, "--to", "legacy", "-o", new, "--force") == 4
    assert run(new, "--to", "legacy", "-o", tmp_path / "x", "--trainer-state", tmp_path / "x") == 4
    assert capsys.readouterr().err.count("is input and output at once") == 4
    assert run(old, "--to", "legacy") == 4
    assert "--to legacy takes a policy of the new stack" in capsys.readouterr().err
    assert run(old, "--era", "E99") == 4
    assert "no era 'E99'\n  -> eras are E1, E2a," in capsys.readouterr().err


def test_an_era_may_be_forced_by_name_or_date(old: Path, capsys: Any) -> None:
    assert run(old, "--era", "2025-05-22") == 0
    assert "era E4d, since named" in capsys.readouterr().err
    assert modules.load_agent(old.with_suffix(".safetensors")).config["era"] == "2025-05-22"
    assert run(old, "--era", "E8", "--force") == 2
    assert "has attribute(s) that its rule does not know: l2_norm_scale" in capsys.readouterr().err


def test_a_batch_goes_on_after_a_failure(old: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(old, tmp_path / "missing.pt", "--json") == 5
    results = json.loads(capsys.readouterr().out)
    assert [result["exit_code"] for result in results] == [0, 2]
    assert "missing.pt: cannot be opened: No such file or directory" in results[1]["error"]
    assert old.with_suffix(".safetensors").exists()
    assert run(tmp_path / "missing.pt", tmp_path / "missing.pt") == 2


def test_a_folder_is_every_policy_in_it_and_no_trainer_state(old: Path, trainer_state: Path, capsys: Any) -> None:
    run_folder = old.parent / "run"
    (run_folder / "checkpoints").mkdir(parents=True)
    policies = [run_folder / "checkpoints" / name for name in ("model_0001.pt", "model_0002.pt")]
    for policy in policies:
        shutil.copy(old, policy)
    shutil.copy(trainer_state, run_folder / "trainer_state.pt")
    assert run(run_folder, "--json") == 0
    assert [each["file"] for each in json.loads(capsys.readouterr().out)] == list(map(str, policies))
    for policy in policies:
        policy.unlink()
    assert run(run_folder, "--to", "legacy") == 0
    assert [policy.read_bytes() for policy in policies] == [old.read_bytes()] * 2


def test_a_folder_without_policies_is_wrong_usage(tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(SystemExit, match="4"):
        run(tmp_path)
    assert f"no .pt in {tmp_path}" in capsys.readouterr().err.replace("\n", "")


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_nothing(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, failure: BaseException
) -> None:
    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(Path, "replace", fail)
    if isinstance(failure, OSError):
        assert run(old) == 2
        assert "cannot be written: No space left on device" in capsys.readouterr().err
    else:
        with pytest.raises(KeyboardInterrupt):
            run(old)
    assert list(tmp_path.iterdir()) == [old]


def test_a_place_that_cannot_be_written(old: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(old, "-o", tmp_path / "no" / "p.safetensors") == 2
    assert run(old, "-o", tmp_path, "--force") == 2
    err = capsys.readouterr().err
    assert "cannot be written: No such file or directory\n  -> choose another place with -o" in err
    assert "cannot be written: Is a directory" in err


def test_the_new_file_says_where_it_comes_from(migrated: Path) -> None:
    migration = read_policy_file(migrated).extra["migration"]
    assert migration["era"] == "E4d"
    assert set(migration["sources"]) == {"policy", "trainer"}
    assert migration["record"]["name"] == "run/model_0007.pt"


def test_of_a_range_of_eras_the_file_says_the_rest(old: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(old, "--era", "E4") == 0
    assert "era E4d, since the agent has" in capsys.readouterr().err
    assert run(old, "--era", "E5", "-o", tmp_path / "x.safetensors") == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "its parts are of different eras: --era E5: since 2025-05-30, before 2025-06-18; components" in told
    assert not (tmp_path / "x.safetensors").exists()


def test_no_output_is_written_for_two_inputs(old: Path, capsys: Any) -> None:
    twin = Path(shutil.copy(old, old.with_suffix(".pth")))
    assert run(old, twin, "--force") == 5
    assert f"is the output of {old}\n  -> migrate one of both with -o" in capsys.readouterr().err


def test_options_that_would_do_nothing_are_refused(migrated: Path, trainer_state: Path, capsys: Any) -> None:
    assert run(migrated, "--trainer-state", trainer_state) == 4
    assert "is a policy of the new stack already, and a trainer state goes along" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="4"):
        run(migrated, "--to", "legacy", "--era", "E1")
    assert "--era is for old policies" in capsys.readouterr().err


def test_after_training_the_way_back_says_what_its_record_cannot_know(
    migrated: Path, tmp_path: Path, capsys: Any
) -> None:
    agent = modules.load_agent(migrated)
    policies.train(agent, policies.adam(agent), range(1))
    modules.save_agent(agent, tmp_path / "trained.safetensors")
    assert run(tmp_path / "trained.safetensors", "--to", "legacy", "--json") == 0
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert note == "the record says epoch, score as when the policy was migrated; it has changed since"
