"""Where `python -m migrate.config` writes to: links, modes, places that are no files, and two files for one place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from migrate.config import main
from tests.migrate.test_config import NEW, OLD, body, run, written


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return written(tmp_path / "a.yaml", OLD)


def test_a_link_stays_a_link_to_what_is_migrated(old: Path) -> None:
    link = old.with_name("link.yaml")
    link.symlink_to(old.name)
    assert run(link, "--in-place") == 0
    assert link.is_symlink()
    assert body(old) == NEW


def test_a_file_that_is_replaced_keeps_its_mode(old: Path) -> None:
    old.chmod(0o640)
    assert run(old, "--in-place") == 0
    assert old.stat().st_mode & 0o777 == 0o640


def test_a_place_that_is_no_file_is_neither_read_nor_replaced(old: Path, capsys: Any) -> None:
    pipe = old.with_name("pipe")
    os.mkfifo(pipe)
    assert run(old, "-o", pipe, "--force") == 2
    assert f"{pipe}: is no regular file\n  -> choose another place" in capsys.readouterr().err
    assert pipe.is_fifo()


def test_a_second_file_for_the_same_place_is_refused_even_by_force(old: Path, capsys: Any) -> None:
    written(old.with_suffix(".yml"), OLD.replace("1_28", "64"))
    assert run(old.parent, "--force") == 5
    assert body(old.with_name("a.modules.yaml")) == NEW
    assert f"a.modules.yaml: is the output of {old}\n  -> migrate one of both with -o" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[""], ["a.yaml", "-o", ""]])
def test_an_empty_path_is_wrong_usage(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 4
    assert "a path is empty" in capsys.readouterr().err
