"""Until E3 a config said how wide a flattened image is, where the convolutions did not end at one pixel (trap 28)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import migrate
from equivalence import trace
from migrate import checkpoint, config_rules
from migrate.eras import Era
from migrate.holdings import holdings
from migrate.to_legacy import legacy_agent
from modules import load_agent
from tests.migrate import _eras as eras

Encoder = Callable[[Era], dict[str, Any]]
DATES = ["2025-02-20", "2025-02-27", "2025-03-13", "2025-04-24"]
WIDTH = 3 * 4 * 3


def from_wide_box(era: Era) -> dict[str, Any]:
    """A box of 5 x 4, of which a convolution leaves 4 x 3."""
    components = eras.from_box(era)
    components["cnn1"]["nn_params"] = {"kernel_size": 2, "stride": 1}
    components["flat"] = eras.layer("nn_layer_library.Flatten", "cnn1", era=era, output_size=WIDTH)
    return components


def migrated(date: str, encoder: Encoder, folder: Path) -> tuple[Any, Any]:
    """An old policy and what it became."""
    config = eras.config_of(Era(date), encoder)
    agent = legacy_agent(config, eras.BOX, "test", Era(date))
    old = eras.Policy(Era(date), agent, torch.optim.Adam(agent.parameters()), config).write(folder)[0]
    assert checkpoint.main([str(old)]) == 0
    return migrate.load_policy(old, "legacy").eval(), load_agent(old.with_suffix(".safetensors")).eval()


@pytest.mark.parametrize("date", DATES)
def test_a_flattened_image_of_several_pixels_is_migrated(date: str, tmp_path: Path) -> None:
    sides = migrated(date, from_wide_box, tmp_path)
    obs = torch.ones(2, 3, *eras.BOX.obs_shape, dtype=torch.uint8)
    there, here = (trace(side, obs, action=torch.zeros(2, 3, 2, dtype=torch.long)).outputs for side in sides)
    assert all(torch.equal(there[key], here[key]) for key in there)


@pytest.mark.parametrize(("encoder", "said"), [(from_wide_box, WIDTH), (eras.from_box, None)])
def test_a_size_is_held_where_a_config_said_it(encoder: Encoder, said: int | None, tmp_path: Path) -> None:
    sides = migrated("2025-03-13", encoder, tmp_path)
    assert ("flat.out_features", said, said) in holdings(*sides, {})


def test_the_size_goes_back_with_the_config() -> None:
    era = Era("E2c")
    new = config_rules.to_new_agent(eras.config_of(era, from_wide_box), era, "config")[0]
    assert new["components"]["flat"]["out_features"] == WIDTH
    assert config_rules.to_old_agent(new, era, "config")["components"]["flat"]["output_size"] == WIDTH
