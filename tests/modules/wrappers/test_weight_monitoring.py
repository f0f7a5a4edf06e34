"""`WeightMonitoringModule` looks after weights, and touches them after the step only."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch.nn.utils.parametrizations import orthogonal

from modules import LinearModule, WeightMonitoringModule
from modules.errors import ConfigError, WeightWarning
from modules.weight_metrics import analyze_weights
from tests.modules._agents import agent as make_agent


def test_a_forward_pass_changes_no_weight() -> None:
    module = LinearModule(4, 3, gain=50.0)
    before = module.weight.detach().clone()
    WeightMonitoringModule(module, clip_value=0.1)({"input": torch.ones(1, 4)})
    assert torch.equal(module.weight, before)


def test_after_the_step_weights_are_within_the_limit_and_biases_are_left_alone() -> None:
    module = LinearModule(4, 3, gain=5.0)
    with torch.no_grad():
        module.get_parameter("bias").fill_(7.0)
    WeightMonitoringModule(module, clip_value=0.1).after_step()
    assert module.weight.abs().max() <= 0.1
    assert torch.equal(module.bias, torch.full((3,), 7.0))  # type: ignore[arg-type]


def test_health_tells_dead_units_and_norms() -> None:
    module = LinearModule(4, 3)
    with torch.no_grad():
        module.weight.fill_(2.0)[1] = 0
    health = WeightMonitoringModule(module).health()
    assert health == {"weight": {"dead_units": 1, "weight_norm": pytest.approx(32**0.5)}}


def test_the_old_stacks_metrics_are_reported() -> None:
    module = LinearModule(4, 3)
    torch.manual_seed(0)
    metrics = WeightMonitoringModule(module).weight_metrics()
    torch.manual_seed(0)
    assert metrics == {"weight": analyze_weights(module.weight.detach(), 0.01)}


def test_sick_weights_are_warned_of_once_per_cause() -> None:
    module = LinearModule(4, 3, out_keys=("fc",))
    with torch.no_grad():
        module.weight.fill_(200.0)[0] = 0
    monitor = WeightMonitoringModule(module)
    with pytest.warns(WeightWarning) as caught:
        monitor.after_step()
    assert [str(each.message) for each in caught] == [
        "1 dead unit(s) in 'weight' of component 'fc' (LinearModule)",
        "large norm 565.7 of 'weight' of component 'fc' (LinearModule)",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor.after_step()
        WeightMonitoringModule(module, monitor_health=False).after_step()


def test_an_agent_calls_it_when_it_clips_its_weights() -> None:
    agent = make_agent()
    module = agent.components["encoded"]
    agent.components.replace_component("encoded", WeightMonitoringModule(module, clip_value=0.01))
    agent.clip_weights()
    assert module.weight.abs().max() <= 0.01  # type: ignore[operator]


def test_a_limit_must_be_a_number_from_zero() -> None:
    with pytest.raises(ConfigError, match=r"clip_value must be a number >= 0 or None, got -1"):
        WeightMonitoringModule(LinearModule(2, 2), clip_value=-1)


def test_a_weight_that_is_no_number_is_warned_of() -> None:
    module = LinearModule(4, 3, out_keys=("fc",))
    with torch.no_grad():
        module.weight[0, 0] = float("nan")
    with pytest.warns(WeightWarning, match="large norm nan of 'weight'"):
        WeightMonitoringModule(module, clip_value=1.0).after_step()


def test_a_weight_that_is_computed_is_not_clipped() -> None:
    monitored = WeightMonitoringModule(orthogonal(LinearModule(4, 3), "weight"), clip_value=0.5)
    with pytest.raises(ConfigError, match=r"the weights of 'output' .* are computed from others, and not clipped"):
        monitored.after_step()
