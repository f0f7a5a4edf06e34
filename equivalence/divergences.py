"""The named exceptions: where the new stack does not do what the old one did, on purpose, and how exactly.

An exception is strict: what it names must differ, in that way alone. One that stops to diverge is a difference itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch

from equivalence.compare import Difference
from equivalence.finding import Pair
from migrate.agent_rules import era_of_config


@dataclass(frozen=True)
class Divergence:
    """One exception.

    Attributes:
        name: as reports give it.
        why: what differs, and why it is right.
        levels: those that see it.
        applies: whether a pair has it.
        matches: whether a difference is this one.
    """

    name: str
    why: str
    levels: tuple[str, ...]
    applies: Callable[[Pair], bool]
    matches: Callable[[Difference], bool]


def _orders_parameters_anew(pair: Pair) -> bool:
    """Whether a policy of E1 lists a component in front of its source: its old agent registered sources first."""
    config = getattr(pair.new, "config", None)
    if config is None or era_of_config(cast(Any, config)).is_since("E2a"):
        return False
    listed = list(cast(Any, config)["components"])
    return any(listed.index(source) > listed.index(name) for name in listed for source in pair.sources[name])


def _is_double_since_e8(pair: Pair) -> bool:
    """Whether an agent of E8 or later is in double precision: its LSTM made float32 states, which torch refused."""
    return pair.sizes.owns_memory and any(p.dtype == torch.float64 for p in pair.new.parameters())


PASSES = ("inference", "forward", "gradients", "rollout", "sampling", "hot_swap", "activation", "training")
DIVERGENCES = (
    Divergence(
        "parameter_order_of_e1",
        "E1 registered a component's source inside of it, so parameters came sources first; now they come as the "
        "config lists them. Optimizer state is carried over by name.",
        ("attributes",),
        _orders_parameters_anew,
        lambda found: found.name == "parameter order",
    ),
    Divergence(
        "double_precision_since_e8",
        "From E8 on the old LSTM began with a float32 state, so an agent in double precision failed; now it runs.",
        PASSES,
        _is_double_since_e8,
        lambda found: found.place == "error" and "only the old side fails" in found.detail,
    ),
)


def split(pair: Pair, level: str, differences: Sequence[Difference]) -> tuple[list[Difference], list[str]]:
    """Differences that no exception covers, and the names of the exceptions that were met."""
    left, met = list(differences), []
    for divergence in declared(pair, level):
        if any(divergence.matches(found) for found in left):
            met.append(divergence.name)
            left = [found for found in left if not divergence.matches(found)]
    return left, met


def declared(pair: Pair, level: str) -> list[Divergence]:
    """The exceptions that a level of this pair must meet."""
    return [each for each in DIVERGENCES if level in each.levels and each.applies(pair)]


def stale(pair: Pair, level: str, met: Sequence[str]) -> list[Difference]:
    """An exception that applies and was not met, as the difference that it is."""
    return [
        Difference("divergence", each.name, "is declared, and does not diverge any more: remove it")
        for each in declared(pair, level)
        if each.name not in met
    ]


def orders_differ(pair: Pair) -> str | None:
    """Why a training of this pair cannot be bitwise: clipping sums the gradients' norms in the order of parameters."""
    return "parameters come in another order (parameter_order_of_e1)" if _orders_parameters_anew(pair) else None
