"""`Graph`: grows an old agent component by component, and runs each as it comes, so that the old stack judges it."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import torch
from torch import Tensor

from equivalence.case import Setup, Shape, Source, cases
from equivalence.fills import PADDING, near_tokens
from equivalence.pairs import DEFAULT_FEATURES
from equivalence.sides import Trial, build_old, features_of, run_old
from migrate.agent_rules import spoken
from migrate.eras import Era
from migrate.old_sources import early_sources
from migrate.old_tables import table_of
from migrate.recognise import CLASSES
from migrate.registry import old_path, rules
from modules import Environment

NVEC = (5, 3)
OBSERVED, MASK = "x", "obs_mask"
NAMING = "{stem}_{number}"
TOLD = ("hidden_size", "output_size")
"""Keys of `obs_cross_attn` that its agent decides, from the size of the core."""


class RefusedError(Exception):
    """The old stack refuses a component where it was to stand."""


@dataclass(frozen=True)
class Node:
    """A component that is in the graph.

    Attributes:
        name: its name.
        stem: its kind.
        announced: the shape that the old stack builds readers for, as far as the era kept one.
        output: what it gives, of a few observations.
    """

    name: str
    stem: str
    announced: Shape
    output: Tensor

    @property
    def shape(self) -> Shape:
        """The true shape, without the batch."""
        return tuple(self.output.shape[1:])

    @property
    def honest(self) -> bool:
        """Whether the era announces the true shape; numbers of tokens, announced as 0, are known in a pass alone."""
        if len(self.announced) != len(self.shape):
            return self.announced == self.shape[:1]
        return all(said in (0, size) for said, size in zip(self.announced, self.shape, strict=True))


Sliced = tuple[Node, Mapping[str, Any]]
Link = Node | Sliced
"""A source, perhaps with what the config says of it besides, such as `slice` and `dim`."""


def existed(stem: str, era: Era) -> bool:
    """Whether the old code of an era had a component."""
    clue = CLASSES.get(rules()[stem].old)
    return clue is None or _within(era, clue.since, clue.before)


def _within(era: Era, since: str, before: str) -> bool:
    return era.is_since(since) and not era.is_since(before)


class Graph:
    """An old agent on its way.

    Args:
        world: what the agent is told of its environment: era, observations, window, features, limit of weights.
        core_size: hidden size of `_core_`, which agents told their components until E7.
        rows: how many observations are tried.
        naming: how components are named that have no name of their own, from `stem` and `number`.

    Attributes:
        era: of the agent.
        rows: how many observations are tried.
        nodes: by name, in the order in which they came.
        components: their old configs, in the words of the era.
    """

    def __init__(self, world: Setup, *, core_size: int = 7, rows: int = 3, naming: str = NAMING) -> None:
        self.era, self.world, self.core_size = Era(world.era), world, core_size
        self.rows, self._naming = rows, naming
        self.nodes: dict[str, Node] = {}
        self.components: dict[str, dict[str, Any]] = {}
        self._trial = Trial(batch=rows, time=1, values="normal", state=False, train=False, seed=0)
        self._board: dict[str, Tensor] = {OBSERVED: _observations(world, rows)}
        self._masks: dict[str, Tensor] = {}

    def add(
        self, stem: str, *links: Link, config: Mapping[str, Any] | None = None, name: str = "", lists: bool = False
    ) -> Node:
        """Puts a component in.

        Args:
            stem: its kind.
            links: what it reads.
            config: its old config, without `_target_` and sources.
            name: its name; made of the kind and a number if not given.
            lists: whether it has a list of sources, though none may be in it.

        Raises:
            RefusedError: what the old stack says.
        """
        sources = [(link, {}) if isinstance(link, Node) else link for link in links]
        name = name or self._free_name(stem)
        entries = [{"name": node.name, **extra} for node, extra in sources] if sources or lists else None
        told = set(TOLD) if stem == "obs_cross_attn" else set()
        options = {key: value for key, value in (config or {}).items() if key not in told}
        setup = replace(
            self.world,
            config={**options, **({"output_size": self.core_size} if told else {})},
            sources=None if entries is None else tuple(Source(n.name, n.announced, e) for n, e in sources),
        )
        node = Node(name, stem, *self._tried(name, stem, setup))
        self.nodes[name] = node
        component = {"_target_": old_path(stem, self.era), "sources": entries, **options}
        self.components[name] = component if self.era.is_since("E4a") else early_sources(component, stem)
        return node

    def _free_name(self, stem: str) -> str:
        names = (self._naming.format(stem=stem, number=number) for number in count())
        return next(name for name in names if name not in self.nodes)

    def _tried(self, name: str, stem: str, setup: Setup) -> tuple[Shape, Tensor]:
        """What a component announces and gives, in the old stack."""
        gaps = [why for since, before, why in cases()[stem].gaps if _within(self.era, since, before)]
        if gaps or not existed(stem, self.era):
            raise RefusedError(f"{stem}: {gaps[0] if gaps else f'not in {self.era.name}'}")
        names = [source.name for source in setup.sources or ()]
        with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of sizes that are drawn to be odd
            torch.manual_seed(len(self.nodes))
            try:
                old = build_old(stem, setup).eval()
                if setup.actions and hasattr(old, "activate_actions"):
                    old.activate_actions(list(setup.actions), "cpu")
                outputs = run_old(old, self._read_by(names), self._trial, self.era)
            except Exception as error:
                raise RefusedError(f"{name} ({stem}): {error}") from error
        if MASK in outputs and self._masks:
            raise RefusedError(f"{name} ({stem}): writes the mask that {min(self._masks)} writes, too")
        if MASK in outputs:
            self._masks[name] = outputs[MASK]
        self._board[name] = outputs["output"]
        return _announced(old, self.era), outputs["output"]

    def _read_by(self, names: Collection[str]) -> dict[str, Tensor]:
        """What a component with some sources finds: their outputs, observations, and the mask of what made them."""
        board = {key: self._board[key] for key in (OBSERVED, *names)}
        masks = [mask for maker, mask in self._masks.items() if maker in self.above(names)]
        return {**board, MASK: masks[0]} if masks else board

    def above(self, names: Iterable[str]) -> set[str]:
        """Components, and all that they depend on."""
        found: set[str] = set()
        left = [*names]
        while left:
            name = left.pop()
            left += [source for source in sources_in(self.components[name]) if source not in found]
            found.add(name)
        return found

    def discard(self, nodes: Iterable[Node]) -> None:
        """Takes components out that nothing reads."""
        for node in nodes:
            del self.nodes[node.name], self.components[node.name], self._board[node.name]
            self._masks.pop(node.name, None)

    def read(self) -> set[str]:
        """Names of components that another one reads."""
        return {source for component in self.components.values() for source in sources_in(component)}

    @property
    def environment(self) -> Environment:
        """The world, as agents of either stack are built for it."""
        ids, divisors = features_of(self.world)
        names = tuple(DEFAULT_FEATURES[i % len(DEFAULT_FEATURES)] for i in range(len(ids)))
        if self.era.is_since("2025-06-04"):
            names = ()
        else:
            divisors = tuple(table_of(self.era)[name] for name in names)
        width, height = self.world.window if self.world.has_tokens else (0, 0)
        numbers = ids if self.world.has_tokens and self.era.is_since("E5e") else ()
        return Environment(self.world.obs_shape, divisors, names, NVEC, numbers, width, height)

    def config(self, order: Sequence[str] = ()) -> dict[str, Any]:
        """The old agent config, with its era.

        Args:
            order: of the components; that in which they came if not given.
        """
        return {
            "_target_": self.era.agent,
            "era": spoken(self.era),
            "observations": {"obs_key": "grid_obs"},
            "clip_range": self.world.clip_range,
            "components": {name: self.components[name] for name in order or self.components},
        }


def sources_in(component: Mapping[str, Any]) -> list[str]:
    """Names of what an old component of any era reads."""
    entries = component.get("sources") or [{"name": component.get("input_source")}]
    names = [entry.get("name", entry.get("source_name")) for entry in entries]
    return [name for name in names if name is not None]


def _announced(old: Any, era: Era) -> Shape:
    """What readers of an old component are built for: all sizes, until E3 the first one alone; actors have none."""
    if not era.is_since("E4a"):
        return (int(old.output_size),)
    return tuple(int(size) for size in getattr(old, "_out_tensor_shape", ()))


def _observations(world: Setup, rows: int) -> Tensor:
    generator, shape = torch.Generator().manual_seed(0), (rows, 1, *world.obs_shape)
    if not world.has_tokens:
        return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    tokens = near_tokens(shape, generator)
    tokens[..., 0, :] = 0  # no row is empty
    width, height = world.window
    cell, feature, value = tokens.long().unbind(-1)
    inside = torch.stack([cell // 16 % width * 16 + cell % 16 % height, feature % (max(world.features) + 1), value], -1)
    return torch.where(tokens == PADDING, tokens, inside.to(torch.uint8))
