"""`Graph`: grows an old agent component by component, and runs each as it comes, so that the old stack judges it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from equivalence.case import Setup, Shape, Source
from equivalence.fills import near_tokens
from equivalence.pairs import DEFAULT_FEATURES
from equivalence.sides import Trial, build_old, features_of, run_old
from migrate.agent_rules import spoken
from migrate.config_rules import early_sources
from migrate.eras import Era
from migrate.old_tables import table_of
from migrate.recognise import CLASSES
from migrate.registry import old_path, rules
from modules import Environment

NVEC = (5, 3)
MASK = "obs_mask"
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


Link = Node | tuple[Node, Mapping[str, Any]]
"""A source, perhaps with what the config says of it besides, such as `slice` and `dim`."""


def existed(stem: str, era: Era) -> bool:
    """Whether the old code of an era had a component."""
    clue = CLASSES.get(rules()[stem].old)
    return clue is None or (era.is_since(clue.since) and not era.is_since(clue.before))


class Graph:
    """An old agent on its way.

    Args:
        world: what the agent is told of its environment: era, observations, window, features, limit of weights.
        core_size: hidden size of `_core_`, which agents told their components until E7.
        rows: how many observations are tried.

    Attributes:
        nodes: by name, in the order in which they came.
        components: their old configs, in the words of the era.
    """

    def __init__(self, world: Setup, *, core_size: int = 7, rows: int = 3) -> None:
        self.era, self.world, self.core_size = Era(world.era), world, core_size
        self.nodes: dict[str, Node] = {}
        self.components: dict[str, dict[str, Any]] = {}
        self._trial = Trial(batch=rows, time=1, values="normal", state=False, train=False, seed=0)
        self._board: dict[str, Tensor] = {"x": _observations(world, rows)}

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
        name = name or f"{stem}_{sum(node.stem == stem for node in self.nodes.values())}"
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

    def _tried(self, name: str, stem: str, setup: Setup) -> tuple[Shape, Tensor]:
        """What a component announces and gives, in the old stack."""
        if not existed(stem, self.era):
            raise RefusedError(f"{stem}: not in {self.era.name}")
        names = [source.name for source in setup.sources or ()]
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(len(self.nodes))
            try:
                old = build_old(stem, setup).eval()
                if setup.actions and hasattr(old, "activate_actions"):
                    old.activate_actions(list(setup.actions), "cpu")
                fed = {key: value for key, value in self._board.items() if key in (MASK, "x", *names)}
                outputs = run_old(old, fed, self._trial, self.era)
            except Exception as error:
                raise RefusedError(f"{name} ({stem}): {error}") from error
        self._board[name] = outputs["output"]
        if MASK in outputs:
            self._board[MASK] = outputs[MASK]
        return _announced(old, self.era), outputs["output"]

    def discard(self, nodes: Iterable[Node]) -> None:
        """Takes components out that nothing reads."""
        for node in nodes:
            del self.nodes[node.name], self.components[node.name], self._board[node.name]

    def readers(self) -> set[str]:
        """Names of components that another one reads."""
        entries = [c.get("sources") or [{"name": c.get("input_source")}] for c in self.components.values()]
        return {str(entry.get("name", entry.get("source_name"))) for each in entries for entry in each}

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
    sides = torch.tensor([16 * 16 - 1, max(world.features) + 1, 256])
    tokens[..., 0, :] = torch.tensor([0, world.features[-1], 9])  # no row is empty
    return torch.where((tokens == 255).all(-1, keepdim=True), tokens, tokens % sides).to(torch.uint8)
