"""`python -m migrate.config`: what it writes, prints and returns."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml

from migrate.config import main
from migrate.config_text import to_legacy, to_modules

OLD = """\
# my agent
_target_: metta.agent.metta_agent.MettaAgent
observations:
  obs_key: grid_obs
clip_range: 0 # off
components:
  _obs_:
    _target_: metta.agent.lib.obs_shaper.ObsShaper
    sources:
      null
  fc1: # the first
    _target_: metta.agent.lib.nn_layer_library.Linear
    sources:
      - name: _obs_
    nn_params:
      out_features: 1_28 # wide
    effective_rank: true # dead
  _core_:
    _target_: metta.agent.lib.lstm.LSTM
    sources:
      - name: fc1
    output_size: 128
    nn_params:
      num_layers: 2
"""
NEW = """\
# my agent
stack: modules
_target_: modules.agent.MettaAgent
observations:
  obs_key: grid_obs
clip_range: 0 # off
components:
  _obs_:
    _target_: modules.layers.obs_shaper.ObsShaperModule
    sources:
      null
  fc1: # the first
    _target_: modules.layers.linear.LinearModule
    sources:
      - name: _obs_
    out_features: 1_28 # wide
    nonlinearity: ReLU
  _core_:
    _target_: modules.layers.lstm.LSTMModule
    sources:
      - name: fc1
    hidden_size: 128
    num_layers: 2
"""
JOB = "defaults:\n  - agent: simple\n"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return written(tmp_path / "a.yaml", OLD)


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def body(path: Path) -> str:
    return path.read_text().split("# --- migrate")[0]


def test_the_new_config_stands_beside_the_old_one(old: Path, capsys: Any) -> None:
    assert run(old) == 0
    new = old.with_name("a.modules.yaml")
    assert body(new) == NEW
    assert old.read_text() == OLD
    out = capsys.readouterr()
    assert "note: fc1: dropped effective_rank, which the old stack ignored" in out.err
    assert f"written {new}" in out.err
    assert not out.out


def test_there_and_back_byte_for_byte(old: Path, capsys: Any) -> None:
    assert run(old) == 0
    assert run(old.with_name("a.modules.yaml"), "--to", "legacy") == 0
    assert old.with_name("a.legacy.yaml").read_text() == OLD
    assert "a.legacy.yaml, byte for byte the old file" in capsys.readouterr().err


def test_again_is_nothing_to_do(old: Path, capsys: Any) -> None:
    assert run(old) == 0
    new = old.with_name("a.modules.yaml")
    before = new.read_bytes()
    assert run(old) == 0
    assert f"unchanged {new}" in capsys.readouterr().err
    assert run(new) == 0
    assert run(old, "--to", "legacy") == 0
    assert capsys.readouterr().err.count("nothing to do") == 2
    assert new.read_bytes() == before
    assert sorted(old.parent.iterdir()) == [new, old]


def test_check_tells_and_writes_nothing(old: Path, capsys: Any) -> None:
    job = written(old.with_name("job.yaml"), JOB)
    assert run(old, "--check") == 1
    assert run(job, "--check") == 0
    assert run(old, job, "--check") == 1
    assert "a.yaml: is to be migrated to modules" in capsys.readouterr().err
    assert sorted(old.parent.iterdir()) == [old, job]


def test_diff_is_all_there_is_on_standard_output(old: Path, capsys: Any) -> None:
    assert run(old, "--diff") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"--- {old}", f"+++ {old} (migrated)"]
    assert "-    _target_: metta.agent.lib.nn_layer_library.Linear" in lines
    assert "+    _target_: modules.layers.linear.LinearModule" in lines
    assert list(old.parent.iterdir()) == [old]
    written(old, OLD.removesuffix("\n"))
    assert run(old, "--diff") == 0
    assert "\\ No newline at end of file" in capsys.readouterr().out


def test_output_force_and_in_place(old: Path, tmp_path: Path, capsys: Any) -> None:
    target = written(tmp_path / "b.yaml", "mine: 1\n")
    assert run(old, "-o", target) == 4
    assert f"{target}: exists and differs\n  -> give --force to replace it" in capsys.readouterr().err
    assert target.read_text() == "mine: 1\n"
    assert run(old, "-o", target, "--force") == 0
    assert body(target) == NEW
    assert run(old, "-o", old, "--force") == 4
    assert "input and output are the same file\n  -> give --in-place if you mean it" in capsys.readouterr().err
    assert run(old, "--in-place") == 0
    assert body(old) == NEW
    assert run(old, "--to", "legacy", "--in-place") == 0
    assert old.read_text() == OLD


def test_an_edited_component_is_rebuilt_and_the_others_come_back_as_they_were(old: Path, capsys: Any) -> None:
    assert run(old, "--in-place") == 0
    written(old, old.read_text().replace("num_layers: 2", "num_layers: 3 # more").replace("# off", "# still off"))
    assert run(old, "--to", "legacy", "--in-place") == 0
    expected = OLD.replace("num_layers: 2", "num_layers: 3 # more").replace("# off", "# still off")
    assert old.read_text() == expected
    err = capsys.readouterr().err
    assert "note: _core_: rebuilt, since its old text is not known or it was changed after the migration" in err
    assert "fc1: rebuilt" not in err
    assert "rebuilt where it was edited" in err


def test_a_flipped_flag_does_not_hinder_the_way_back(old: Path) -> None:
    assert run(old, "--in-place") == 0
    written(old, old.read_text().replace("stack: modules", "stack: legacy"))
    assert run(old) == 0
    assert run(old, "--to", "legacy", "--in-place") == 0
    assert old.read_text() == OLD


@pytest.mark.parametrize("stack", ["legacy", "modules"])
def test_an_old_config_with_the_flag_is_migrated_and_comes_back(old: Path, stack: str) -> None:
    text = OLD.replace("clip_range", f"stack: {stack} # which\nclip_range")
    assert run(written(old, text), "--in-place") == 0
    assert yaml.safe_load(old.read_text())["stack"] == "modules"
    assert run(old, "--to", "legacy", "--in-place") == 0
    assert old.read_text() == text


def test_what_the_old_stack_cannot_say_is_refused_with_its_component(old: Path, capsys: Any) -> None:
    assert run(old, "--in-place") == 0
    text = old.read_text()
    for change, message in (
        ("nonlinearity: ReLU\n    gain: 3.0", "component 'fc1': cannot be said in the old stack: gain 3.0"),
        ("nonlinearity: ReLU\n    dropout: 0.5", "component 'fc1': cannot be said in the old stack: dropout has no"),
    ):
        assert run(written(old, text.replace("nonlinearity: ReLU", change)), "--to", "legacy", "--in-place") == 2
        assert message in capsys.readouterr().err
    other = text.replace("modules.layers.linear.LinearModule", "my.Layer")
    assert run(written(old, other), "--to", "legacy", "--in-place") == 2
    assert "component 'fc1': no rule for the class my.Layer" in capsys.readouterr().err


def test_a_config_that_was_never_old_goes_back_too(old: Path) -> None:
    text = NEW.replace("      - name: fc1\n", "      - fc1\n").replace("observations:\n  obs_key: grid_obs\n", "")
    assert run(written(old, text.replace("_target_: modules.agent.MettaAgent\n", "")), "--to", "legacy") == 0
    back = yaml.safe_load(old.with_name("a.legacy.yaml").read_text())
    wanted = yaml.safe_load(OLD)
    del wanted["components"]["fc1"]["effective_rank"]
    assert back == wanted


def test_a_folder_is_searched_and_what_was_written_there_is_left_alone(tmp_path: Path) -> None:
    written(tmp_path / "a.yaml", OLD)
    inner = tmp_path / "more"
    inner.mkdir()
    written(inner / "b.yml", OLD)
    written(inner / "job.yaml", JOB)
    for _ in range(2):
        assert run(tmp_path) == 0
    assert sorted(path.name for path in tmp_path.rglob("*.y*ml")) == [
        *("a.modules.yaml", "a.yaml", "b.modules.yaml", "b.yml", "job.yaml")
    ]


def test_a_folder_may_hold_files_that_are_no_agents(tmp_path: Path) -> None:
    written(tmp_path / "agent.yaml", OLD)
    written(tmp_path / "trainer.yaml", "_target_: metta.rl.Trainer\nlr: 0.1\n")
    assert run(tmp_path) == 0
    assert run(tmp_path, "--to", "legacy") == 0
    assert (tmp_path / "agent.legacy.yaml").read_text() == OLD


def test_a_batch_goes_on_after_a_failure(old: Path, tmp_path: Path, capsys: Any) -> None:
    bad = written(tmp_path / "bad.yaml", "a: [1\n")
    assert run(bad, old, "--json") == 5
    results = json.loads(capsys.readouterr().out)
    assert [(result["file"], result["exit_code"]) for result in results] == [(str(bad), 2), (str(old), 0)]
    assert results[1]["result"] == "written"
    assert run(bad, tmp_path / "no.yaml") == 2


def test_json_stands_alone_on_standard_output(old: Path, capsys: Any) -> None:
    for option, result in (("--check", "to be migrated"), ("--diff", "diff"), ("-v", "written")):
        run(old, option, "--json")
        facts = json.loads(capsys.readouterr().out)
        assert (facts["result"], facts["era"]) == (result, "E4d")
        question, dropped = facts["notes"]
        assert dropped == "fc1: dropped effective_rank, which the old stack ignored"
        assert question.startswith("taken for E4d (2025-05-29)")


@pytest.mark.parametrize(
    "arguments", [("-o", "x.yaml", "--in-place"), ("--check", "--diff"), ("--to", "x"), ("--no-such-option",)]
)
def test_wrong_usage(old: Path, capsys: Any, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(old, *arguments)
    assert caught.value.code == 4
    assert "error" in capsys.readouterr().err


def test_more_wrong_usage(old: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "empty").mkdir()
    for arguments in ((old, old, "-o", "x.yaml"), (tmp_path / "empty",), ()):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 4
    assert "no YAML file with an agent in" in capsys.readouterr().err
    assert run(old, "--era", "E99") == 4
    assert "no era 'E99'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        JOB,
        "defaults:\n- override /agent: x\n- _self_\n",
        "defaults:\n- /agent@policy: x\n",
        "agent: simple\n",
        "agent: ${x}\n",
    ],
)
@pytest.mark.parametrize("to", ["modules", "legacy"])
def test_a_job_that_only_names_its_agent_needs_nothing(old: Path, capsys: Any, text: str, to: str) -> None:
    assert run(written(old, text), "--to", to) == 0
    assert "nothing to do" in capsys.readouterr().err


@pytest.mark.parametrize("prefix", ["", "defaults:\n  - _self_\n", "defaults: [trainer: puffer]\n"])
def test_an_agent_below_a_job(old: Path, prefix: str) -> None:
    text = f"{prefix}agent:\n{indent(OLD, '  ')}trainer: 1 # not ours\n"
    assert run(written(old, text), "--in-place") == 0
    assert body(old) == f"{prefix}agent:\n{indent(NEW, '  ')}trainer: 1 # not ours\n"
    assert run(old, "--to", "legacy", "--in-place") == 0
    assert old.read_text() == text


@pytest.mark.parametrize(
    "change", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t, lambda t: t.rstrip("\n")]
)
def test_line_ends_byte_order_marks_and_last_lines_stay(old: Path, change: Any) -> None:
    data = change(OLD).encode()
    old.write_bytes(data)
    assert run(old, "--in-place") == 0
    assert old.read_bytes().startswith(change(NEW).encode())
    assert run(old, "--to", "legacy", "--in-place") == 0
    assert old.read_bytes() == data


def test_a_place_that_cannot_be_written(old: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(old, "-o", tmp_path / "no" / "x.yaml") == 2
    assert "cannot be written: No such file or directory\n  -> choose another place with -o" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_line_ends_that_git_changed_lose_nothing(ends: str) -> None:
    text = OLD.replace("\n", "\r\n" if ends == "\n" else "\n")
    new = to_modules(text, "simple.yaml").text.replace("\r\n", "\n").replace("\n", ends)
    back = to_legacy(new, "simple.yaml")
    assert back.text == text.replace("\r\n", "\n").replace("\n", ends)
    assert back.notes == ("line ends: as in this file, which were others when it was migrated",)


@pytest.mark.parametrize("line", ["numerics: fast", "execution: parallel", "shadow: {serves: legacy}"])
def test_what_only_the_new_stack_knows_is_dropped_and_told(line: str) -> None:
    text = OLD
    new = to_modules(text, "simple.yaml").text
    back = to_legacy(f"{line}\n{new}", "simple.yaml")
    assert line.partition(":")[0] not in back.text
    assert f"{line.partition(':')[0]}: dropped, which the old stack does not know" in back.notes


def test_a_folder_that_is_named_like_a_file_is_passed_over_and_a_broken_link_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conf.yaml").mkdir()
    (tmp_path / "broken.yml").symlink_to(tmp_path / "nowhere")
    assert main([str(tmp_path)]) == 2
    assert "broken.yml: cannot be read: No such file or directory" in capsys.readouterr().err
