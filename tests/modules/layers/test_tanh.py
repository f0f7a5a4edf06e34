from __future__ import annotations

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.tanh import TanhModule


def test_it_is_torchs_tanh() -> None:
    x = torch.randn(2, 3, 4)
    assert torch.equal(TanhModule().compute(x), x.tanh())


def test_it_has_one_source() -> None:
    assert TanhModule.from_context(BuildContext(in_shapes=((3,),))) == {}
    with pytest.raises(ConfigError, match="needs exactly one source, got 2"):
        TanhModule.from_context(BuildContext(in_shapes=((3,), (3,))))
