"""The options of pytest that point the suite at real files; loaded with pytest, so before any conftest."""

from __future__ import annotations

import pytest

OPTIONS = {
    "--checkpoint-dir": "folder of recorded checkpoints (fixture folders with meta.json)",
    "--config-dir": "folder of agent configs",
    "--golden-dir": "folder of golden files",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options; without them the files beside the repository are taken."""
    group = parser.getgroup("equivalence", "proof of the migration on real files")
    for option, text in OPTIONS.items():
        group.addoption(option, default=None, metavar="DIR", help=text)
