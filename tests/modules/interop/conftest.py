"""Real configs as test arguments, and a compiler that remembers nothing of the test before."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import torch
from torch._dynamo.utils import counters

from tests.real import _files


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if _files.CONFIGS.argument in metafunc.fixturenames:
        metafunc.parametrize(_files.CONFIGS.argument, _files.CONFIGS.params(metafunc.config))


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and _files.CONFIGS.argument in item.fixturenames:
        item.add_marker(pytest.mark.real)
        item.user_properties.extend(_files.used_by(item.callspec.params))


@pytest.fixture
def fresh_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Each step of a trace is logged; pytest would keep all of it in case the test fails.
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "disabled", True)
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()
