from __future__ import annotations

from typing import Any

import pytest
import torch
from torch._dynamo.exc import Unsupported

from modules import PolicyState, SafeModule, with_config
from modules.errors import GraphError
from modules.layers.linear import LinearModule
from modules.layers.obs_token_pad_strip import ObsTokenPadStripModule
from tests.modules._agents import agent, observations
from tests.modules._graphs import Add, X, container, linears
from tests.modules.interop._compiling import COMPILING, assert_one_graph, check_training, compiled
from tests.modules.interop._shipped import EXAMPLE, fast, of_config
from tests.modules.interop._steps import Change, batch_of, plain, wrapped

pytestmark = [*COMPILING]

CALLS = 10


@pytest.mark.slow  # a minute of C++ compiler where torch's cache is empty
def test_the_example_inside_every_wrapper_trains_in_one_graph_of_the_stock_compiler() -> None:
    check_training(wrapped(of_config(EXAMPLE)), "inductor", CALLS)


@pytest.mark.parametrize(("change", "backend"), [(plain, "eager"), (fast, "eager"), (wrapped, "aot_eager")])
def test_the_example_trains_in_one_graph_captured_once_over_ten_calls(change: Change, backend: str) -> None:
    check_training(change(of_config(EXAMPLE)), backend, CALLS)


@torch.no_grad()
def test_sampled_actions_are_those_of_the_eager_agent() -> None:
    policy = agent().eval()
    run, counter = compiled(policy, "aot_eager")
    for seed in range(CALLS):
        results = []
        for call in (policy, run):
            torch.manual_seed(seed)
            results.append(call({"x": observations(4, seed=seed)}))
        assert torch.equal(results[0]["action"], results[1]["action"])
        torch.testing.assert_close(results[0]["log_prob"], results[1]["log_prob"])
    assert_one_graph(counter)


def test_the_old_call_overwrites_its_state_object_from_within_the_graph() -> None:
    policy = agent()
    run, counter = compiled(policy, "eager")
    eager, traced = (PolicyState(torch.zeros(2, 4, 6), torch.zeros(2, 4, 6)) for _ in range(2))
    action = torch.zeros(4, 2, dtype=torch.int64)
    for step in range(CALLS):
        x = observations(4, seed=step)
        expected, results = policy(x, eager, action), run(x, traced, action)
        assert all(torch.equal(a, b) for a, b in zip(expected, results, strict=True))
        assert torch.equal(eager.lstm_h, traced.lstm_h)  # type: ignore[arg-type]
    assert_one_graph(counter)


def test_eager_calls_in_between_compile_nothing_anew() -> None:
    policy = agent()
    run, counter = compiled(policy, "eager")
    for step in range(3):
        data = batch_of(policy, 2, seed=step)
        run(dict(data))
        policy(dict(data))
    assert_one_graph(counter)


def tokens_of(*lengths: int) -> torch.Tensor:
    """Rows of eight tokens, of which so many are no padding."""
    x = torch.randint(0, 200, (len(lengths), 8, 3), dtype=torch.uint8)
    for row, length in zip(x, lengths, strict=True):
        row[length:] = 0xFF
    return x


@pytest.mark.parametrize("keep", ["longest_row", "longest_padded_row"])
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_as_many_tokens_are_kept_as_the_data_ask_for_and_nothing_is_compiled_anew(keep: str, backend: str) -> None:
    strip = ObsTokenPadStripModule(keep=keep)
    run, counter = compiled(strip.compute, backend)
    for lengths in ((2, 5), (8, 3), (7, 6), (2, 2), (8, 8)):
        x = tokens_of(*lengths)
        assert all(torch.equal(a, b) for a, b in zip(run(x), strip.compute(x), strict=True))
    assert_one_graph(counter)


@pytest.mark.parametrize(("keep", "lengths"), [("longest_row", (1, 0)), ("longest_padded_row", (1, 8))])
def test_a_compiled_graph_keeps_two_tokens_and_masks_the_second_where_one_is_asked_for(
    keep: str, lengths: tuple[int, ...]
) -> None:
    strip = ObsTokenPadStripModule(keep=keep)
    x = tokens_of(*lengths)
    (tokens, mask), (expected, expected_mask) = compiled(strip.compute, "eager")[0](x), strip.compute(x)
    assert (tokens.shape, expected.shape) == ((2, 2, 3), (2, 1, 3))
    assert torch.equal(tokens[:, :1], expected)
    assert torch.equal(mask, torch.cat([expected_mask, torch.ones(2, 1, dtype=torch.bool)], dim=1))


def test_a_swap_is_seen_by_a_compiled_container() -> None:
    components, x = linears(), torch.randn(2, 3)
    run, _ = compiled(lambda x: components.execute({"x": x}, outputs=["b"])["b"], "eager")
    run(x)
    components.replace_component("a", LinearModule(3, 4, in_keys=("x",), out_keys=("a",)))
    assert torch.equal(run(x), components.execute({"x": x})["b"])


def test_a_new_component_is_seen_by_a_compiled_container() -> None:
    components = container(a="x")
    run, _ = compiled(lambda x: components.execute({"x": x}), "eager")
    assert set(run(X)) == {"x", "a"}
    components.register_component("b", Add(("a",), "b"))
    assert run(X)["b"].tolist() == [3.0, 4.0]
    del components["b"]
    assert set(run(X)) == {"x", "a"}


def test_a_safe_component_stops_a_compiled_graph_too() -> None:
    components = linears()
    components.replace_component("a", SafeModule(components["a"]))
    run, _ = compiled(lambda x: components.execute({"x": x}, outputs=["b"])["b"], "eager")
    x = torch.randn(2, 3)
    assert torch.equal(run(x), components.execute({"x": x})["b"])
    with pytest.raises(RuntimeError, match="NaN or Inf detected in input 'x' of component 'a'"):
        run(x / 0)


def test_a_wrong_shape_is_no_graph() -> None:
    components = linears()
    components.replace_component("a", SafeModule(components["a"], output_specs={"a": (None, 5)}))
    run, _ = compiled(lambda x: components.execute({"x": x}), "eager")
    with pytest.raises(Unsupported, match="shape mismatch for output 'a'"):
        run(torch.randn(2, 3))


def test_a_missing_input_of_a_compiled_container_is_told() -> None:
    run, _ = compiled(lambda data: container(a="nowhere").execute(data), "eager")
    with pytest.raises((GraphError, torch._dynamo.exc.TorchDynamoException), match="nowhere"):
        run({"x": X})


def test_an_agent_that_was_compiled_in_place_keeps_its_names() -> None:
    policy: Any = agent()
    names = list(policy.state_dict())
    policy.compile(backend="eager", fullgraph=True)
    assert policy(batch_of(policy, 2))["value"].shape == (2, 1)
    assert list(policy.state_dict()) == names


@pytest.mark.parametrize("change", [{}, {"execution": "parallel"}, {"numerics": "fast"}])
def test_a_rollout_of_another_batch_size_may_come_before_training(change: dict[str, str]) -> None:
    policy = with_config(agent(), change).eval()
    run, _ = compiled(policy, "eager")
    rollout = batch_of(policy, 8)
    del rollout["action"]
    run(rollout)
    for batch in ((4, 16), (5, 3)):
        data = batch_of(policy, *batch)
        torch.testing.assert_close(run(dict(data))["log_prob"], policy(dict(data))["log_prob"])
