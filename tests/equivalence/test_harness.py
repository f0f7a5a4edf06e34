"""The harness must find what differs and name where it begins; each test plants one fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from equivalence.blame import blame
from equivalence.finding import Pair
from equivalence.harness import LEVELS
from equivalence.hosts import host
from equivalence.pairs import ALIKE, twins
from equivalence.proof import prove
from equivalence.report_words import verdict_notes
from modules.layers.lstm import LSTMModule
from modules.layers.relu import ReLUModule

Plant = Callable[[Any], None]


def _component(pair: Pair, name: str) -> Any:
    return pair.new.get_submodule(f"components.{name}")


def _swap_state(components: Any) -> None:
    class Swapped(LSTMModule):
        def compute(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            y, h, c = super().compute(x, h, c)
            return y, c, h

    components["_core_"].__class__ = Swapped


def _detach_gradient(components: Any) -> None:
    class Detached(ReLUModule):
        def compute(self, x: Tensor) -> Tensor:
            return super().compute(x).detach()

    components["core_relu"].__class__ = Detached


def _permute_embeddings(components: Any) -> None:
    embeds = components["_action_embeds_"]
    embeds.active_indices = embeds.active_indices.flip(0)


def _drop_nonlinearity(components: Any) -> None:
    components["critic_1"]._functional = torch.relu


def _nudge(name: str, parameter: str) -> Plant:
    def plant(components: Any) -> None:
        with torch.no_grad():
            components[name].get_parameter(parameter).view(-1)[0].add_(1e-3)

    return plant


def _normalise_wrongly(components: Any) -> None:
    components["obs_normalizer"].obs_norm[0, 1] = 11


FAULTS: dict[str, tuple[str, Plant]] = {
    "a weight off by a little": ("encoded_obs", _nudge("encoded_obs", "weight")),
    "a bias off by a little": ("_value_", _nudge("_value_", "bias")),
    "a recurrent weight": ("_core_", _nudge("_core_", "weight_hh_l1")),
    "the actor's weight": ("_action_", _nudge("_action_", "W")),
    "a wrong nonlinearity": ("critic_1", _drop_nonlinearity),
    "permuted action embeddings": ("_action_embeds_", _permute_embeddings),
    "a wrong normalisation constant": ("obs_normalizer", _normalise_wrongly),
}


def test_an_honest_migration_is_equal_on_every_level(pair: Pair) -> None:
    results = prove(pair, examples=8)
    assert [result.level for result in results] == list(LEVELS)
    assert all(result.equal for result in results), [result.differences for result in results]


@pytest.mark.parametrize("side", ["old", "new"])
def test_an_agent_against_its_own_copy_gives_no_false_alarm(pair: Pair, side: str) -> None:
    assert all(result.equal for result in prove(twins(pair, side), levels=ALIKE, examples=8))


def test_what_an_old_agent_sums_nothing_into_is_no_false_alarm() -> None:
    """Its L2 losses are whole numbers then."""
    (result,) = prove(twins(host("puffer_actor"), "old"), levels=["training"], examples=1)
    assert result.equal, result.differences
    assert result.compared


@pytest.mark.parametrize("side", ["old", "new"])
def test_agents_of_one_stack_that_differ_are_told_with_the_component(pair: Pair, side: str) -> None:
    selves = twins(pair, side)
    with torch.no_grad():
        next(_component(selves, "critic_1").parameters()).mul_(2)
    (result,) = prove(selves, levels=["forward"], examples=2)
    assert result.differences
    assert result.blamed == "critic_1"


def _limits(pair: Pair) -> None:
    _component(pair, "critic_1").clip_value = 0.5


def _anchors(pair: Pair) -> None:
    _component(pair, "critic_1").initial_weights = torch.zeros_like(_component(pair, "critic_1").weight)


def _scales(pair: Pair) -> None:
    _component(pair, "critic_1").l2_init_scale = 2.0


def _rows(pair: Pair) -> None:
    rows = _component(pair, "_action_embeds_").rows
    rows["noop_0"], rows["move_0"] = rows["move_0"], rows["noop_0"]


def _names(pair: Pair) -> None:
    cast("Any", pair.new).action_space.names.reverse()


def _clip_range(pair: Pair) -> None:
    cast("Any", pair.new).clip_range = 1.0


def _order(pair: Pair) -> None:
    components = cast("Any", pair.new).components
    components._modules = dict(reversed(components._modules.items()))


def _freeze(pair: Pair) -> None:
    _component(pair, "critic_1").weight.requires_grad_(False)


@pytest.mark.parametrize(
    "plant",
    [_limits, _anchors, _scales, _rows, _names, _clip_range, _order, _freeze],
    ids=lambda plant: plant.__name__[1:],
)
def test_what_no_forward_pass_shows_is_found(pair: Pair, plant: Callable[[Pair], None]) -> None:
    assert prove(pair, levels=["attributes"])[0].equal
    plant(pair)
    assert prove(pair, levels=["attributes"])[0].differences


def test_another_mode_is_found(pair: Pair) -> None:
    (result,) = prove(replace(pair, modes=(True, False)), levels=["attributes"])
    assert "training mode" in str(result.differences[0])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_the_right_component_blamed(pair: Pair, fault: str) -> None:
    culprit, plant = FAULTS[fault]
    plant(pair.new.components)
    (result,) = prove(pair, levels=["inference"], examples=20)
    assert result.differences, fault
    assert result.blamed == culprit


def test_a_lost_gradient_is_found_although_every_value_agrees(pair: Pair) -> None:
    _detach_gradient(pair.new.components)
    assert prove(pair, levels=["inference"], examples=5)[0].equal
    (result,) = prove(pair, levels=["gradients"], examples=5)
    assert {d.place for d in result.differences} == {"component", "gradient"}
    assert result.blamed == "core_relu"


def test_swapped_hidden_and_cell_state_is_found(pair: Pair) -> None:
    _swap_state(pair.new.components)
    (result,) = prove(pair, levels=["inference"], examples=5)
    assert {d.name for d in result.differences if d.place == "output"} == {"lstm_h", "lstm_c"}


def test_the_failing_input_is_shrunk_to_the_smallest(pair: Pair) -> None:
    FAULTS["a bias off by a little"][1](pair.new.components)
    (result,) = prove(pair, levels=["inference"], examples=30)
    assert result.failing is not None
    assert (result.failing.batch, result.failing.time, result.failing.seed) == (1, 1, 0)


def test_an_error_on_one_side_only_is_a_difference(pair: Pair) -> None:
    del _component(pair, "obs_normalizer")._buffers["obs_norm"]
    (result,) = prove(pair, levels=["inference"], examples=3)
    assert result.differences[0].place == "error"
    assert "only the new side fails" in result.differences[0].detail


def test_passes_that_fail_on_both_sides_are_counted_and_prove_nothing(pair: Pair) -> None:
    for agent in (pair.old, pair.new):
        del agent.get_submodule("components.obs_normalizer")._buffers["obs_norm"]
    (result,) = prove(pair, levels=["inference"], examples=3)
    assert not result.equal
    assert result.failed_alike == result.examples
    assert "on both sides, the first with AttributeError: " in verdict_notes(result)
    assert "obs_norm" in verdict_notes(result)
    assert result.differences == []


def test_a_missing_weight_is_found(pair: Pair) -> None:
    _component(pair, "core_norm").bias = None
    (result,) = prove(pair, levels=["weights"])
    assert any("core_norm" in d.name for d in result.differences)


def test_extra_random_numbers_are_found(pair: Pair) -> None:
    def draw(*_: object) -> None:
        torch.rand(1)

    _component(pair, "encoded_obs").register_forward_hook(draw)
    (result,) = prove(pair, levels=["inference"], examples=3)
    assert any(d.place == "generator" for d in result.differences)


def test_the_same_seed_tries_the_same_inputs(make_example_pair: Callable[[], Pair]) -> None:
    failing = []
    for _ in range(2):
        pair = make_example_pair()
        FAULTS["the actor's weight"][1](pair.new.components)
        failing.append(prove(pair, levels=["inference"], examples=10, base_seed=7)[0].failing)
    assert failing[0] == failing[1]


def test_blame_without_differences_is_nobody(pair: Pair) -> None:
    assert blame(pair, []) is None


def test_proving_leaves_the_global_generator_alone(pair: Pair) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    prove(pair, examples=2)
    assert torch.equal(before, torch.get_rng_state())


def test_modules_of_the_pair_are_of_both_stacks(pair: Pair) -> None:
    assert isinstance(pair.old, nn.Module)
    assert type(pair.old).__module__.startswith("legacy.")
    assert type(pair.new).__module__.startswith("modules.")
