"""Policies of runs with several processes, whose batch norms the old trainer converted from 2025-06-13 on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from migrate.eras import Era
from tests.migrate import _eras as eras
from tests.traps import _late as late

TOKENS = late.token_rows([(0, 1, 9), (17, 2, 200)], [(1, 0, 3)])


def with_batch_norm(era: Era) -> dict[str, Any]:
    components = eras.from_token_box(era)
    components["raw"] = components.pop("encoded")
    return {**components, "encoded": eras.layer("nn_layer_library.BatchNorm1d", "raw", era=era)}


@pytest.mark.parametrize("date", ["2025-06-13", "2025-08-14"])
def test_a_converted_batch_norm_is_the_one_of_the_config(date: str, tmp_path: Path) -> None:
    policy = late.made(date, with_batch_norm, eras.TOKENS)
    convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
    agent = convert(policy.agent)
    assert any(isinstance(module, nn.SyncBatchNorm) for module in agent.modules())
    optimizer = torch.optim.Adam(agent.parameters())
    old, new = late.both(eras.Policy(policy.era, agent, optimizer, policy.config), tmp_path)
    assert late.alike(agent.eval(), new.eval(), TOKENS)
    assert late.alike(old.train(), new.train(), TOKENS)
    assert old.state_dict().keys() == agent.state_dict().keys()
