"""Runs any test that asks for a real file once on each of them, and notes which files it ran on."""

from __future__ import annotations

import pytest

from tests.real import _files


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for kind in _files.KINDS:
        if kind.argument in metafunc.fixturenames:
            metafunc.parametrize(kind.argument, kind.params(metafunc.config))


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.real)
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        item.user_properties.extend(_files.used_by(item.callspec.params))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if marker := item.get_closest_marker("nothing_matched"):
        reason = str(marker.args[0])
        if _files.in_ci():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
