from __future__ import annotations

import json
from pathlib import Path

import pytest

from equivalence.__main__ import main
from equivalence.harness import LEVELS
from migrate import config

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_policy_is_proved_against_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(EXAMPLES / "policy.pt"), "--examples", "2"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("bitwise equal") == len(LEVELS)


def test_a_config_that_says_something_else_is_found_and_blamed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "simple.modules.yaml"
    config.main([str(EXAMPLES / "simple.yaml"), "-o", str(new)])
    new.write_text(new.read_text().replace("    nonlinearity: Tanh\n", "    nonlinearity: ReLU\n"))
    monkeypatch.chdir(tmp_path)
    assert main([str(EXAMPLES / "simple.yaml"), str(new), "--examples", "5", "--level", "inference"]) == 1
    err = capsys.readouterr().err
    assert "> critic_1 (LinearModule)" in err
    assert "smallest input: Draw(batch=1" in err


def test_json_stands_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    main([str(EXAMPLES / "policy.pt"), "--examples", "2", "--json", "--level", "rollout"])
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "equal"
    assert [level["level"] for level in report["levels"]] == ["rollout"]
    assert report["conditions"]["environment"]["threads"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing.pt"], 2, "missing.pt: cannot be"),
        (["selftests"], 4, "there is no file selftests; the command is called selftest"),
        (["{examples}/policy.pt", "{examples}/simple.yaml"], 4, "compare two configs or two policies"),
        (
            ["{examples}/policy.pt", "--examples", "0"],
            4,
            "argument --examples: must be a whole number, at least 1; got '0'",
        ),
        (["{examples}/policy.pt", "--seed", "99999999999999999999"], 4, "argument --seed: must be below"),
        ([], 4, "the following arguments are required"),
    ],
)
def test_what_cannot_be_used_ends_with_a_message(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.format(examples=EXAMPLES) for word in arguments]
    try:
        result = main(words)
    except SystemExit as error:
        result = int(str(error.code))
    assert result == code
    assert message in capsys.readouterr().err.replace("\n", " ")
