"""What a file would not bring back is refused when it is saved, not when it is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import nn
from torch.nn.utils import prune

from modules import MettaAgent, MettaModule, StatefulModule, save_agent
from modules.errors import CheckpointError
from tests.modules._agents import agent


class Beside(MettaModule):
    """Reads what the wrapped module wrote, and has a weight."""

    def __init__(self) -> None:
        super().__init__(("encoded",), ("beside",))
        self.fc = nn.Linear(8, 8)

    def compute(self, x: Any) -> Any:
        return self.fc(x)


def prunes(policy: MettaAgent) -> None:
    prune.l1_unstructured(policy.components["encoded"], "weight", 0.5)  # type: ignore[no-untyped-call]


def adds_a_head(policy: MettaAgent) -> None:
    policy.head = nn.Linear(1, 1)


def puts_a_manager_behind(policy: MettaAgent) -> None:
    policy.components["encoded"] = StatefulModule(policy.components["encoded"], Beside())


def drops_a_bias(policy: MettaAgent) -> None:
    policy.components["encoded"].register_parameter("bias", None)


@pytest.mark.parametrize("change", [prunes, adds_a_head, puts_a_manager_behind, drops_a_bias])
def test_tensors_that_the_config_does_not_build_are_refused(change: Any, tmp_path: Path) -> None:
    policy = agent()
    change(policy)
    with pytest.raises(CheckpointError, match=r"has the tensor|is not what the config builds"):
        save_agent(policy, tmp_path / "policy.safetensors")
    assert not list(tmp_path.iterdir())


def test_another_clip_range_than_the_configs_is_refused(tmp_path: Path) -> None:
    policy = agent()
    policy.clip_range = 0
    with pytest.raises(CheckpointError, match=r"the agent's clip_range is 0, not 0\.5"):
        save_agent(policy, tmp_path / "policy.safetensors")


def test_components_in_another_order_are_refused_since_parameters_would_come_back_in_another(tmp_path: Path) -> None:
    policy = agent()
    moved = policy.components["encoded"]
    del policy.components["encoded"]
    policy.components["encoded"] = moved
    with pytest.raises(CheckpointError, match=r"the agent has the components .*, encoded, and its config _value_, "):
        save_agent(policy, tmp_path / "policy.safetensors")
