from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, linearize, stack_module_state, vmap

from modules import ComponentContainer, LinearModule, MettaAgent, RegularizedModule
from tests.modules._agents import agent
from tests.modules.interop._shipped import EXAMPLE, of_config
from tests.modules.interop._steps import batch_of, loss_of

OUTPUTS = ("_value_", "_action_")
AGENTS = 3


def state_of(module: nn.Module) -> dict[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


class Heads(nn.Module):
    """A container as a function of tensors."""

    def __init__(self, components: ComponentContainer) -> None:
        super().__init__()
        self.components = components

    def forward(self, x: Tensor, lstm_h: Tensor, lstm_c: Tensor) -> tuple[Tensor, Tensor]:
        data = self.components.execute({"x": x, "lstm_h": lstm_h, "lstm_c": lstm_c}, outputs=OUTPUTS)
        return data["_value_"], data["_action_"]


def inputs(policy: MettaAgent) -> tuple[Tensor, ...]:
    data = batch_of(policy, 4)
    return data["x"], data["lstm_h"], data["lstm_c"]


def test_an_agent_is_a_function_of_its_own_parameters() -> None:
    policy = agent()
    data = batch_of(policy, 2, 3)
    called, expected = functional_call(policy, state_of(policy), (dict(data),)), policy(dict(data))
    assert called.keys() == expected.keys()
    assert all(torch.equal(called[key], expected[key]) for key in expected)


def test_an_agent_answers_by_the_parameters_it_is_called_with_and_keeps_its_own() -> None:
    first, second = agent(0), agent(1)
    data = batch_of(first, 2, 3)
    before, expected = first(dict(data))["value"], second(dict(data))["value"]
    assert torch.equal(functional_call(first, state_of(second), (dict(data),))["value"], expected)
    assert torch.equal(first(dict(data))["value"], before)


def test_a_function_of_some_parameters_takes_the_others_from_the_agent() -> None:
    policy = agent()
    data = batch_of(policy, 2)
    bias = {"components._value_.bias": torch.full((1,), 5.0)}
    shifted = functional_call(policy, bias, (dict(data),))["value"]
    own = policy.get_parameter("components._value_.bias")
    torch.testing.assert_close(shifted, policy(dict(data))["value"] - own + 5)


def test_grad_of_the_functional_loss_is_what_backward_gives() -> None:
    policy = agent()
    data = batch_of(policy, 2, 3)
    parameters = {name: p.detach() for name, p in policy.named_parameters()}
    functional = grad(lambda p: loss_of(functional_call(policy, p, (dict(data),))))(parameters)
    loss_of(policy(dict(data))).backward()  # type: ignore[no-untyped-call]
    for name, parameter in policy.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(functional[name], parameter.grad)


@pytest.mark.parametrize("shipped", [False, True])
def test_vmap_over_stacked_parameters_is_a_loop_over_agents(shipped: bool) -> None:
    agents = [of_config(EXAMPLE, seed) if shipped else agent(seed) for seed in range(AGENTS)]
    heads = [Heads(each.components) for each in agents]
    given = inputs(agents[0])
    parameters, buffers = stack_module_state(heads)
    batched = vmap(lambda p, b: functional_call(heads[0], (p, b), given), randomness="error")(parameters, buffers)
    for i, each in enumerate(heads):
        for value, expected in zip(batched, each(*given), strict=True):
            torch.testing.assert_close(value[i], expected, rtol=1e-5, atol=1e-5)


def test_vmap_gives_each_stacked_agent_its_own_gradients() -> None:
    heads = [Heads(agent(seed).components) for seed in range(AGENTS)]
    given = inputs(agent())
    parameters, buffers = stack_module_state(heads)

    def loss_by(p: dict[str, Tensor], b: dict[str, Tensor]) -> Tensor:
        value, logits = functional_call(heads[0], (p, b), given)
        loss: Tensor = value.square().mean() + logits.log_softmax(-1)[:, 0].mean()
        return loss

    batched = vmap(grad(loss_by))({name: p.detach() for name, p in parameters.items()}, buffers)
    for i, each in enumerate(heads):
        own = grad(loss_by)({n: p.detach() for n, p in each.named_parameters()}, dict(each.named_buffers()))
        for name, expected in own.items():
            torch.testing.assert_close(batched[name][i], expected, rtol=1e-4, atol=1e-6)


def test_vmap_over_observations_is_a_batch() -> None:
    policy = agent()
    heads = Heads(policy.components)
    x, h, c = inputs(policy)
    one_by_one = vmap(lambda x, h, c: heads(x.unsqueeze(0), h.unsqueeze(1), c.unsqueeze(1)), in_dims=(0, 1, 1))(x, h, c)
    for value, expected in zip(one_by_one, heads(x, h, c), strict=True):
        torch.testing.assert_close(value.squeeze(1), expected)


def test_the_losses_of_stacked_agents_are_those_of_each() -> None:
    agents = [regularized(agent()) for _ in range(AGENTS)]
    parameters, buffers = stack_module_state(agents)
    data = batch_of(agents[0], 4)

    def loss(parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
        called = functional_call(agents[0], (parameters, buffers), (dict(data),))
        result: Tensor = called["regularization_loss"]
        return result

    expected = torch.stack([each(dict(data))["regularization_loss"] for each in agents])
    torch.testing.assert_close(vmap(loss)(parameters, buffers), expected)


def regularized(policy: MettaAgent) -> MettaAgent:
    for name, component in list(policy.components.items()):
        policy.components.replace_component(name, RegularizedModule(component))
    return policy


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning")
def test_a_layer_is_linearized_at_its_own_weights() -> None:
    layer, x = LinearModule(3, 2, nonlinearity="ReLU"), torch.randn(4, 3)
    value, tangent = linearize(layer.compute, x)
    assert torch.equal(value, layer.compute(x))
    torch.testing.assert_close(tangent(x), value - layer.compute(torch.zeros_like(x)) + tangent(torch.zeros_like(x)))
