"""The named exceptions: where the new stack does not do what the old one did, on purpose, and how exactly.

An exception is strict: what it names must differ, in that way alone. One that stops to diverge is a difference itself.
Where bits differ by rounding alone, nothing is let through: the old side is made to do as the new one does in that one
point, and is then compared bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from unittest.mock import patch

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
        matches: whether a difference is this one; None where the old side is made to do as the new one does.
        around: makes it do so, for as long as it is entered.
    """

    name: str
    why: str
    levels: tuple[str, ...]
    applies: Callable[[Pair], bool]
    matches: Callable[[Difference], bool] | None = None
    around: Callable[[Pair], AbstractContextManager[None]] | None = None


def _orders_parameters_anew(pair: Pair) -> bool:
    """Whether a policy of E1 lists what it learns in front of a source of it, which its old agent registered first."""
    config = getattr(pair.new, "config", None)
    if config is None or era_of_config(cast(Any, config)).is_since("E2a"):
        return False
    components = cast(Any, pair.new).components
    learned = [name for name in components if any(True for _ in components[name].parameters())]
    return any(name in _above(pair, earlier) for number, name in enumerate(learned) for earlier in learned[:number])


def _is_double_since_e8(pair: Pair) -> bool:
    """Whether an agent of E8 or later is in double precision: its LSTM made float32 states, which torch refused."""
    return pair.sizes.owns_memory and any(p.dtype == torch.float64 for p in pair.new.parameters())


def _merges(pair: Pair) -> list[str]:
    components: Mapping[str, Any] = cast(Any, pair.new).components
    return [name for name, module in components.items() if type(module).__module__.endswith("_merge")]


def _rereads_merges(pair: Pair) -> bool:
    """Whether a merge is read more than once."""
    components = pair.new.get_submodule("components")
    read = [key for _, module in components.named_children() for key in cast(Any, module).in_keys]
    return any(read.count(name) > 1 for name in _merges(pair))


def _cuts_between(pair: Pair) -> bool:
    """Whether a merge slices a source that a later one of its sources reads, too."""
    configs = cast(Any, pair.new).config["components"]
    return any(
        "slice" in source and source["name"] in _above(pair, later["name"])
        for name in _merges(pair)
        for number, source in enumerate(configs[name]["sources"])
        for later in configs[name]["sources"][number + 1 :]
    )


def _above(pair: Pair, name: str) -> set[str]:
    """What a component depends on."""
    sources = set(pair.sources[name])
    return sources.union(*(_above(pair, source) for source in sources))


@contextmanager
def _merging_once(pair: Pair) -> Iterator[None]:
    """The old agent's merges look whether they have run, as all other components did, and cut when all is there."""
    layers = cast(Any, pair.old).components
    with ExitStack() as stack:
        for name in _merges(pair):
            layer = layers[name]
            first = [layers[source] for source in cast(Any, pair.new).components[name].in_keys]
            once = partial(_unless_there, layer.forward, layer._name, first)
            stack.enter_context(patch.object(layer, "forward", once))
        yield


def _unless_there(forward: Callable[[Any], Any], name: str, sources: Sequence[Any], board: Any) -> Any:
    if name in board.keys():  # noqa: SIM118 - a TensorDict has no `in`
        return board
    for source in sources:
        source.forward(board)
    return forward(board)


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
    Divergence(
        "merges_are_computed_once",
        "An old merge ran again each time that it was read, so gradients of what it read were summed up in another "
        "order: equal numbers, other last bits. Now it runs once.",
        ("gradients", "training"),
        _rereads_merges,
        around=_merging_once,
    ),
    Divergence(
        "merges_cut_at_the_end",
        "An old merge cut a source before the next one ran, so a source that a later one reads, too, gathered "
        "gradients in another order: equal numbers, other last bits. Now it cuts when all is there.",
        ("gradients", "training"),
        _cuts_between,
        around=_merging_once,
    ),
)


@contextmanager
def aligned(pair: Pair, level: str) -> Iterator[list[str]]:
    """Makes the old side do as the new one does where an exception says so; gives the names of those exceptions."""
    aligning = [each for each in declared(pair, level) if each.around is not None]
    with ExitStack() as stack:
        for around in dict.fromkeys(each.around for each in aligning):
            stack.enter_context(cast(Any, around)(pair))
        yield [each.name for each in aligning]


def split(pair: Pair, level: str, differences: Sequence[Difference]) -> tuple[list[Difference], list[str]]:
    """Differences that no exception covers, and the names of the exceptions that were met."""
    left, met = list(differences), []
    for divergence in declared(pair, level):
        if divergence.matches is not None and any(map(divergence.matches, left)):
            met.append(divergence.name)
            left = [found for found in left if not divergence.matches(found)]
    return left, met


def declared(pair: Pair, level: str) -> list[Divergence]:
    """The exceptions that a level of this pair must meet."""
    if not hasattr(pair.new, "config"):
        return []  # an old agent against itself
    return [each for each in DIVERGENCES if level in each.levels and each.applies(pair)]


def stale(pair: Pair, level: str, met: Sequence[str]) -> list[Difference]:
    """An exception that applies and was not met, as the difference that it is."""
    return [
        Difference("divergence", each.name, "is declared, and does not diverge any more: remove it")
        for each in declared(pair, level)
        if each.matches is not None and each.name not in met
    ]


def orders_differ(pair: Pair) -> str | None:
    """Why a training of this pair cannot be bitwise: clipping sums the gradients' norms in the order of parameters."""
    return "parameters come in another order (parameter_order_of_e1)" if _orders_parameters_anew(pair) else None
