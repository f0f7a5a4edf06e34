from __future__ import annotations

import pytest

from modules.errors import ConfigError
from modules.layers.flatten import FlattenModule


def test_a_size_that_is_not_that_of_the_source_is_refused() -> None:
    assert FlattenModule.output_shape(((3, 2),), {"out_features": 6}) == (6,)
    with pytest.raises(ConfigError, match="out_features is 5, and the source has 6"):
        FlattenModule.output_shape(((3, 2),), {"out_features": 5})
