"""Files are written whole or not at all, whoever else writes them, and leave nothing beside them."""

from __future__ import annotations

import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modules.policy_file import write_atomically


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.safetensors"


def test_writing_replaces_a_file_and_leaves_nothing_else(path: Path) -> None:
    for data in (b"first", b"second"):
        write_atomically({path: data})
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing_else(path: Path) -> None:
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(OSError, match="File too large"):
            write_atomically({path.with_name("first"): b"x", path: b"x" * 5000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_writers_of_one_file_do_not_get_into_each_others_way(path: Path) -> None:
    contents = [bytes([i]) * 100_000 for i in range(3)]
    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write_atomically, {path: data}) for data in contents * 20]
        while not all(writer.done() for writer in writers):
            assert not path.exists() or path.read_bytes() in contents
        for writer in writers:
            writer.result()
    assert list(path.parent.iterdir()) == [path]


def test_a_link_that_leads_to_itself_cannot_be_written(path: Path) -> None:
    path.symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"):
        write_atomically({path: b"data"})
