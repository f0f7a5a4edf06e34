"""Losses on weights, and clipping (traps 9, 10, 12, 14)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import migrate
from migrate.eras import Era
from migrate.registry import rules
from migrate.translate import to_new
from tests.migrate import _eras, _policies
from tests.migrate._eras import config_of, environment_of, from_box
from tests.traps._early import answers, both, both_of, built

L2 = "2025-06-05"
"""From then on the default of both scales was 1."""


def gradients(agent: Any, loss: Tensor) -> dict[str, Tensor | None]:
    agent.zero_grad()
    torch.autograd.backward(sum((each.float().sum() for each in answers(agent, time=2)), loss))
    names = migrate.parameter_names(agent)
    return {names[name]: parameter.grad for name, parameter in agent.named_parameters()}


def alike(left: dict[str, Tensor | None], right: dict[str, Tensor | None]) -> bool:
    assert left.keys() == right.keys()
    pairs = [(each, right[name]) for name, each in left.items()]
    return all(a is b if a is None or b is None else torch.equal(a, b) for a, b in pairs)


def test_trap_09_l2_losses_carry_no_gradient(tmp_path: Path) -> None:
    old, new = both_of(L2, from_box, tmp_path)
    weights = [module for module in new.components.values() if hasattr(module, "initial_weights")]
    naive = torch.stack([((module.weight - module.initial_weights) ** 2).sum() for module in weights]).sum()
    assert old.l2_init_loss() == new.l2_init_loss() == naive > 0
    assert old.l2_reg_loss() == new.l2_reg_loss() > 0
    expected = gradients(old, old.l2_init_loss() + old.l2_reg_loss())
    assert alike(expected, gradients(new, new.l2_init_loss() + new.l2_reg_loss()))
    assert not alike(expected, gradients(new, naive))


def _shake(old: Any, new: Any, loss: str, seed: int) -> None:
    """Moves the weights of both agents alike, and scales the losses of their layers, some by 0."""
    names, generator = migrate.parameter_names(new), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in new.named_parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator))
            old.get_parameter(names[name]).copy_(parameter)
    scale = loss.replace("_loss", "_scale").replace("reg", "norm")
    for i, (name, module) in enumerate(new.components.items()):
        if hasattr(module, scale):
            for layer in (module, old.components[name]):
                setattr(layer, scale, float((i + seed) % 4))


@pytest.mark.filterwarnings("ignore:To copy construct from a tensor")  # as the old code did
@pytest.mark.parametrize(
    ("date", "loss"),
    [
        *((date, "l2_reg_loss") for date in ("2025-03-13", "2025-05-01", "2025-06-05", "2025-06-09")),
        *((date, "l2_init_loss") for date in ("2025-06-05", "2025-08-13", "2025-08-19", "2025-09-03")),
    ],
)
def test_losses_are_added_up_as_the_old_code_of_their_time_did(date: str, loss: str, tmp_path: Path) -> None:
    path, _ = _eras.trained(date, _eras.encoders_of(date)[0]).write(tmp_path)
    old, new = (migrate.load_policy(path, stack) for stack in ("legacy", "modules"))
    layers = [module for module in new.components.values() if hasattr(module, "l2_norm_scale")]
    assert len(layers) > 4  # the sum of fewer does not depend on the order
    for seed in range(1, 30):
        _shake(old, new, loss, seed)
        assert getattr(old, loss)().item() == getattr(new, loss)().item() > 0


@pytest.mark.parametrize("date", ["2025-07-30", "2025-08-13", "2025-08-19"])
def test_anchors_move_until_e9_and_are_kept_since(date: str, tmp_path: Path) -> None:
    path, _ = _eras.trained(date, _eras.encoders_of(date)[0]).write(tmp_path)
    old, new = (migrate.load_policy(path, stack) for stack in ("legacy", "modules"))
    before = new.l2_init_loss()
    assert before > 0
    for agent in (old, new):
        agent.update_l2_init_weight_copy()
    assert old.l2_init_loss() == new.l2_init_loss()
    assert (new.l2_init_loss() == before) == (date >= "2025-08-13")


@pytest.mark.parametrize("date", ["2025-05-01", L2])
def test_trap_10_the_default_of_l2_scales_depends_on_the_era(date: str) -> None:
    era = Era(date)
    config, environment = config_of(era, from_box), environment_of(from_box, era)
    old, new = built(config, environment, date)
    for agent in (old, new):
        with torch.no_grad():
            for parameter in agent.parameters():
                parameter.add_(1)
    assert old.l2_init_loss() == new.l2_init_loss()
    assert (new.l2_init_loss() > 0) == (date == L2)
    naive = to_new(rules()["linear"], config["components"]["encoded"], Era("E4d" if date == L2 else L2), "naive").config
    assert naive.get("l2_init_scale") != new.config["components"]["encoded"].get("l2_init_scale")
    if date == L2:  # the guard of null and 0 was gone, too
        config["components"]["encoded"]["l2_init_scale"] = None
        old, new = built(config, environment, date)
        with pytest.raises(TypeError):
            old.l2_init_loss()
        assert new.l2_init_loss() == 0


def test_trap_12_agent_wide_l2_losses_crashed(tmp_path: Path) -> None:
    old, new = both(tmp_path, _policies.old_agent())
    with torch.no_grad():
        for agent in (old, new):
            for parameter in agent.parameters():
                parameter.mul_(2)
    with pytest.raises(TypeError, match="expected Tensor as element 0"):
        old.l2_init_loss()
    assert new.l2_init_loss() == old.components["critic_1"].l2_init_loss() > 0
    assert not new.l2_init_loss().requires_grad


def test_trap_14_biases_are_not_clipped(tmp_path: Path) -> None:
    old, new = both(tmp_path, _policies.old_agent())
    weights = old.components["fc"].weight_net.weight, new.components["fc"].weight
    storages = [weight.data_ptr() for weight in weights]
    for agent in (old, new):
        with torch.no_grad():
            for parameter in agent.parameters():
                parameter.fill_(9.0)
        agent.clip_weights()
    assert new.components["fc"].bias.tolist() == [9.0] * 6
    assert new.components["fc"].weight.max() < 9
    assert _policies.same_policy(old, new)
    assert weights[0].data_ptr() != storages[0]
    assert weights[1].data_ptr() == storages[1]  # so views of it stay views
