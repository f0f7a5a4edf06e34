"""`RegularizedModule` adds up what parameters cost, each of them once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from modules import ComponentContainer, LinearModule, MettaAgent, RegularizedModule, SafeModule
from modules.errors import ConfigError
from tests.modules._agents import agent as make_agent

LOSS = "regularization_loss"


def l2(module: nn.Module, scale: float) -> torch.Tensor:
    return torch.stack([scale * parameter.square().sum() for parameter in module.parameters()]).sum()


def linear(name: str, source: str = "input") -> LinearModule:
    return LinearModule(3, 3, in_keys=(source,), out_keys=(name,))


def data() -> dict[str, torch.Tensor]:
    return {"input": torch.ones(2, 3)}


def test_the_loss_is_the_scaled_sum_of_squares_and_absolute_values() -> None:
    module = linear("a")
    absolute = sum(parameter.abs().sum() for parameter in module.parameters())
    loss = RegularizedModule(module, l2_scale=0.5, l1_scale=0.25)(data())[LOSS]
    torch.testing.assert_close(loss, l2(module, 0.5) + 0.25 * absolute)


def test_the_loss_has_a_gradient() -> None:
    module = LinearModule(3, 3)
    RegularizedModule(module, l2_scale=0.5)(data())[LOSS].backward()
    assert module.weight.grad is not None
    torch.testing.assert_close(module.weight.grad, module.weight.detach())


def test_there_is_no_loss_in_evaluation_nor_for_frozen_parameters() -> None:
    assert LOSS not in RegularizedModule(linear("a")).eval()(data())
    assert LOSS not in RegularizedModule(linear("a").requires_grad_(False))(data())


def test_losses_of_several_modules_are_added_to_what_is_there() -> None:
    one, other = linear("a"), linear("b", "a")
    result = RegularizedModule(other)(RegularizedModule(one)({**data(), LOSS: torch.tensor(10.0)}))
    torch.testing.assert_close(result[LOSS], 10.0 + l2(one, 0.01) + l2(other, 0.01))


def test_nested_regularisers_count_a_parameter_once_at_the_inner_scale() -> None:
    module = linear("a")
    nested = RegularizedModule(SafeModule(RegularizedModule(module, l2_scale=0.5)), l2_scale=100.0)
    torch.testing.assert_close(nested(data())[LOSS], l2(module, 0.5))


def test_a_container_counts_a_weight_that_components_share_once() -> None:
    one, other = linear("a"), linear("b", "a")
    other.weight, other.bias = one.weight, one.bias
    container = ComponentContainer()
    container.register_component("a", RegularizedModule(one))
    container.register_component("b", RegularizedModule(other))
    torch.testing.assert_close(container.execute(data())[LOSS], l2(one, 0.01))


def test_a_container_adds_the_losses_of_what_it_runs_if_they_are_wanted() -> None:
    one, other = linear("a"), linear("b", "a")
    container = ComponentContainer()
    container.register_component("a", RegularizedModule(one))
    container.register_component("b", RegularizedModule(other))
    torch.testing.assert_close(container.execute(data(), outputs=["a", LOSS])[LOSS], l2(one, 0.01))
    assert LOSS not in container.execute(data(), outputs=["b"])
    assert LOSS not in container.eval().execute(data())


def test_a_regulariser_that_is_put_on_later_counts() -> None:
    container = ComponentContainer()
    container.register_component("a", linear("a"))
    assert LOSS not in container.execute(data())
    container.replace_component("a", RegularizedModule(container["a"]))
    assert LOSS in container.execute(data())


def regularized_agent() -> MettaAgent:
    agent = make_agent()
    agent.components.replace_component("encoded", RegularizedModule(agent.components["encoded"]))
    return agent


def test_an_agent_writes_the_loss_into_its_mapping_in_training() -> None:
    agent = regularized_agent()
    batch = {"x": torch.zeros(2, 5, 5, 3), "action": torch.zeros(2, 2, dtype=torch.long)}
    torch.testing.assert_close(agent(batch)[LOSS], l2(agent.components["encoded"], 0.01))
    assert LOSS not in agent.eval()({"x": torch.zeros(2, 5, 5, 3)})


def test_an_agent_that_samples_without_gradients_spends_nothing_on_losses() -> None:
    with torch.no_grad():
        assert LOSS not in regularized_agent()({"x": torch.zeros(2, 5, 5, 3)})


@pytest.mark.parametrize("scale", [-1.0, float("nan"), "much"])
def test_a_scale_must_be_a_number_from_zero(scale: float) -> None:
    with pytest.raises(ConfigError, match="l2_scale must be a number >= 0, got"):
        RegularizedModule(linear("a"), l2_scale=scale)


def test_a_component_pays_in_its_own_mode_in_a_container_as_alone() -> None:
    container = ComponentContainer()
    container.register_component("a", RegularizedModule(linear("a")))
    for training in (True, False):
        container.train(not training)
        container["a"].train(training)
        assert (LOSS in container.execute(data())) is (LOSS in container["a"](data())) is training


def test_a_loss_of_half_precision_weights_is_finite_where_it_fits() -> None:
    module = LinearModule(64, 64).half()
    nn.init.constant_(module.weight, 5.0)
    loss = RegularizedModule(module, l2_scale=0.01)({"input": torch.ones(1, 64).half()})[LOSS]
    assert 1024.0 <= loss.item() < 1030.0
