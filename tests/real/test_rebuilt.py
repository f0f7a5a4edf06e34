"""The table of components says of each config at hand what its file says, so it can stand in for those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.real import _rebuilt


def _settings(component: dict[str, Any] | None) -> dict[str, Any]:
    """Without what says nothing: keys of null and settings of nothing."""
    return {key: value for key, value in (component or {}).items() if value is not None and value != {}}


def test_a_config_is_rebuilt_as_its_file_says(agent_yaml: Path, config_dir: Path) -> None:
    rebuilt = _rebuilt.components(config_dir, agent_yaml.relative_to(config_dir).as_posix())
    if not rebuilt:
        pytest.skip("the table does not list it")
    written = yaml.safe_load(agent_yaml.read_text(encoding="utf-8"))["components"]
    assert [(name, _settings(settings)) for name, settings in rebuilt.items()] == [
        (name, _settings(settings)) for name, settings in written.items()
    ]
