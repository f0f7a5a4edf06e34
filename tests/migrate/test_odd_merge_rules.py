"""What of the layers that no config used is translated, and what is refused in words (trap 29)."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.registry import rules
from migrate.translate import to_new

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "expand",
        {"expand_dim": 1, "expand_value": 2, "dims_source": "a"},
        "E4d",
        "dims_source is 'a', with which no agent",
    ),
    ("reshape", {"popped_dim": 0, "squeezed_dim": 1}, "E4d", "popped_dim is 0, the batch"),
    ("reshape", {"popped_dim": -1, "squeezed_dim": 1}, "E4d", "popped_dim -1 and squeezed_dim 1: from the end"),
    ("reshape", {"popped_dim": 1, "squeezed_dim": 0}, "E8", "squeezed_dim is 0, the batch: from 2025-08-07"),
    ("batch_reshape", {}, "E8", "BatchReshapeLayer read the number of rows from _BxTT_"),
    ("feature_list_normalizer", {}, "E4d", "it never worked, no old agent could be built with it"),
]


@pytest.mark.parametrize(("stem", "config", "era", "reason"), REFUSED)
def test_what_the_old_stack_could_not_do_is_refused(stem: str, config: dict[str, Any], era: str, reason: str) -> None:
    with pytest.raises(UnusableFileError, match=f"^here: {reason}"):
        to_new(rules()[stem], config, Era(era), "here")


def test_what_it_did_wrong_becomes_an_option() -> None:
    era = Era("E4d")
    reshape = to_new(rules()["reshape"], {"popped_dim": 1, "squeezed_dim": 0}, era, "here").config
    assert reshape == {"popped_dim": 1, "squeezed_dim": 0, "written_to": "index_after_popping"}
    assert to_new(rules()["batch_reshape"], {}, era, "here").config == {"squeezes": True, "announces": "input"}
    expand = {"expand_dim": 1, "expand_value": 2, "source_dim": 3}
    assert to_new(rules()["expand"], expand, era, "here").config == {"dim": 1, "copies": 2}
