"""What equal means: bits, or an oracle for cheaper algebra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any, cast

import pytest
import torch

from equivalence import conditions
from equivalence.compare import Difference
from equivalence.finding import Pair
from equivalence.harness import EXACT, JUDGED, LEVELS
from equivalence.hosts import host, subject
from equivalence.mutant import computing
from equivalence.oracle import Double, judges_of
from equivalence.policy import FACTOR, ORACLE, TIMES, Error, Errors, Judgement
from equivalence.proof import Run, prove
from equivalence.session import components_of

LINEAR = subject("linear")


def planted(plant: object) -> Pair:
    pair = host("linear")
    faulty = replace(pair, new=deepcopy(pair.new))
    plant(faulty.new.get_submodule(f"components.{LINEAR}"))  # type: ignore[operator]
    return faulty


def judged(pair: Pair, level: str = "forward") -> tuple[list[str], float]:
    (result,) = prove(pair, levels=[level], run=Run(20, policy=ORACLE))
    assert result.ratio is not None
    return [str(each) for each in result.differences], result.ratio


def test_the_same_computation_has_the_same_error() -> None:
    assert judged(host("linear")) == ([], 1.0)


def test_other_algebra_of_the_same_precision_is_accepted_though_its_bits_differ() -> None:
    pair = planted(computing(lambda _, m, x: torch.tanh((x.double() @ m.weight.double().T).float() + m.bias)))
    (bitwise,) = prove(pair, levels=["forward"], run=Run(20, shrink=False))
    differences, ratio = judged(pair)
    assert bitwise.differences
    assert not differences
    assert 0 < ratio <= FACTOR


def test_a_lower_precision_is_not() -> None:
    pair = planted(computing(lambda right, _, x: right(x.bfloat16().float())))
    differences, ratio = judged(pair)
    assert ratio > FACTOR
    assert any("times the old one's" in each for each in differences)


def test_gradients_are_judged_too() -> None:
    pair = planted(computing(lambda right, _, x: right(x + (x.detach() - x) * 1e-3)))
    assert judged(pair, "gradients")[1] > FACTOR


def test_what_is_exact_stays_exact_under_the_oracle() -> None:
    pair = planted(lambda module: module.weight.data.mul_(1 + 2**-23))
    (result,) = prove(pair, levels=["weights"], run=Run(policy=ORACLE))
    assert result.differences


def test_an_error_below_one_rounding_counts_as_one() -> None:
    for smaller in (0.0, 1e-12):
        assert Errors([Error(1.0, smaller, 1e-8, 1e-8)]).ratio == 1


def test_one_number_next_to_zero_does_not_decide_for_all() -> None:
    usual, next_to_zero = Error(1.0, 1e-7, 1e-7, 1e-8), Error(1e-6, 1e-9, 1e-7, 1e-8)
    assert Errors([usual, usual, next_to_zero]).ratio < FACTOR


def test_every_level_says_what_becomes_of_it_under_the_oracle() -> None:
    assert {name for name, level in LEVELS.items() if level.oracle == JUDGED} == {"forward", "gradients", "rollout"}
    assert {name for name, level in LEVELS.items() if level.oracle == EXACT} == {"weights", "attributes"}


def test_equal_agents_on_one_thread_meet_no_obstacle() -> None:
    found = conditions.conditions(host("linear"))
    assert found["obstacles"] == []
    assert found["noise"]["differing"] == 0
    assert found["noise"]["compared"] > 0


@contextmanager
def threads(count: int) -> Iterator[None]:
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(1)


def test_several_threads_are_an_obstacle_and_no_verdict_of_equal() -> None:
    with threads(2):
        assert any("2 threads" in each for each in conditions.conditions(host("linear"))["obstacles"])


def test_an_old_agent_that_differs_from_itself_is_said_to() -> None:
    pair = host("linear")
    noisy = replace(pair, old=deepcopy(pair.old))
    noise = iter(torch.arange(1.0, 1e4))

    def disturb(_: object, __: object, board: Any) -> None:
        board["_value_"] = board["_value_"] + next(noise)

    noisy.old.get_submodule("components._value_").register_forward_hook(disturb)
    assert any("differs from itself" in each for each in conditions.conditions(noisy)["obstacles"])


def test_measuring_the_noise_leaves_running_statistics_alone() -> None:
    pair = host("batch_norm1d")
    before = {name: buffer.clone() for name, buffer in pair.old.named_buffers()}
    conditions.conditions(pair)
    assert all(torch.equal(before[name], buffer) for name, buffer in pair.old.named_buffers())


def test_running_statistics_stay_where_they_were_under_the_oracle() -> None:
    pair = host("batch_norm1d")
    before = {name: buffer.clone() for name, buffer in pair.old.named_buffers()}
    (result,) = prove(pair, levels=["forward"], run=Run(10, policy=ORACLE))
    assert (result.differences, result.ratio) == ([], 1.0)
    assert all(torch.equal(before[name], buffer) for name, buffer in pair.old.named_buffers())


def test_errors_among_small_numbers_do_not_drown_in_those_of_large_ones() -> None:
    judgement, key = Judgement(), ("output", "value")
    for scale, error in ((1e20, 1e-7), (1.0, 1e-4)):
        judge = torch.full((4,), scale, dtype=torch.float64)
        old, new = (judge * (1 + relative) for relative in (1e-7, error))
        judgement.add({key: (old.float(), new.float())}, {key: judge}, {key: judge}, lambda *_: False)
    assert judgement.ratio > FACTOR


def test_where_rounding_the_weights_changes_as_much_an_error_is_no_larger_than_the_old_one() -> None:
    judge, key = torch.ones(4, dtype=torch.float64), ("output", "lstm_h")
    sides = {key: (judge.float(), (judge + 1e-3).float())}
    ratios = []
    for moved in (0.0, 1e-3):
        judgement = Judgement()
        judgement.add(sides, {key: judge}, {key: judge + moved}, lambda *_: False)
        ratios.append(judgement.ratio)
    assert ratios[0] > FACTOR
    assert ratios[1] == pytest.approx(1, rel=1e-3)


def test_what_both_new_passes_have_is_compared_by_bits_and_nan_is_itself() -> None:
    key, nan = ("output", "value of the plain call"), torch.tensor([torch.nan, 1.0])
    for other, equal in ((nan.clone(), True), (nan.nextafter(torch.tensor(2.0)), False)):
        judgement = Judgement()
        judgement.add({key: (nan, other)}, {}, {}, lambda *_: False)
        assert (not judgement.verdict()) == equal


@pytest.mark.parametrize(("times", "doubtful"), [(1.5, False), (3.0, True), (5.0, False)])
def test_an_error_little_beyond_what_is_accepted_is_in_doubt(times: float, doubtful: bool) -> None:
    judge, key = torch.ones(4, dtype=torch.float64), ("output", "value")
    judgement = Judgement()
    sides = {key: ((judge + 1e-3).float(), (judge + 1e-3 * times).float())}
    judgement.add(sides, {key: judge}, {key: judge}, lambda *_: False)
    assert judgement.is_in_doubt(judgement.verdict()) == doubtful
    judgement.differences.append(Difference("output", "entropy", "is another"))
    assert not judgement.is_in_doubt(judgement.verdict())


@pytest.mark.parametrize("doubtful", [True, False])
def test_where_there_is_doubt_more_inputs_are_tried(monkeypatch: pytest.MonkeyPatch, doubtful: bool) -> None:
    monkeypatch.setattr(Judgement, "is_in_doubt", lambda *_: doubtful)
    (result,) = prove(host("linear"), levels=["forward"], run=Run(3, policy=ORACLE))
    assert result.examples == (3 * TIMES if doubtful else 3)


def test_weights_are_rounded_once_more_by_half_a_unit_in_the_last_place() -> None:
    pair = host("linear")
    with torch.no_grad():
        next(iter(pair.old.parameters())).copy_(torch.tensor(1.999))
    judges = judges_of(pair, seed=0)
    for exact, rounded in zip(judges.exact.new.parameters(), judges.rounded.new.parameters(), strict=True):
        weight = exact.detach().float()
        ulp = (weight.abs().nextafter(torch.tensor(torch.inf)) - weight.abs()).double()
        moved = (rounded - exact).detach().abs()
        assert bool((moved <= ulp / 2).all())
        assert bool((moved > 0).any())


def test_components_are_told_what_the_oracle_compared_and_found() -> None:
    wrong = planted(computing(lambda right, _, x: right(x.bfloat16().float())))
    rows = components_of(wrong)
    prove(wrong, levels=["forward"], components=rows, run=Run(20, policy=ORACLE))
    assert all(row.compared for row in rows)
    assert [row.name for row in rows if row.blamed] == [LINEAR]
    assert rows[[row.name for row in rows].index(LINEAR)].differing


def fail(*_: object) -> None:
    raise ValueError("planted")


def test_a_pass_that_fails_on_one_side_is_a_difference_under_the_oracle() -> None:
    pair = planted(lambda module: module.register_forward_hook(fail))
    (result,) = prove(pair, levels=["forward"], run=Run(5, policy=ORACLE))
    assert any("planted" in str(each) for each in result.differences)


def test_passes_that_fail_on_both_sides_are_counted_under_the_oracle() -> None:
    wrong = planted(lambda module: module.register_forward_hook(fail))
    pair = replace(wrong, old=deepcopy(wrong.old))
    cast(Any, pair.old).components[LINEAR].forward = fail
    (result,) = prove(pair, levels=["forward"], run=Run(5, policy=ORACLE))
    assert result.failed_alike == result.examples
    assert result.failure == "ValueError: planted"


@pytest.mark.parametrize(("level", "moved"), [("forward", "by a tenth"), ("weights", "by one ulp")])
def test_a_control_tells_how_far_its_weight_was_moved(level: str, moved: str) -> None:
    (result,) = prove(host("linear"), levels=[level], run=Run(5, policy=ORACLE, controls=True))
    assert result.control
    assert result.control.moved == moved


def test_infinities_of_opposite_sign_differ_under_the_oracle() -> None:
    judgement, key = Judgement(), ("output", "value")
    up = torch.tensor([torch.inf, 1.0])
    exact = {key: up.double()}
    judgement.add({key: (up, up * torch.tensor([-1.0, 1.0]))}, exact, exact, lambda *_: False)
    assert [each.detail for each in judgement.verdict()] == ["NaN or infinite in other places"]


def test_the_judge_computes_in_double_precision_where_the_code_says_float32() -> None:
    exact = torch.tensor([0.1], dtype=torch.float64)
    with Double():
        told = exact.to(torch.float32), exact.to(dtype=torch.float32), exact.float(), torch.tensor([0.1]).mul(1)
    assert [each.dtype for each in told] == [torch.float64] * 4
    assert [each.item() for each in told[:3]] == [0.1] * 3
