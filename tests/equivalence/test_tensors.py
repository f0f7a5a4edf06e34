"""What passes may change, and the harness puts back."""

from __future__ import annotations

import pytest

from equivalence.hosts import host


@pytest.mark.parametrize("side", ["old", "new"])
def test_attributes_that_a_pass_changed_are_put_back(side: str) -> None:
    pair = host("linear")
    pair.hold_state()
    layer = next(each for each in getattr(pair, side).components.values() if hasattr(each, "clip_value"))
    before = layer.clip_value
    layer.clip_value = before + 1
    pair.restore_state()
    assert layer.clip_value == before
