from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.actions import ActionSpace, evaluate_actions, sample_actions
from modules.errors import InputError

MAX_PARAMS = st.lists(st.integers(0, 5), min_size=1, max_size=6)


def space_of(max_params: list[int]) -> ActionSpace:
    return ActionSpace([f"act{i}" for i in range(len(max_params))], max_params)


@given(MAX_PARAMS)
def test_index_and_pair_are_inverse_and_named_in_order(max_params: list[int]) -> None:
    space = space_of(max_params)
    index = torch.arange(sum(max_params) + len(max_params))
    pairs = space.to_action(index)
    assert torch.equal(space.to_index(pairs), index)
    assert space.pair_names == [f"act{kind}_{parameter}" for kind, parameter in pairs.tolist()]


@given(MAX_PARAMS, st.data())
def test_a_parameter_out_of_range_is_what_the_formula_says(max_params: list[int], data: st.DataObject) -> None:
    kind = data.draw(st.integers(0, len(max_params) - 1))
    parameter = data.draw(st.integers(-20, 20))
    index = space_of(max_params).to_index(torch.tensor([[kind, parameter]]))
    assert index.item() == kind + sum(max_params[:kind]) + parameter


@pytest.mark.parametrize("largest", [-1, 1.5, "2", None])
def test_a_maximum_that_is_no_count_is_refused(largest: Any) -> None:
    with pytest.raises(InputError, match="the maximum parameter of 'move' must be an integer >= 0, which is inclusive"):
        ActionSpace(["noop", "move"], [0, largest])


@pytest.mark.parametrize(("names", "max_params"), [([], []), (["a"], []), (["a"], [1, 2])])
def test_names_and_maxima_must_pair(names: list[str], max_params: list[int]) -> None:
    with pytest.raises(InputError, match=f"got {len(names)} action names and {len(max_params)} maximum parameters"):
        ActionSpace(names, max_params)


def test_maxima_may_be_numbers_of_a_tensor() -> None:
    assert ActionSpace(["a", "b"], list(torch.tensor([0, 2]))).max_params == [0, 2]


@given(st.integers(1, 6), st.integers(1, 7), st.integers(0, 2**20))
def test_a_sampled_action_is_scored_as_it_is_evaluated(rows: int, actions: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, actions, generator=generator)
    index, *sampled = sample_actions(logits)
    evaluated = evaluate_actions(logits, index)
    assert all(torch.equal(a, b) for a, b in zip(sampled, evaluated, strict=True))
    expected: Any = torch.distributions.Categorical(logits=logits)
    torch.testing.assert_close(sampled[0], expected.log_prob(index))
    torch.testing.assert_close(sampled[1], expected.entropy())


def test_the_generators_seed_decides_the_sample() -> None:
    logits = torch.zeros(50, 9)
    torch.manual_seed(3)
    first = sample_actions(logits)[0]
    torch.manual_seed(3)
    assert torch.equal(sample_actions(logits)[0], first)
