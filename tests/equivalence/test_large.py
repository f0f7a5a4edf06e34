"""`try_large`: one input as large as a training's, and how it is made smaller."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from equivalence.finding import Pair
from equivalence.hosts import host, subject
from equivalence.large import LARGE_FROM, SEQUENCE, STEP, try_large
from equivalence.mutant import computing
from equivalence.proof import Run, prove
from equivalence.strategies import Draw


def wrong_above(rows: int) -> Pair:
    pair = host("linear")
    faulty = replace(pair, new=deepcopy(pair.new))
    part = faulty.new.get_submodule(f"components.{subject('linear')}")
    computing(lambda right, _, x: right(x) * (2 if len(x) > rows else 1))(part)
    return faulty


@pytest.mark.parametrize("level", ["component", "inference", "forward", "gradients", "sampling"])
def test_a_fault_of_large_batches_alone_is_found(level: str) -> None:
    (result,) = prove(wrong_above(100), levels=[level], run=Run(LARGE_FROM))
    assert result.blamed == subject("linear")


def test_the_large_input_is_one_of_those_that_were_asked_for() -> None:
    (result,) = prove(host("linear"), levels=["forward"], run=Run(LARGE_FROM))
    assert result.examples == LARGE_FROM


def test_a_large_input_is_made_smaller_while_it_differs() -> None:
    tried: list[Draw] = []

    def differs(draw: Draw) -> bool:
        tried.append(draw)
        return draw.batch * draw.time > 30

    try_large(differs, steps=False)
    assert (tried[0], tried[-1].batch, tried[-1].time) == (SEQUENCE, 4, 9)


def test_a_large_input_that_does_not_differ_is_tried_once() -> None:
    tried: list[Draw] = []

    def differs(draw: Draw) -> bool:
        tried.append(draw)
        return False

    try_large(differs, steps=True)
    assert tried == [STEP]
