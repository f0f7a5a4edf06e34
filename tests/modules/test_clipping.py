"""An agent's weights are clipped, or whoever asked is told, also where torch computes them from others."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn
from torch.nn.utils import parametrizations, prune

from modules.errors import ConfigError
from tests.modules._agents import agent


def test_clipping_limits_what_a_pruned_weight_is_made_of() -> None:
    pruned = agent()
    encoded: Any = pruned.components["encoded"]
    prune.l1_unstructured(encoded, "weight", 0.5)  # type: ignore[no-untyped-call]
    nn.init.constant_(encoded.weight_orig, 100)
    pruned.clip_weights()
    assert encoded.weight_orig.max().item() == pytest.approx(encoded.clip_value)


def test_clipping_a_weight_that_torch_computes_is_refused() -> None:
    normed = agent()
    parametrizations.weight_norm(normed.components["encoded"], "weight")
    with pytest.raises(ConfigError, match=r"the weight of 'encoded' is computed .* give it clip_scale: 0"):
        normed.clip_weights()
