"""What the pooling layers did wrong is written out, and a config that does right cannot be said in the old stack."""

from __future__ import annotations

import pytest

from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.registry import rules
from migrate.translate import to_new, to_old

POOLS = sorted(stem for stem in rules() if "_pool" in stem)


@pytest.mark.parametrize("era", ["E1", "E4d", "E11"])
@pytest.mark.parametrize("stem", POOLS)
def test_the_number_of_channels_and_the_shape_announced_are_options(stem: str, era: str) -> None:  # trap 28
    size = "output_size" if stem.startswith("adaptive") else "kernel_size"
    new = to_new(rules()[stem], {}, Era(era), "here").config
    assert new == {size: "channels", "announces": "input"}
    assert to_old(rules()[stem], new, Era(era), "here").config == {}
    for right in ({**new, size: 2}, {**new, "announces": "output"}, {size: "channels"}):
        with pytest.raises(UnusableFileError, match="cannot be said in the old stack"):
            to_old(rules()[stem], right, Era(era), "here")
