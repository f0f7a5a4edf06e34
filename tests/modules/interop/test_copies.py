from __future__ import annotations

import copy
import io
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from modules import ComponentContainer, LinearModule, MettaAgent, MettaModule
from modules.layers.actor_big import ActorBigModule
from tests.modules._agents import agent
from tests.modules._graphs import linears
from tests.modules.interop._steps import Change, batch_of, plain, wrapped

Copy = Callable[[Any], Any]


def saved(module: Any) -> Any:
    """Through a file of torch's, which is a pickle."""
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


COPIES: list[Copy] = [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module)), saved]
each_copy = pytest.mark.parametrize("copied", COPIES, ids=["deepcopy", "pickle", "torch.save"])


@each_copy
@pytest.mark.parametrize("change", [plain, wrapped])
def test_a_copied_agent_acts_alike_and_is_another(copied: Copy, change: Change) -> None:
    policy = change(agent())
    data = batch_of(policy, 2, 3)
    expected = policy(dict(data))
    twin: MettaAgent = copied(policy)
    results = twin(dict(data))
    assert all(torch.equal(results[key], expected[key]) for key in expected)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(policy(dict(data))["value"], expected["value"])


@each_copy
def test_a_copied_agent_goes_on_as_the_first_would(copied: Copy) -> None:
    policy = agent()
    policy.activate_actions(["attack", "noop"], [1, 0])
    twin: Any = copied(policy)
    for each in (policy, twin):
        each.activate_actions(["noop", "dance", "attack"], [0, 1, 1])
    embeddings: list[Any] = [each.components["_action_embeds_"] for each in (policy, twin)]
    assert embeddings[0].rows == embeddings[1].rows
    assert twin.environment == policy.environment
    assert twin.config == policy.config


@each_copy
def test_a_copy_is_made_of_what_the_agent_is_not_of_what_was_derived(copied: Copy) -> None:
    fresh, used = agent(), agent()
    used(batch_of(used, 2))
    sizes = [len(pickle.dumps(copied(each))) for each in (fresh, used)]
    assert sizes[0] == sizes[1]


@each_copy
def test_a_copied_container_is_changed_apart(copied: Copy) -> None:
    components = linears()
    twin: ComponentContainer = copied(components)
    twin.replace_component("a", LinearModule(3, 4, in_keys=("x",), out_keys=("a",)))
    del twin["b"]
    assert list(components) == ["b", "a"]
    assert set(components.execute({"x": torch.randn(2, 3)})) == {"x", "a", "b"}


class Scorer(MettaModule):
    """A component of a user's own, with a layer of torch inside."""

    def __init__(self) -> None:
        super().__init__(("x",), ("score",))
        self.layer = nn.Linear(64, 8)

    def compute(self, *inputs: Any) -> Any:
        return self.layer(inputs[0]).relu()


def quantized(module: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        # torch says that it will move its quantisation to another package, in more than one place.
        warnings.simplefilter("ignore")
        quantize: Any = torch.ao.quantization.quantize_dynamic
        result: nn.Module = quantize(module, {nn.Linear}, dtype=torch.qint8)
    return result


def scorers() -> ComponentContainer:
    torch.manual_seed(0)
    components = ComponentContainer()
    components.register_component("score", Scorer())
    actor = ActorBigModule(8, 4, 16, 32, in_keys=("score", "embeds"), out_keys=("logits",))
    components.register_component("actor", actor)
    return components


def scored(components: Any) -> Any:
    generator = torch.Generator().manual_seed(1)
    data = {
        "x": torch.randn(5, 64, generator=generator),
        "embeds": torch.randn(5, 6, 4, generator=generator),
    }
    return components.execute(data, outputs=["score", "logits"])


def test_quantized_children_are_run_and_nearly_right() -> None:
    components = scorers()
    expected = scored(components)
    small: Any = quantized(components)
    assert [type(small["score"].layer).__module__, type(small["actor"].mlp[0]).__module__] == [
        "torch.ao.nn.quantized.dynamic.modules.linear"
    ] * 2
    results = scored(small)
    for key in ("score", "logits"):
        assert not torch.equal(results[key], expected[key])
        torch.testing.assert_close(results[key], expected[key], rtol=0.05, atol=0.05)
    assert isinstance(components["score"].layer, nn.Linear)


@each_copy
@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning")  # torch's own way to load such tensors
def test_quantized_children_survive_a_copy(copied: Copy) -> None:
    small = quantized(scorers())
    assert torch.equal(scored(copied(small))["logits"], scored(small)["logits"])
