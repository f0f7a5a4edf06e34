"""What Hypothesis adds to an old agent: components that cases draw, merges of what there is, and ends joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from equivalence.case import Setup, Shape, cases
from equivalence.graphs import Graph, Node, RefusedError, Sliced, existed
from equivalence.hosts import NAMES, OF_TOKENS, WITHOUT_HOST
from equivalence.supply import Supply
from migrate.eras import Era
from migrate.registry import rules

MERGES = ("concat_merge", "add_merge", "mean_merge", "subtract_merge")
MOST_COMPONENTS, MOST_NUMBERS = 9, 200
TOKENIZERS = ("obs_token_shaper", "obs_token_cat", "obs_token_cat_fourier", "obs_token_rope")
EMBEDDINGS = ("obs_attr_coord_value_embed", "obs_attr_coord_embed", "obs_attr_embed_fourier")
READ_TOKENS = (*EMBEDDINGS, "obs_attr_val_norm")
WINDOWED = ("obs_shaper", "obs_token_to_box_shaper", "obs_token_pad_strip", "observation_normalizer")
PLACED = (*MERGES, *NAMES, *WITHOUT_HOST, *TOKENIZERS, *WINDOWED, "actor_query_single_head", "batch_reshape")
"""Stems that come by other ways than `component`."""
FREE = tuple(stem for stem in cases() if stem not in PLACED)


def merges_in(era: Era) -> bool:
    """Whether agents of an era could have merges."""
    return not any(
        era.is_since(since) and not era.is_since(before) for since, before, _ in cases()["concat_merge"].gaps
    )


def setup_of(draw: st.DrawFn, stem: str, era: Era) -> Setup | None:
    """A setup that a case draws and that means in `era` what it means in its own; None where that is not so."""
    setup = draw(cases()[stem].setups)
    rule = rules()[stem]
    alike = era.is_since("E4a") == Era(setup.era).is_since("E4a")
    return setup if alike and rule.keys_at(Era(setup.era)) == rule.keys_at(era) else None


class Growth:
    """An agent while it is drawn.

    Args:
        draw: of Hypothesis.
        graph: the agent.
        stems: of the components that are put in besides merges and what every agent has.
    """

    def __init__(self, draw: st.DrawFn, graph: Graph, stems: Sequence[str] = FREE) -> None:
        self.draw, self.graph, self.supply = draw, graph, Supply(graph)
        self._stems = [stem for stem in stems if existed(stem, graph.era)]

    def observe(self) -> None:
        """One or two ways to observe that the era had."""
        ways = self._ways()
        chosen = self.draw(
            st.lists(st.sampled_from(ways), min_size=1, max_size=2 if merges_in(self.graph.era) else 1, unique=True)
        )
        for way in chosen:
            way()
        if self.graph.world.has_tokens and self.draw(st.booleans()):
            node = list(self.graph.nodes.values())[-1]
            self._tried(lambda: self._component([node], OF_TOKENS))

    def _ways(self) -> Sequence[Callable[[], object]]:
        era = self.graph.era
        if not self.graph.world.has_tokens:
            return (self.supply.pixels,)
        boxes = (self.supply.pixels,) if era.is_since("E5d") else ()
        return (*boxes, self._embedded if era.is_since("E6a") else self._tokenized)

    def _tokenized(self) -> None:
        known = [stem for stem in TOKENIZERS if existed(stem, self.graph.era)]
        stem = self.draw(st.sampled_from(known))
        setup = setup_of(self.draw, stem, self.graph.era)
        name = "" if "_obs_" in self.graph.nodes else "_obs_"
        if setup is None or not self._tried(lambda: self.graph.add(stem, config=setup.config, name=name)):
            self.supply.features(self.draw(st.integers(2, 6)))

    def _embedded(self) -> None:
        node = self.supply.tokens()
        if self.draw(st.booleans()):
            node = self.graph.add("obs_attr_val_norm", node)
        sizes = {"attr_embed_dim": self.draw(st.integers(1, 6))}
        self.graph.add(self.draw(st.sampled_from(EMBEDDINGS)), node, config=sizes)

    def grow(self, pool: Callable[[], Sequence[Node]]) -> None:
        """Puts one more component in, or none where the old stack refuses it.

        Args:
            pool: what it may read, the most likely ones first.
        """
        if len(self.graph.nodes) >= MOST_COMPONENTS:
            return
        merge = merges_in(self.graph.era) and self.draw(st.integers(0, 3)) == 3
        self._tried(lambda: self._merge(pool()) if merge else self._component(pool()))

    def _tried(self, put: Callable[[], object]) -> bool:
        """Runs `put`; takes back what it put in where the old stack refuses it."""
        before = set(self.graph.nodes)
        try:
            put()
        except RefusedError:
            self.supply.undo(before)
            return False
        return True

    def _component(self, pool: Sequence[Node], among: Sequence[str] = FREE) -> None:
        stems = [stem for stem in self._stems if stem in among]
        if not stems:
            return
        stem = self.draw(st.sampled_from(stems))
        setup = setup_of(self.draw, stem, self.graph.era)
        if setup is None:
            return
        picked = {s.name: self.draw(st.sampled_from(pool)) for s in setup.sources or ()}
        links: list[Sliced] = [(picked[source.name], source.extra) for source in setup.sources or ()]
        if not self._tried(lambda: self._put(stem, links, setup.config)) and merges_in(self.graph.era):
            of_tokens = stem in OF_TOKENS and self.graph.world.has_tokens
            self._put(stem, self.supply.sources(setup.sources or (), of_tokens=of_tokens), setup.config)

    def _put(self, stem: str, links: Sequence[Sliced], config: Mapping[str, Any]) -> Node:
        node = self.graph.add(stem, *links, config=config)
        rows = self.graph.rows
        if len(node.output) > rows:
            node = self.graph.add("batch_reshape", node)
        if is_misread(node) and self.graph.era.is_since("E4a"):
            node = self.supply.cut(node)
        if is_misread(node) or self._is_unlike(node, [source for source, _ in links]):
            raise RefusedError(f"{node.name} is {node.shape}, and the new stack builds its readers otherwise")
        if len(node.output) != rows or not node.shape:
            raise RefusedError(f"{node.name} gives other rows than there are observations")
        if not 0 < node.output[0].numel() <= MOST_NUMBERS:
            raise RefusedError(f"{node.name} gives {node.output[0].numel()} numbers, which is none or too many")
        return node

    def _is_unlike(self, node: Node, sources: Sequence[Node]) -> bool:
        """Whether the new stack is known to build a component otherwise, or its readers, or to refuse it."""
        early, of_images = not self.graph.era.is_since("E4a"), any(len(source.shape) > 1 for source in sources)
        return (
            (early and "pool" in node.stem and node.shape != sources[0].shape)
            or (early and node.stem == "linear" and of_images)
            or (node.stem == "bilinear" and of_images)
            or (node.stem in READ_TOKENS and sources[0].shape[-1:] != (3,))
        )

    def _merge(self, pool: Sequence[Node]) -> None:
        """A merge of components of one shape, or of shapes that differ along one dimension; the same may come twice."""
        stem, first = self.draw(st.sampled_from(MERGES)), self.draw(st.sampled_from(pool))
        axis = self.draw(st.integers(0, len(first.shape) - 1))
        free = axis if stem == "concat_merge" else -1
        fitting = [node for node in pool if _fits(node, first, free)]
        count = 2 if stem == "subtract_merge" else self.draw(st.integers(1, 3))
        nodes = [first, *(self.draw(st.sampled_from(fitting)) for _ in range(count - 1))]
        sliced = self.draw(st.booleans()) and 0 not in first.announced and all(node.honest for node in nodes)
        length = self.draw(st.integers(1, min(node.shape[axis] for node in nodes)))
        self._put(stem, [self._piece(node, axis, length if sliced else 0) for node in nodes], {})

    def _piece(self, node: Node, axis: int, length: int) -> Sliced:
        if not length:
            return node, {"dim": axis + 1}
        start = self.draw(st.integers(0, node.shape[axis] - length))
        return node, {"slice": [start, start + length], "dim": axis + 1}

    def ends(self, nodes: Sequence[Node]) -> list[Node]:
        """Vectors of those among `nodes` that nothing reads; what gives none is taken out."""
        found: dict[str, Node] = {}
        while open_ends := [n for n in nodes if n.name in self.graph.nodes and n.name not in self.graph.read()]:
            todo = [node for node in open_ends if node.name not in found]
            if not todo:
                break
            for node in todo:
                before = set(self.graph.nodes)
                try:
                    vector = self.supply.vector(node)
                except RefusedError:
                    self.supply.undo(before)
                    self.graph.discard([node])
                    continue
                found[vector.name] = vector
        return [node for node in found.values() if node.name in self.graph.nodes]

    def joined(self, nodes: Sequence[Node]) -> Node:
        """One vector of several."""
        return nodes[0] if len(nodes) == 1 else self.graph.add("concat_merge", *((node, {"dim": 1}) for node in nodes))


def is_misread(node: Node) -> bool:
    """Whether the old stack announced another shape of a merge than the true one, which the new stack announces."""
    return node.stem in MERGES and not node.honest


def _fits(node: Node, first: Node, free: int) -> bool:
    """Whether two components have one shape, but for the dimension that is free to differ."""
    sides = zip(_known(node), _known(first), strict=True) if len(node.shape) == len(first.shape) else ()
    return bool(sides) and all(i == free or a == b for i, (a, b) in enumerate(sides))


def _known(node: Node) -> Shape:
    """The true shape, but 0 for a number of tokens, which is another one in another pass."""
    if len(node.announced) != len(node.shape):
        return node.shape
    return tuple(size and true for size, true in zip(node.announced, node.shape, strict=True))
