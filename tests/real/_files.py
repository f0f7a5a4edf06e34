"""The real files that tests run on: where they are, which of them match, and how many a run has used.

A kind is asked for by a test's argument (`fixture_folder`, `agent_yaml`, `golden_file`); `conftest.py` beside this file
turns the argument into one test per file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from equivalence.subjects import is_agent

USED = "real file"  # the property of a test's report that names the file it ran on


@dataclass(frozen=True)
class Kind:
    """One kind of real file.

    Args:
        argument: the test argument that asks for it.
        option: the command line option that says where the files are.
        default: where they are without it, relative to the repository.
        plural: what they are called.
        find: lists the files of this kind in a folder.
    """

    argument: str
    option: str
    default: str
    plural: str
    find: Callable[[Path], list[Path]]

    def folder(self, config: pytest.Config) -> Path:
        given = config.getoption(self.option)
        return (config.invocation_params.dir / given if given else config.rootpath / self.default).resolve()

    def files(self, config: pytest.Config) -> list[Path]:
        folder = self.folder(config)
        return self.find(folder) if folder.is_dir() else []

    def absent(self, folder: Path) -> str:
        return f"REAL FILES ABSENT: no folder {folder}, so nothing was checked on {self.plural} ({self.option})"

    def params(self, config: pytest.Config) -> list[object]:
        """One `pytest.param` per file, or a single one that skips or fails and says why."""
        folder = self.folder(config)
        if files := self.files(config):
            return [pytest.param(file, id=file.relative_to(folder).as_posix()) for file in files]
        if not folder.is_dir():
            return [pytest.param(folder, id="absent", marks=pytest.mark.skip(reason=self.absent(folder)))]
        reason = f"NO REAL FILES: nothing in {folder} is one of the {self.plural} ({self.option})"
        return [pytest.param(folder, id="nothing-matched", marks=pytest.mark.nothing_matched(reason))]


@cache
def _folders_with_meta(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.rglob("meta.json"))


@cache
def _agent_yamls(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.yaml") if is_agent(path))


@cache
def _goldens(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.json") if _is_golden(path.read_text(encoding="utf-8")))


def _is_golden(text: str) -> bool:
    """Whether a JSON text records what the code of one commit did with one config."""
    try:
        document = json.loads(text)
    except ValueError:
        return False
    return isinstance(document, dict) and {"commit", "config"} <= document.keys()


CHECKPOINTS = Kind("fixture_folder", "--checkpoint-dir", "../shared/checkpoints", "checkpoints", _folders_with_meta)
CONFIGS = Kind("agent_yaml", "--config-dir", "../shared/configs", "configs", _agent_yamls)
GOLDENS = Kind("golden_file", "--golden-dir", "../shared/golden", "goldens", _goldens)
KINDS = (CHECKPOINTS, CONFIGS, GOLDENS)


def fixture_folders(config: pytest.Config) -> list[Path]:
    return CHECKPOINTS.files(config)


def agent_yamls(config: pytest.Config) -> list[Path]:
    return CONFIGS.files(config)


def golden_files(config: pytest.Config) -> list[Path]:
    return GOLDENS.files(config)


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def used_by(params: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """The properties that tell, in a test's report, which real files its parameters are."""
    for kind in KINDS:
        if kind.argument in params:
            yield USED, f"{kind.plural}:{params[kind.argument]}"


def summary(stats: Mapping[str, list[object]]) -> str:
    """How many distinct files the tests of this run, on all its workers, were really run on."""
    used = {
        str(value)
        for reports in stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call" and _ran(report)
        for name, value in report.user_properties
        if name == USED
    }
    counts = (f"{sum(file.startswith(f'{kind.plural}:') for file in used)} {kind.plural}" for kind in KINDS)
    return f"real files: {', '.join(counts)}"


def _ran(report: pytest.TestReport) -> bool:
    return not report.skipped or hasattr(report, "wasxfail")
