"""The levels of a proof, as one table: what each shows, how it runs, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from equivalence.divergences import orders_differ
from equivalence.finding import Finding, Pair
from equivalence.levels import changes, component, held, passes, rollout, round_trips, training
from equivalence.strategies import Inputs

ONCE = 0
"""`Level.per` of levels that do not depend on inputs."""
JUDGED, EXACT, SKIPPED = "judged", "exact", "skipped"


@dataclass(frozen=True)
class Level:
    """One kind of comparison.

    Attributes:
        purpose: what it shows.
        run: compares both agents on one input.
        per: so many inputs of what the caller asks for make one of this level, which takes so much longer; or `ONCE`.
        missing: why a pair has nothing to compare here; None where it has.
        steps: whether inputs are given step by step, not as a sequence.
        oracle: what becomes of it under the `oracle` policy: `JUDGED`, `EXACT` where nothing is computed, or `SKIPPED`.
        slow: whether even one input takes seconds with a real agent.
    """

    purpose: str
    run: Callable[[Pair, Inputs], Finding]
    per: int = 1
    missing: Callable[[Pair], str | None] = lambda _: None
    steps: bool = False
    oracle: str = SKIPPED
    slow: bool = False

    def examples(self, asked: int) -> int:
        """How many inputs to try where `asked` are asked for."""
        return 1 if self.per == ONCE else max(1, asked // self.per)


LEVELS: dict[str, Level] = {
    "weights": Level("parameters and buffers", held.weights, ONCE, oracle=EXACT),
    "attributes": Level("limits, anchors, action rows, parameter order", held.attributes, ONCE, oracle=EXACT),
    "component": Level("each component alone, fed the same inputs", component.component),
    "inference": Level("one step, with sampled actions", passes.inference, steps=True),
    "forward": Level("the training pass", passes.forward, oracle=JUDGED),
    "gradients": Level("gradients of all parameters and of float observations", passes.gradients, oracle=JUDGED),
    "rollout": Level(
        "many steps with carried state and resets", rollout.rollout, 3, steps=True, oracle=JUDGED, slow=True
    ),
    "sampling": Level("actions from one stream of random numbers", rollout.sampling, steps=True),
    "hot_swap": Level("a component replaced in a rollout, and put back", changes.hot_swap, 3, steps=True),
    "activation": Level(
        "other actions, in other orders, and other features", changes.activation, 5, changes.without_actions, steps=True
    ),
    "checkpoint": Level("files of both formats, and back", round_trips.checkpoint, 25, slow=True),
    "config": Level("the config in both languages, and fresh agents", round_trips.config, ONCE, slow=True),
    "training": Level(
        f"{training.STEPS} steps of PPO with Adam and clipping", training.training, 25, orders_differ, slow=True
    ),
}
