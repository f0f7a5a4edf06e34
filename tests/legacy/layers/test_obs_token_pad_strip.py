from __future__ import annotations

from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor

from legacy.layers.obs_token_pad_strip import ObsTokenPadStrip, ObsTokenPadStrip0701, ObsTokenPadStripE8

TOKEN, PADDING = [17, 3, 5], [255, 255, 255]
IDENTITY = torch.arange(256, dtype=torch.uint8)


def strip(cls: type[ObsTokenPadStrip] = ObsTokenPadStrip) -> Any:
    layer = cls(name="tested", obs_shape=(4, 3))
    layer.setup()
    return layer


def rows(*counts: int) -> Tensor:
    """Rows of 4 tokens, of which so many are no padding."""
    return torch.tensor([[TOKEN] * count + [PADDING] * (4 - count) for count in counts], dtype=torch.uint8)


def run(layer: Any, x: Tensor) -> Any:
    is_old = not isinstance(layer, ObsTokenPadStripE8)
    return layer({"x": x} if is_old else TensorDict({"env_obs": x}, batch_size=[len(x)]))


@pytest.mark.parametrize("cls", [ObsTokenPadStrip, ObsTokenPadStrip0701, ObsTokenPadStripE8])
def test_padding_behind_the_longest_row_goes_and_the_rest_is_masked(cls: type[ObsTokenPadStrip]) -> None:
    td = run(strip(cls), rows(1, 2))
    assert torch.equal(td["tested"], rows(1, 2)[:, :2])
    assert td["tested"].dtype == torch.uint8
    assert td["obs_mask"].tolist() == [[False, True], [False, False]]


def test_full_rows_are_cut_where_others_have_padding() -> None:
    assert run(strip(), rows(4, 2))["tested"].shape == (2, 2, 3)
    assert run(strip(), rows(4, 4))["tested"].shape == (2, 4, 3)


def test_all_is_kept_where_every_row_begins_with_padding() -> None:
    assert run(strip(), rows(0, 0))["tested"].shape == (2, 4, 3)


def test_tokens_behind_a_gap_are_cut() -> None:
    x = rows(3)
    x[0, 1] = 255
    assert run(strip(), x)["tested"].shape == (1, 1, 3)


def test_batch_and_time_are_joined_and_noted() -> None:
    td = run(strip(), rows(1, 2, 1, 2, 1, 2).view(2, 3, 4, 3))
    assert td["tested"].shape == (6, 2, 3)
    assert (td["_B_"], td["_TT_"], td["_BxTT_"]) == (2, 3, 6)


def test_features_are_mapped_without_touching_the_observation() -> None:
    layer, x = strip(ObsTokenPadStrip0701), rows(2)
    table = IDENTITY.clone()
    table[3] = 9
    layer.update_feature_remapping(table)
    assert run(layer, x)["tested"][..., 1].tolist() == [[9, 9]]
    assert torch.equal(x, rows(2))
    layer.update_feature_remapping(IDENTITY)
    assert run(layer, x)["tested"][..., 1].tolist() == [[3, 3]]


def test_a_table_that_is_loaded_is_not_used() -> None:
    layer, other = strip(ObsTokenPadStripE8), strip(ObsTokenPadStripE8)
    layer.update_feature_remapping(torch.zeros(256, dtype=torch.uint8))
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.feature_id_remap, layer.feature_id_remap)
    assert run(other, rows(1))["tested"][..., 1].tolist() == [[3]]


def test_what_the_objects_of_each_time_hold() -> None:
    assert "_remapping_active" not in vars(strip())
    assert not strip().state_dict()
    assert strip()._M == strip(ObsTokenPadStrip0701)._M == 4
    assert list(strip(ObsTokenPadStrip0701).state_dict()) == ["feature_id_remap"]
    assert not hasattr(strip(ObsTokenPadStripE8), "_M")
