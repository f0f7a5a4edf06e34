"""The reader on real files: hostile ones are refused without a trace, those of every era are read and restored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migrate.archive import check_finite, read_checkpoint
from migrate.errors import MigrationError, UnsafeFileError, UnusableFileError
from migrate.pickle_reader import TensorRef
from migrate.shell import join, split
from tests.real import _files

CODE = {
    "exec_lambda_source.pt": "builtins.exec",
    "getattr_import_chain.pt": "importlib.import_module",
    "operator_attrgetter.pt": "operator.attrgetter",
    "reduce_posix_system.pt": "posix.system",
}
READABLE = {"legacy_nonzip_policy.pt", "legacy_nonzip_state_dict.pt", "state_dict_only.pt"}
CONTENT = {"state_dict_wrong_shapes.pt", "state_dict_nonfinite.pt"}  # damaged for the migration, not for the reader


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per file of `hostile`, the folder beside the checkpoints; `harmless` ones are those that can be read."""
    folder = _files.CHECKPOINTS.folder(metafunc.config).parent / "hostile"
    readable = READABLE | CONTENT
    files = sorted(folder.glob("*.pt"))
    for argument, chosen in (
        ("hostile_file", [file for file in files if file.name not in readable]),
        ("harmless_file", [file for file in files if file.name in readable]),
    ):
        if argument in metafunc.fixturenames:
            absent = pytest.mark.skip(reason=f"REAL FILES ABSENT: no such file in {folder}")
            params = [pytest.param(file, id=file.name) for file in chosen] or [
                pytest.param(folder, id="absent", marks=absent)
            ]
            metafunc.parametrize(argument, params)


def test_hostile_files_are_refused_and_leave_no_trace(
    hostile_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = json.loads((hostile_file.parent / "index.json").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    calls = index[hostile_file.name]["runs_code_under_plain_torch_load"]
    with pytest.raises(MigrationError) as caught:
        read_checkpoint(hostile_file)
    assert type(caught.value) is (UnsafeFileError if calls else UnusableFileError)
    assert CODE.get(hostile_file.name, "os.system" if calls else "") in caught.value.what
    assert hostile_file.name in caught.value.where
    assert caught.value.fix
    assert not list(tmp_path.iterdir())


def test_harmless_files_are_read(harmless_file: Path) -> None:
    assert read_checkpoint(harmless_file).storages


def test_non_finite_weights_are_named(checkpoint_dir: Path) -> None:
    file = checkpoint_dir.parent / "hostile" / "state_dict_nonfinite.pt"
    if not file.exists():
        pytest.skip(f"REAL FILES ABSENT: no {file}")
    checkpoint = read_checkpoint(file)
    tensors = {name: checkpoint.tensor(ref) for name, ref in checkpoint.root.items() if isinstance(ref, TensorRef)}
    with pytest.raises(UnusableFileError, match="hold NaN or Inf"):
        check_finite(tensors, checkpoint.path)


def test_checkpoints_of_every_era_are_read_and_restored(fixture_folder: Path) -> None:
    for path in sorted(fixture_folder.glob("*.pt")):
        checkpoint = read_checkpoint(path)
        assert checkpoint.container == ("package" if "E6b" in str(path) and path.stem == "policy" else "zip")
        assert checkpoint.storages
        shell = split(checkpoint, checkpoint.storages)
        payloads = {key: checkpoint.data[offset : offset + nbytes] for offset, key, nbytes in shell.slots}
        assert join(shell, payloads) == checkpoint.data
