from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migrate import load_policy
from migrate.checkpoint import main
from migrate.errors import UnsafeFileError, UnusableFileError
from modules.checkpoint import read_policy_file, write_atomically

EXAMPLE = Path(__file__).parents[2] / "examples" / "policy.pt"


def _with_option(folder: Path, key: str, value: Any) -> Path:
    path = folder / "policy.safetensors"
    assert main([str(EXAMPLE), "-o", str(path)]) == 0
    content = read_policy_file(path)
    content.config["components"]["encoded_obs"][key] = value
    write_atomically(path, content.to_bytes())
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
