"""The reader on real files: hostile ones are refused without a trace, those of every era are read and restored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from migrate.archive import check_finite, read_checkpoint
from migrate.errors import MigrationError, UnsafeFileError, UnusableFileError
from migrate.pickle_reader import TensorRef
from migrate.shell import join, split

SHARED = Path(__file__).parents[2].parent / "shared"
INDEX = SHARED / "hostile" / "index.json"
HOSTILE: dict[str, dict[str, Any]] = json.loads(INDEX.read_text()) if INDEX.exists() else {}
CHECKPOINTS = sorted((SHARED / "checkpoints").glob("*/*/*.pt"))
CODE = {
    "exec_lambda_source.pt": "builtins.exec",
    "getattr_import_chain.pt": "builtins.getattr",
    "operator_attrgetter.pt": "operator.attrgetter",
    "reduce_posix_system.pt": "posix.system",
}
READABLE = {"legacy_nonzip_policy.pt", "legacy_nonzip_state_dict.pt", "state_dict_only.pt"}
CONTENT = {"state_dict_wrong_shapes.pt", "state_dict_nonfinite.pt"}  # damaged for the migration, not for the reader

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not HOSTILE or not CHECKPOINTS, reason="../shared/hostile or ../shared/checkpoints is absent"),
]


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - READABLE - CONTENT))
def test_hostile_files_are_refused_and_leave_no_trace(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    calls = HOSTILE[name]["runs_code_under_plain_torch_load"]
    with pytest.raises(MigrationError) as caught:
        read_checkpoint(SHARED / "hostile" / name)
    assert type(caught.value) is (UnsafeFileError if calls else UnusableFileError)
    assert CODE.get(name, "os.system" if calls else "") in caught.value.what
    assert name in caught.value.where
    assert caught.value.fix
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() & (READABLE | CONTENT)))
def test_harmless_files_are_read(name: str) -> None:
    assert read_checkpoint(SHARED / "hostile" / name).storages


@pytest.mark.skipif("state_dict_nonfinite.pt" not in HOSTILE, reason="the file is absent")
def test_non_finite_weights_are_named() -> None:
    checkpoint = read_checkpoint(SHARED / "hostile" / "state_dict_nonfinite.pt")
    tensors = {name: checkpoint.tensor(ref) for name, ref in checkpoint.root.items() if isinstance(ref, TensorRef)}
    with pytest.raises(UnusableFileError, match="hold NaN or Inf"):
        check_finite(tensors, checkpoint.path)


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: "/".join(path.parts[-3:]))
def test_checkpoints_of_every_era_are_read_and_restored(path: Path) -> None:
    checkpoint = read_checkpoint(path)
    assert checkpoint.container == ("package" if "E6b" in str(path) and path.stem == "policy" else "zip")
    assert checkpoint.storages
    shell = split(checkpoint, checkpoint.storages)
    payloads = {key: checkpoint.data[offset : offset + nbytes] for offset, key, nbytes in shell.slots}
    assert join(shell, payloads) == checkpoint.data
