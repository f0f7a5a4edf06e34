from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from migrate.eras import Era
from migrate.rules.obs_token_to_box_shaper import RULE
from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_token_to_box_shaper import ObsTokenToBoxShaperModule

PADDING = [255, 255, 255]


def box(*tokens: list[int], **options: Any) -> Tensor:
    """Features 0 and 1, a window 3 wide and 2 high."""
    rows = torch.tensor([tokens], dtype=torch.uint8)
    output: Tensor = ObsTokenToBoxShaperModule(2, 3, 2, **options)({"x": rows})["output"][0]
    return output


def context(**changes: Any) -> BuildContext:
    values: dict[str, Any] = {"obs_shape": (9, 3), "obs_width": 3, "obs_height": 2, "feature_ids": (4, 0)}
    return BuildContext(**{**values, **changes})


def test_a_value_lands_at_its_feature_row_and_column() -> None:
    result = box([2 * 16 + 1, 1, 200])
    assert result.shape == (2, 3, 2)
    assert result.dtype == torch.float32
    assert result[1, 2, 1] == result.sum() == 200


def test_padding_and_unknown_features_leave_every_place_alone() -> None:
    result = box([0, 0, 5], PADDING, [0, 2, 7])
    assert result[0, 0, 0] == result.sum() == 5


def test_the_result_is_contiguous() -> None:
    assert ObsTokenToBoxShaperModule(2, 3, 2)({"x": torch.zeros(4, 9, 3)})["output"].is_contiguous()


def test_unknown_features_can_be_an_error() -> None:
    assert box([0, 1, 5], PADDING, unknown_features="error").sum() == 5
    with pytest.raises(IndexError, match="index 2 is out of bounds"):
        box([0, 2, 5], unknown_features="error")


def test_a_cell_beyond_the_window_is_an_error() -> None:
    with pytest.raises(IndexError, match="index 2 is out of bounds"):
        box([2, 0, 5])


def test_a_flat_scatter_lets_padding_erase_and_cells_overflow() -> None:
    assert box([0, 0, 5], PADDING, flat_scatter=True).sum() == 0
    assert box([2, 0, 5], flat_scatter=True)[0, 1, 0] == 5


def test_it_takes_window_and_number_of_features_from_the_environment() -> None:
    options = ObsTokenToBoxShaperModule.from_context(context())
    assert options == {"num_features": 5, "obs_width": 3, "obs_height": 2}
    assert ObsTokenToBoxShaperModule.output_shape((), options) == (5, 3, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"in_shapes": ((3,),)}, "reads the observation and takes no sources, got 1"),
        ({"obs_shape": (3, 4, 2)}, r"needs observations that are tokens, \(M, 3\), got \(3, 4, 2\)"),
        ({"obs_shape": (9, 4)}, r"needs observations that are tokens, \(M, 3\), got \(9, 4\)"),
        ({"feature_ids": ()}, "needs an environment with numbered features, got none"),
    ],
)
def test_surroundings_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ObsTokenToBoxShaperModule.from_context(context(**changes))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"obs_width": 0}, "obs_width must be a positive integer, got 0"),
        ({"unknown_features": "keep"}, "unknown_features must be drop or error, got 'keep'"),
        (
            {"unknown_features": "error", "flat_scatter": True},
            "flat_scatter drops unknown features, but unknown_features is 'error'",
        ),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ObsTokenToBoxShaperModule(**{"num_features": 2, "obs_width": 3, "obs_height": 2, **options})


@pytest.mark.parametrize(
    ("era", "options"),
    [
        ("E5d", {"unknown_features": "error"}),
        ("2025-07-28", {"unknown_features": "error"}),
        ("2025-07-29", {"unknown_features": "drop"}),
        ("2025-08-07b", {"unknown_features": "drop"}),
        ("2025-08-08", {"unknown_features": "drop", "flat_scatter": True}),
        ("E11", {"unknown_features": "drop", "flat_scatter": True}),
    ],
)
def test_its_rule_says_what_the_code_of_each_time_did(era: str, options: dict[str, Any]) -> None:
    assert RULE.fixed_at(Era(era)) == options
