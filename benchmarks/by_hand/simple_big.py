"""The agent `simple_big`, by hand."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.by_hand import simple
from benchmarks.by_hand.parts import Actions, BigHead


class ByHand(simple.ByHand):
    """`simple` with the larger head."""

    def __init__(self, divisors: Sequence[float], actions: Actions) -> None:
        super().__init__(divisors, actions, BigHead(len(actions.pairs)))
