"""What files have that trainings of months, and their users, left behind, and no file on record shows."""

from __future__ import annotations

import io
import zipfile
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import migrate
from equivalence.__main__ import main as prove
from migrate.archive import read_checkpoint
from migrate.checkpoint import main
from migrate.errors import UnsafeFileError
from migrate.pickle_writer import _RenamingPickler, real_paths
from migrate.plain import plain
from migrate.to_legacy import record_of
from tests.migrate._eras import Policy, from_box, from_token_box
from tests.traps import _late as late

TOKENS = late.token_rows([(0, 1, 9), (17, 2, 200)], [(1, 0, 3)])


def saved(policy: Policy, path: Path, protocol: int = 2) -> Path:
    """As `torch.save(record, path)` of the time: the archive's root folder has the file's name."""

    class Pickler(_RenamingPickler):
        renamed = real_paths(policy.era, str(policy.config.get("policy", "")))

    record = record_of(policy.agent, policy.era, "run", "file://run", {"epoch": 3}, "run")
    module: Any = SimpleNamespace(Pickler=Pickler, __name__="renaming_pickle")
    torch.save(record, str(path), pickle_module=module, pickle_protocol=protocol)
    return path


def there_and_back(path: Path) -> Any:
    """The migrated agent, once its file has given the old one back."""
    new, back = path.with_suffix(".safetensors"), path.with_suffix(".back")
    assert main([str(path)]) == 0
    assert main([str(new), "--to", "legacy", "-o", str(back)]) == 0
    assert back.read_bytes() == path.read_bytes()
    return migrate.load_policy(new, "modules")


@pytest.mark.parametrize("name", ["run.a:v12.pt", "a run, µ.pt"])
def test_a_file_may_have_any_name(name: str, tmp_path: Path) -> None:
    policy = late.made("2025-09-13", from_token_box)
    new = there_and_back(saved(policy, tmp_path / name))
    assert late.alike(policy.agent, new, TOKENS)


def test_an_archive_may_have_been_unpacked_and_packed_again(tmp_path: Path) -> None:
    policy = late.made("2025-06-13", from_token_box)
    path, again = saved(policy, tmp_path / "policy.pt"), tmp_path / "again.pt"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(again, "w") as new:
        new.mkdir("policy/")
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    assert late.alike(policy.agent, there_and_back(again), TOKENS)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickle_may_have_any_protocol(protocol: int, tmp_path: Path) -> None:
    policy = late.made("2025-06-13", from_token_box)
    policy.agent.my_notes = np.arange(6).reshape(2, 3)
    assert late.alike(policy.agent, there_and_back(saved(policy, tmp_path / "policy.pt", protocol)), TOKENS)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_an_array_is_read_whatever_the_protocol(protocol: int, order: Any, tmp_path: Path) -> None:
    array = np.asarray(np.arange(6).reshape(2, 3), order=order)
    torch.save({"array": array}, tmp_path / "x.pt", pickle_protocol=protocol)
    assert plain(read_checkpoint(tmp_path / "x.pt").root["array"]) == array.tolist()


def test_a_space_that_was_seeded_is_as_good_as_another(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"generator": np.random.default_rng(3)}, buffer)
    (tmp_path / "x.pt").write_bytes(buffer.getvalue())
    assert read_checkpoint(tmp_path / "x.pt").root.keys() == {"generator"}


@pytest.mark.parametrize("value", [deque([1]), Path("x"), torch.float32, [torch.ones(1)], b"x"], ids=repr)
def test_what_somebody_hung_on_the_agent_costs_no_policy(value: Any, tmp_path: Path) -> None:
    policy = late.made("2025-06-13", from_token_box)
    policy.agent.my_extra = value
    assert late.alike(policy.agent, there_and_back(saved(policy, tmp_path / "policy.pt")), TOKENS)
    assert late.alike(policy.agent, migrate.load_policy(tmp_path / "policy.pt", "legacy"), TOKENS)


def test_weights_in_one_vector_are_equal_to_weights_alone(tmp_path: Path) -> None:
    policy = late.made("2025-08-05", from_token_box)
    vector = parameters_to_vector(policy.agent.parameters()).detach().clone()
    vector_to_parameters(vector, policy.agent.parameters())
    path = saved(policy, tmp_path / "policy.pt")
    there_and_back(path)
    files = [str(path), str(path.with_suffix(".safetensors"))]
    assert prove([*files, "--level", "inference", "--level", "gradients", "--examples", "2", "--no-controls"]) == 0


def test_weights_that_are_one_stay_one_in_the_old_stack(tmp_path: Path) -> None:
    policy = late.made("2025-05-22", from_box)
    first, second = policy.agent.components["critic"], policy.agent.components["actor_1"]
    second._net[0].weight.data = first._net[0].weight.data
    old = migrate.load_policy(saved(policy, tmp_path / "policy.pt"), "legacy")
    weights = [old.components[name]._net[0].weight for name in ("critic", "actor_1")]
    assert weights[0].data_ptr() == weights[1].data_ptr()


def test_an_era_without_policies_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(late.made("2025-08-20", from_token_box), tmp_path / "policy.pt")
    assert main([str(path), "--era", "E8"]) == 2
    assert "agents of E8 had none" in " ".join(capsys.readouterr().err.split())


def test_other_calls_of_numpy_stay_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> Any:
            return np.load, ("/etc/passwd",)

    torch.save(Hostile(), tmp_path / "x.pt")
    with pytest.raises(UnsafeFileError, match="calls numpy"):
        read_checkpoint(tmp_path / "x.pt")
