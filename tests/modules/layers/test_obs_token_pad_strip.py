from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from migrate.eras import Era
from migrate.rules.obs_token_pad_strip import RULE
from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_token_pad_strip import ObsTokenPadStripModule

TOKEN, PADDING = [17, 3, 5], [255, 255, 255]
IDENTITY = torch.arange(256, dtype=torch.uint8)


def rows(*counts: int) -> Tensor:
    """Rows of 4 tokens, of which so many are no padding."""
    return torch.tensor([[TOKEN] * count + [PADDING] * (4 - count) for count in counts], dtype=torch.uint8)


def run(x: Tensor, **options: Any) -> Any:
    return ObsTokenPadStripModule(**options)({"x": x})


@pytest.mark.parametrize(("counts", "kept"), [((1, 2), 2), ((4, 2), 4), ((4, 4), 4), ((0, 3), 3), ((0, 0), 1)])
def test_no_token_is_lost_and_what_pads_is_masked(counts: tuple[int, ...], kept: int) -> None:
    data = run(rows(*counts))
    assert torch.equal(data["output"], rows(*counts)[:, :kept])
    assert data["obs_mask"].tolist() == [[i >= count for i in range(kept)] for count in counts]


def test_tokens_behind_a_gap_are_kept() -> None:
    x = rows(3)
    x[0, 1] = 255
    assert run(x)["obs_mask"].tolist() == [[False, True, False]]


@pytest.mark.parametrize(("counts", "kept"), [((1, 2), 2), ((4, 2), 2), ((4, 4), 4), ((0, 3), 3), ((0, 0), 4)])
def test_the_longest_padded_row_can_decide(counts: tuple[int, ...], kept: int) -> None:
    assert run(rows(*counts), keep="longest_padded_row")["output"].shape == (2, kept, 3)


def test_features_are_mapped_without_touching_the_observation() -> None:
    strip, x = ObsTokenPadStripModule(), rows(2)
    table = IDENTITY.clone()
    table[3] = 9
    strip.remap_features(table)
    assert strip({"x": x})["output"][..., 1].tolist() == [[9, 9]]
    assert torch.equal(x, rows(2))
    strip.remap_features(IDENTITY)
    assert not strip.remapping


def test_whether_the_table_is_used_is_saved_beside_it() -> None:
    assert ObsTokenPadStripModule().saved_attributes == ("remapping",)
    assert list(ObsTokenPadStripModule().state_dict()) == ["feature_remap"]


def test_without_remapping_there_is_neither_table_nor_flag() -> None:
    strip = ObsTokenPadStripModule(remaps=False)
    assert strip.saved_attributes == ()
    assert not strip.state_dict()
    with pytest.raises(ConfigError, match="does not remap features: build it with remaps=True"):
        strip.remap_features(IDENTITY)


def test_a_table_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a table must be uint8 \[256\], got torch.int64 \[3\]"):
        ObsTokenPadStripModule().remap_features(torch.arange(3))


def test_an_unknown_keep_is_refused() -> None:
    with pytest.raises(ConfigError, match="keep must be longest_row or longest_padded_row, got 'all'"):
        ObsTokenPadStripModule(keep="all")


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (BuildContext(in_shapes=((3,),)), "reads the observation and takes no sources, got 1"),
        (BuildContext(obs_shape=(3, 4, 2)), r"needs observations that are tokens, \(M, 3\), got \(3, 4, 2\)"),
    ],
)
def test_surroundings_that_do_not_fit_are_refused(context: BuildContext, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ObsTokenPadStripModule.from_context(context)


@pytest.mark.parametrize(
    ("era", "remaps"), [("E6a", False), ("2025-06-30", False), ("2025-07-01", True), ("E11", True)]
)
def test_its_rule_knows_since_when_features_were_mapped(era: str, remaps: bool) -> None:
    options = RULE.fixed_at(Era(era))
    assert options == {"keep": "longest_padded_row", **({} if remaps else {"remaps": False})}
    assert [move.new for move in RULE.state(options)] == ["feature_remap"] * remaps
