"""What every test runs under: one torch thread, a Hypothesis profile, and the folders of real files."""

from __future__ import annotations

import os
from pathlib import Path

# Bits depend on all of these, and torch reads them when it is imported; the recorded files were made with AVX2.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["PYTORCH_JIT"] = "0"
os.environ.update(ATEN_CPU_CAPABILITY="avx2", MKL_ENABLE_INSTRUCTIONS="AVX2", ONEDNN_MAX_CPU_ISA="AVX2")

import pytest
import torch
from hypothesis import HealthCheck, settings

from tests.real import _files

torch.set_num_threads(1)

# Building an old agent takes 180 ms, so slow examples say nothing about a test.
settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "deep", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


FOLDERS = {
    "--checkpoint-dir": "folder of recorded checkpoints (fixture folders with meta.json)",
    "--config-dir": "folder of agent configs",
    "--golden-dir": "folder of golden files",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("real files", "without these folders, the files beside the repository are taken")
    for option, text in FOLDERS.items():
        group.addoption(option, default=None, metavar="DIR", help=text)


def _existing(config: pytest.Config, kind: _files.Kind) -> Path:
    folder = kind.folder(config)
    if not folder.is_dir():
        pytest.skip(kind.absent(folder))
    return folder


@pytest.fixture(scope="session")
def checkpoint_dir(pytestconfig: pytest.Config) -> Path:
    return _existing(pytestconfig, _files.CHECKPOINTS)


@pytest.fixture(scope="session")
def config_dir(pytestconfig: pytest.Config) -> Path:
    return _existing(pytestconfig, _files.CONFIGS)


@pytest.fixture(scope="session")
def golden_dir(pytestconfig: pytest.Config) -> Path:
    return _existing(pytestconfig, _files.GOLDENS)


LONG = (
    *("test_compile.py", "test_compile_real.py", "test_coverage.py", "test_demo.py", "test_architectures.py"),
    *("test_checkpoints.py", "test_plugin.py", "test_every_era.py", "test_all_components.py"),
)
"""Files of a minute or more: they begin first, so that no process is left alone with one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(_files.summary(terminalreporter.stats))
