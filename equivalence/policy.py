"""What equal means, declared in one place.

- `bitwise`: the same bytes, shapes, types, strides. Nothing is tolerated, discrete or not.
- `oracle`: the old stack in float64 is the judge; the new error may be at most `FACTOR` times the old one's, both as
  root mean squares over all examples and steps of a level. Where that leaves it in doubt, `TIMES` as many are tried and
  judged together: few say little about a mean. An old error counts as no less than what it changes to round the weights
  once more: where errors grow, how much one of them did is chance. A sampled action may differ where the margin between
  the two best choices is under the noise, and is counted as a tie.
- divergences: named exceptions under either policy, in `equivalence.divergences`.

No tolerance is picked by hand: the old stack's own rounding is the measure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median_low
from typing import NamedTuple

import torch
from torch import Tensor

from equivalence.compare import Difference, difference
from equivalence.finding import STEP, Record

BITWISE, ORACLE = "bitwise", "oracle"
POLICIES = (BITWISE, ORACLE)
FACTOR = 2.0
"""How many times the old stack's error the new one may have."""
TIMES = 16
"""How many times as many inputs as were asked for are tried where those leave it in doubt."""

Key = tuple[str, str]
Judged = Mapping[Key, Tensor]
"""What a judge has for each tensor of one example."""


class Error(NamedTuple):
    """How far one tensor of one example is from the judge: root mean squares, and its largest number."""

    scale: float
    old: float
    new: float
    floor: float


@dataclass
class Errors:
    """The errors of one tensor over all examples and steps.

    Each is put in relation to the largest number of its example, so that one of large numbers does not drown the
    others; or to the median of these, so that a number that happens to be next to zero does not either.
    """

    examples: list[Error] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The new error to the old one; an error below one rounding, half a unit in the last place, counts as one."""
        typical = median_low(error.scale for error in self.examples)
        old = sum((error.old / max(error.scale, typical)) ** 2 for error in self.examples)
        new = sum((error.new / max(error.scale, typical)) ** 2 for error in self.examples)
        floor = sum(error.floor**2 for error in self.examples)
        return float((new / max(old, floor)) ** 0.5)


@dataclass
class Judgement:
    """What the oracle found on one level.

    Attributes:
        errors: per tensor.
        differences: what is no matter of precision.
        ties: sampled actions that differ within the noise.
    """

    errors: dict[Key, Errors] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    ties: int = 0

    @property
    def ratio(self) -> float:
        """The worst tensor's."""
        return max((errors.ratio for errors in self.errors.values()), default=0.0)

    def add(self, sides: Record, exact: Judged, rounded: Judged, is_tie: Callable[[Key, Record], bool]) -> None:
        """Takes the tensors of one example in.

        Args:
            sides: old and new side.
            exact: what the old side is in float64.
            rounded: and with weights that were rounded once more.
            is_tie: whether other sampled actions are a matter of precision.
        """
        for key, (old, new) in sides.items():
            if old.shape != new.shape or old.dtype != new.dtype:
                detail = f"{old.dtype} {tuple(old.shape)} became {new.dtype} {tuple(new.shape)}"
                self.differences.append(Difference(*key, detail))
            elif old.is_floating_point() and key in exact:
                self._add_floats(key, old, new, exact[key], rounded.get(key))
            elif old.is_floating_point():  # both are of the new stack
                if found := difference(*key, old, new, strides=False):
                    self.differences.append(found)
            elif not torch.equal(old, new):
                self._add_discrete(key, old, new, tie=is_tie(key, sides))

    def _add_discrete(self, key: Key, old: Tensor, new: Tensor, *, tie: bool) -> None:
        if tie:
            self.ties += 1
            return
        differing = int((old != new).sum())
        self.differences.append(Difference(*key, f"{differing} of {old.numel()} differ", differing, old.numel()))

    def _add_floats(self, key: Key, old: Tensor, new: Tensor, judge: Tensor, rounded: Tensor | None) -> None:
        old, new, judge = old.detach(), new.detach(), judge.detach()
        if not bool((_kind(old) == _kind(new)).all()):
            self.differences.append(Difference(*key, "NaN or infinite in other places"))
            return
        finite = judge.isfinite() & old.isfinite()
        if not bool(finite.any()):
            return
        half_ulp = torch.finfo(old.dtype).eps / 2
        old_error, new_error = (_root_mean_square((side - judge)[finite]) for side in (old, new))
        if rounded is not None and rounded.shape == judge.shape:
            moved = (rounded.detach() - judge)[finite]
            old_error = max(old_error, _root_mean_square(moved[moved.isfinite()]))
        scale = max(float(judge[finite].abs().max()), torch.finfo(old.dtype).tiny)
        errors = self.errors.setdefault((key[0], key[1].partition(STEP)[0]), Errors())
        errors.examples.append(Error(scale, old_error, new_error, half_ulp))

    def verdict(self) -> list[Difference]:
        """What is wrong: differences that are no matter of precision, and errors beyond `FACTOR` times the old ones."""
        return [*self.differences, *self._beyond(FACTOR)]

    def is_in_doubt(self, left: Sequence[Difference]) -> bool:
        """Whether all that is wrong is errors beyond what is accepted by so little that more inputs may say otherwise.

        Args:
            left: the verdict, without what is excused.
        """
        certain = [*self.differences, *self._beyond(2 * FACTOR)]
        return bool(left) and not any(each in certain for each in left)

    def _beyond(self, factor: float) -> list[Difference]:
        return [
            Difference(
                *key,
                f"the error is {errors.ratio:.3g} times the old one's; at most {FACTOR:g} is accepted",
                component=key[1] if key[0] == "component" else None,
            )
            for key, errors in self.errors.items()
            if errors.ratio > factor
        ]


def _root_mean_square(values: Tensor) -> float:
    return float((values**2).mean() ** 0.5) if values.numel() else 0.0


def _kind(values: Tensor) -> Tensor:
    """0 for finite numbers, 1 and -1 for infinities, 2 for NaN."""
    return torch.where(values.isnan(), 2.0, torch.where(values.isinf(), values.sign(), 0.0))
