"""What a shadow calls a mismatch: other bytes, another type or another shape."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from migrate.shadow_report import Report, difference

NAN = torch.tensor([float("nan")])
PAYLOAD = (NAN.view(torch.int32) + 1).view(torch.float32)


@pytest.mark.parametrize(
    "value",
    [NAN, torch.tensor(-0.0), torch.tensor([]), torch.tensor([True]), torch.ones(2, 3).t(), torch.ones(2).bfloat16()],
)
def test_the_same_bytes_are_no_mismatch(value: Tensor) -> None:
    assert difference(value, value.clone()) is None


@pytest.mark.parametrize(
    ("control", "candidate", "distance", "words"),
    [
        (torch.ones(2), torch.ones(2).double(), math.inf, "dtype torch.float32 and torch.float64"),
        (torch.ones(2), torch.ones(2, 1), math.inf, "shape [2] and [2, 1]"),
        (torch.tensor(0.0), torch.tensor(-0.0), 0, "1 of 1 values differ by up to 0, first at []: 0.0 and -0.0"),
        (NAN, PAYLOAD, math.inf, "1 of 1 values differ by up to inf, first at [0]: nan and nan"),
        (NAN, torch.ones(1), math.inf, "1 of 1 values differ by up to inf, first at [0]: nan and 1.0"),
        (
            torch.tensor([[1, 2], [3, 4]]),
            torch.tensor([[1, 5], [3, 0]]),
            4,
            "2 of 4 values differ by up to 4, first at [0, 1]: 2 and 5",
        ),
        (
            torch.tensor([True]),
            torch.tensor([False]),
            1,
            "1 of 1 values differ by up to 1, first at [0]: True and False",
        ),
    ],
)
def test_what_differs_is_measured_and_told(control: Tensor, candidate: Tensor, distance: float, words: str) -> None:
    assert difference(control, candidate) == (distance, words)


def test_a_report_compares_what_both_have_and_keeps_the_first_of_each_kind() -> None:
    report = Report("modules")
    for call, value in enumerate((1.0, 1.5, 3.0, 1.0)):
        report.calls = call
        report.compare({"a": torch.ones(1), "b": torch.ones(1)}, {"a": torch.tensor([value]), "c": torch.ones(1)}, ())
    assert report.outputs == {"a": 4}
    found = report.mismatches["a"]
    assert (found.count, found.largest) == (2, 2.0)
    assert str(found) == "2 times, by up to 2; call 1: 1 of 1 values differ by up to 0.5, first at [0]: 1.0 and 1.5"
