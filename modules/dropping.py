"""What the layers of dropout share."""

from __future__ import annotations

from collections.abc import Sequence

from modules.module import OneSourceModule
from modules.shapes import probability


class DroppingModule(OneSourceModule):
    """A layer that drops something in training; layers say what, compute it and document its arguments.

    The random numbers come from torch's global generator, as many and in the order of the old stack.
    """

    def __init__(
        self,
        *,
        p: float = 0.5,
        inplace: bool = False,
        in_keys: Sequence[str] = ("input",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        probability(p=p)
        super().__init__(in_keys, out_keys)
        self.p, self.inplace = p, inplace

    @property
    def draws_random_numbers(self) -> bool:
        """In training, unless nothing is dropped."""
        return self.training and self.p > 0
