"""The peak of memory, on cases whose peak is known."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.memory import highest, peak

KILO = 1000
FLOAT = 4


def test_highest_counts_what_is_held_at_one_time() -> None:
    assert highest([(1, 10), (2, 20), (1, -10), (3, 5), (2, -20), (3, -5)]) == 30
    assert highest([]) == 0


def test_what_was_there_before_does_not_count_when_it_goes() -> None:
    assert highest([(9, -1000), (1, 10), (2, 20)]) == 30


def test_a_chain_holds_two_of_its_values() -> None:
    def chain() -> Tensor:
        x = torch.empty(KILO)
        for _ in range(5):
            x = x.neg()
        return x

    assert peak(chain) == 2 * KILO * FLOAT


def test_a_list_holds_all_of_them() -> None:
    assert peak(lambda: [torch.empty(KILO) for _ in range(5)]) == 5 * KILO * FLOAT


def test_memory_that_is_freed_within_an_operation_counts() -> None:
    a, b = torch.ones(KILO, KILO), torch.ones(KILO, KILO)
    assert peak(lambda: torch.mul(a.t().contiguous(), b).sum(dim=0)) == 2 * KILO * KILO * FLOAT


def test_training_counts_gradients_and_what_autograd_saves() -> None:
    layer = nn.Linear(KILO, KILO, bias=False)
    x = torch.ones(1, KILO)

    def step() -> None:
        layer.zero_grad(set_to_none=True)
        layer(x).sum().backward()

    weight = KILO * KILO * FLOAT
    assert weight <= peak(step, lambda: layer.zero_grad(set_to_none=True)) < 1.1 * weight


def test_earlier_passes_do_not_count() -> None:
    kept: list[Tensor] = []

    def replace() -> None:
        kept[:] = [torch.empty(KILO)]

    assert peak(replace) == KILO * FLOAT
