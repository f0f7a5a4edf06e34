"""The judge of the `oracle` policy: the old agent in float64, on the same inputs as both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from equivalence.finding import STEP, Finding, Pair, Record, recording
from equivalence.pairs import twins
from equivalence.policy import Judged, Judgement, Key
from equivalence.strategies import Inputs

Compare = Callable[[Pair, Inputs], Finding]


class Double(TorchFunctionMode):
    """Everything that is computed inside in float32 is computed in float64, also where the code says float32."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Promotes what a function is given and, where it is told or makes floats, the type of what it gives."""
        if func is Tensor.float:
            func = Tensor.double
        args, kwargs = tree_map(_promoted, args), tree_map(_promoted, dict(kwargs or {}))
        result = func(*args, **kwargs)
        return tree_map(_promoted, result) if func not in (Tensor.detach_, Tensor.requires_grad_) else result


def _promoted(value: Any) -> Any:
    if value is torch.float32:
        return torch.float64
    return value.double() if type(value) is Tensor and value.dtype == torch.float32 else value


@dataclass(frozen=True)
class Judges:
    """The old agent against itself in float64.

    Attributes:
        exact: with the same weights.
        rounded: with weights as if they had been rounded once more, each by half a unit in the last place at most.
            What that changes, no computation in float32 can be expected to know; it is much where errors grow, as in
            long rollouts.
    """

    exact: Pair
    rounded: Pair


def judges_of(pair: Pair, seed: int) -> Judges:
    """Both judges; `seed` says how weights are rounded."""
    exact, rounded = (twins(pair, "old") for _ in range(2))
    generator = torch.Generator().manual_seed(seed)
    for agent in (exact.new, rounded.new):
        agent.double()
    with torch.no_grad():
        for parameter in rounded.new.parameters():
            noise = torch.rand(parameter.shape, generator=generator, dtype=parameter.dtype) - 0.5
            _, exponent = torch.frexp(parameter)  # of mantissas from 0.5 on
            parameter.add_(torch.ldexp(noise * torch.finfo(torch.float32).eps, exponent - 1))
    return Judges(replace(exact, around=Double), replace(rounded, around=Double))


def judge(judgement: Judgement, pair: Pair, judges: Judges, compare: Compare, inputs: Inputs) -> Finding:
    """One example of one level, on both sides and by the judges.

    Returns:
        What both sides showed, differences of precision aside.
    """
    with recording() as sides:
        found = compare(pair, inputs)
    pair.restore_state()
    exact, rounded = (_judged(pair, judged, compare, inputs) for judged in (judges.exact, judges.rounded))
    judgement.differences += found.differences
    judgement.add(sides, exact, rounded, lambda key, record: is_tie(pair, inputs, key, record))
    return found


def _judged(pair: Pair, judged: Pair, compare: Compare, inputs: Inputs) -> Judged:
    judged.new.train(pair.old.training)
    judged.restore_state()  # those of the first call: each pass begins with the same statistics
    with recording() as record:
        compare(judged, inputs)
    pair.restore_state()
    return {key: judge for key, (_, judge) in record.items()}


def is_tie(pair: Pair, inputs: Inputs, key: Key, sides: Record) -> bool:
    """Whether two sampled actions differ because their chances in the draw did by no more than the noise.

    `torch.multinomial` takes the largest of `p / q`, with exponential random numbers `q`; they are drawn again here.
    """
    place, _, when = key[1].partition(STEP)
    space = cast(Any, pair.new).action_space
    if key[0] != "output" or place != "action" or space is None:
        return False
    chances = sides.get(("output", key[1].replace("action", "log_probs")))
    if chances is None:
        return False
    generator = torch.Generator().manual_seed(inputs.draw.seed + int(when or 0))
    noise = torch.empty_like(chances[0]).exponential_(1, generator=generator).log()
    scores = [side.detach() - noise for side in chances]
    chosen = [space.to_index(action.reshape(-1, 2)) for action in sides[key]]
    if not all(torch.equal(score.argmax(-1), index) for score, index in zip(scores, chosen, strict=True)):
        return False  # they were drawn otherwise, so nothing can be said of the margin
    rows = torch.arange(len(chosen[0]))
    margin = scores[0][rows, chosen[0]] - scores[0][rows, chosen[1]]
    apart = (chances[0] - chances[1]).abs().amax(-1)
    return bool((margin <= 2 * apart).all())
