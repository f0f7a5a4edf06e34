"""Bad arguments of every command: what is wrong, and what to write, before anything is proved or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from equivalence.__main__ import main

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["suite", "configs", "--jobs", "0"], "--jobs: must be a whole number, at least 1; got '0'"),
        (["suite", "configs", "--examples", "none"], "--examples: must be a whole number, at least 1; got 'none'"),
        (["suite", "--architectures", "-3"], "--architectures: must be a whole number, at least 0; got '-3'"),
        (["alarms", "--comparisons", "0"], "--comparisons: must be a whole number, at least 1; got '0'"),
        (["selftest", "--component", "nobody"], "--component: invalid choice: 'nobody'"),
        (["policy.pt", "--budget", "soon"], "--budget: 'soon' is no time; write 60s, 5m or 2h"),
        (["policy.pt", "--report", "{file}"], "is a file; name a folder"),
        (["policy.pt", "--report", "{file}/below"], "is a file; name a folder"),
    ],
)
def test_bad_arguments_are_wrong_usage(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "taken"
    file.touch()
    with pytest.raises(SystemExit) as caught:
        main([word.format(file=file) for word in words])
    assert caught.value.code == 4
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_a_suite_of_which_nothing_can_be_used_is_not_partly_done(tmp_path: Path) -> None:
    assert main(["suite", str(tmp_path / "missing.yaml"), "--architectures", "0", "--jobs", "1"]) == 2
