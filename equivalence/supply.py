"""`Supply`: sources of any shape for components of an old agent, made of what it observes by components of its era."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from equivalence.case import Shape, Source
from equivalence.graphs import Graph, Link, Node, RefusedError, Sliced

OBS = "_obs_"


class Supply:
    """Makes sources in a graph, and makes each only once.

    Args:
        graph: where they are put.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._pixels: Node | None = None
        self._tokens: Node | None = None

    def linear(self, node: Node, size: int, name: str = "", **options: Any) -> Node:
        """A vector of another size."""
        late = self.graph.era.is_since("E4a")
        sized = {"nn_params": {"out_features": size}} if late else {"output_size": size}
        return self.graph.add("linear", node, config={**sized, **options}, name=name)

    def pixels(self) -> Node:
        """What the agent sees, as an image."""
        if self._pixels is None:
            self._pixels = self._image_of_tokens() if self.graph.world.has_tokens else self._box()
        return self._pixels

    def _box(self) -> Node:
        return self.graph.add("observation_normalizer", self.graph.add("obs_shaper", name=self._obs()))

    def _obs(self) -> str:
        return "" if OBS in self.graph.nodes else OBS

    def _image_of_tokens(self) -> Node:
        if not self.graph.era.is_since("E5d"):
            return self.graph.add("expand", self.features(4), config={"expand_dim": 1, "expand_value": 1})
        box = self.graph.add("obs_token_to_box_shaper", name=self._obs())
        gaps = self.graph.world.features != tuple(range(len(self.graph.world.features)))
        return box if gaps else self.graph.add("observation_normalizer", box)

    def tokens(self) -> Node:
        """Tokens as they are, from E6 on."""
        if self._tokens is None:
            self._tokens = self.graph.add("obs_token_pad_strip", name=self._obs())
        return self._tokens

    def features(self, width: int) -> Node:
        """A vector for each token."""
        if self.graph.era.is_since("E6a"):
            return self.graph.add("obs_attr_coord_value_embed", self.tokens(), config={"attr_embed_dim": width})
        if width < 2:
            raise RefusedError("a shaper of tokens adds a number to what it embeds")
        return self.graph.add("obs_token_shaper", config={"atr_embed_dim": width - 1}, name=self._obs())

    def sources(self, wanted: Iterable[Source], *, of_tokens: bool = False) -> list[Sliced]:
        """Components that a case asks for; those of one name are one.

        Args:
            wanted: what the case says of them; their true shapes are made, and announced as the era would.
            of_tokens: whether rows of them are tokens.
        """
        given: dict[str, Node] = {}
        links: list[Sliced] = []
        for source in wanted:
            if source.name not in given:
                given[source.name] = self._source(source, of_tokens=of_tokens)
            links.append((given[source.name], source.extra))
        return links

    def _source(self, source: Source, *, of_tokens: bool) -> Node:
        shape = source.actual or source.shape
        if source.tokens:
            return self.tokens()
        return self.features(shape[1]) if of_tokens else self.shaped(shape)

    def undo(self, names: Collection[str]) -> None:
        """Takes out all components but those named, which came first."""
        self.graph.discard([node for name, node in self.graph.nodes.items() if name not in names])
        self._pixels = self._pixels if self._pixels and self._pixels.name in names else None
        self._tokens = self._tokens if self._tokens and self._tokens.name in names else None

    def shaped(self, shape: Shape) -> Node:
        """A vector, a sequence or an image of some shape."""
        if len(shape) == 1:
            return self.linear(self.vector(self.pixels()), shape[0], nonlinearity=None)
        if len(shape) == 2:
            image = self.image((*shape, 1))
            return self.graph.add("reshape", image, config={"popped_dim": 3, "squeezed_dim": 2})
        return self.image(shape)

    def image(self, shape: Shape) -> Node:
        """An image of some shape: rows and columns are cut or repeated, channels are mixed."""
        node = self.pixels()
        for axis in (1, 2):
            if node.shape[axis] != shape[axis]:
                node = self.graph.add("concat_merge", *_pieces(node, axis, shape[axis]))
        late = self.graph.era.is_since("E4a")
        sized = {"nn_params": {"out_channels": shape[0], "kernel_size": 1, "stride": 1}}
        early = {"output_size": shape[0], "nn_params": {"kernel_size": 1}}
        return self.graph.add("conv2d", node, config={**(sized if late else early), "nonlinearity": None})

    def contiguous(self, node: Node) -> Node:
        """The same numbers, one behind the other in memory, as views need them; images of boxes are not."""
        copied = self.graph.add("expand", node, config={"expand_dim": 1, "expand_value": 1})
        return self.graph.add("reshape", copied, config={"popped_dim": 2, "squeezed_dim": 1})

    def vector(self, node: Node) -> Node:
        """The numbers of a component as a vector, for which layers can be built.

        Raises:
            RefusedError: they give none.
        """
        if len(node.output) != self.graph.rows:
            raise RefusedError(f"{node.name} gives other rows than there are observations")
        if node.announced == node.shape and len(node.shape) == 1:
            return node
        if not self.graph.era.is_since("E4a"):
            vector = self.graph.add("flatten", self._one_pixel(node))
        elif 0 in node.announced:
            vector = self.graph.add("obs_self_attn", node, config={"out_dim": 6, "use_cls_token": True})
        else:
            whole = math.prod(node.announced) == math.prod(node.shape)
            vector = self.graph.add("flatten", node if whole else self.cut(node))
        if not vector.honest:
            raise RefusedError(f"{node.name} announces {node.announced} and gives {node.shape}")
        return vector

    def seen(self) -> Node:
        """A vector of what the agent sees."""
        if self.graph.world.has_tokens and not self.graph.era.is_since("E5d"):
            return self.vector(self.features(4))
        return self.vector(self.pixels())

    def _one_pixel(self, node: Node) -> Node:
        """Until E3 only images of one pixel could be flattened: their readers were built for as many channels."""
        if len(node.shape) != 3 or node.shape[1:] == (1, 1):
            return node
        window = {"kernel_size": min(node.shape[1:]), "stride": max(node.shape[1:])}
        return self.graph.add("conv2d", node, config={"output_size": 6, "nn_params": window, "nonlinearity": None})

    def cut(self, node: Node) -> Node:
        """What there is of the shape that is announced."""
        if len(node.announced) != len(node.shape):
            raise RefusedError(f"{node.name} announces {node.announced} and gives {node.shape}")
        for axis, (said, size) in enumerate(zip(node.announced, node.shape, strict=True)):
            if said != size:
                piece = {"slice": [0, min(said, size)], "dim": axis + 1}
                node = self.graph.add("concat_merge", (node, piece))
        return node


def _pieces(node: Node, axis: int, size: int) -> Sequence[Link]:
    """Slices of a component that make up `size` along an axis."""
    whole = node.shape[axis]
    lengths = [whole] * (size // whole) + ([size % whole] if size % whole else [])
    return [(node, {"slice": [0, length], "dim": axis + 1}) for length in lengths]
