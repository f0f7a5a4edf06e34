"""The graph between components: who writes what, who must run first, and what cannot be wired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import nn

from modules.errors import GraphError
from modules.regularization import REGULARIZATION_LOSS

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Node:
    """One component of the graph: what it reads, what it writes, and what else must run before it."""

    name: str
    in_keys: tuple[str, ...]
    out_keys: tuple[str, ...]
    dependencies: tuple[str, ...] = ()


def producers(nodes: Iterable[Node]) -> dict[str, str]:
    """Which component writes each key.

    Raises:
        GraphError: "key ... has two writers ...".
    """
    writer_of: dict[str, str] = {}
    for node in nodes:
        for key in node.out_keys:
            if key in writer_of:
                raise two_writers(key, writer_of[key], node.name)
            writer_of[key] = node.name
    return writer_of


def two_writers(key: str, first: str, second: str) -> GraphError:
    """The error for a key that two components write, or one twice."""
    return GraphError(f"key {key!r} has two writers: {first!r} and {second!r}; give one of them other out_keys")


def predecessors(node: Node, writer_of: Mapping[str, str]) -> list[str]:
    """Components that must run before `node`: writers of its inputs in their order, then declared dependencies."""
    writers = [writer_of[key] for key in node.in_keys if key in writer_of]
    return list(dict.fromkeys([*writers, *node.dependencies]))


def execution_order(nodes: Mapping[str, Node], roots: Sequence[str], *, complete: bool = True) -> list[Node]:
    """Depth-first from each root, sources in listed order: the pull order of the old stack.

    Any topological order gives the same values, but only this one draws the same random numbers.

    Args:
        nodes: the graph.
        roots: components that must be there, first ones first.
        complete: whether an unknown dependency is an error; it is none while components are still being registered.

    Raises:
        GraphError: "cycle: a -> b -> a" in the direction of the data, "... depends on 'x', which is not registered".
    """
    writer_of = producers(nodes.values())
    done: dict[str, Node] = {}
    for root in roots:
        # An explicit stack: a graph may be deeper than Python's recursion limit.
        path: dict[str, None] = {}
        pending = [root]
        while pending:
            name = pending.pop()
            if name in path:
                del path[name]
                done[name] = nodes[name]
                continue
            if name in done:
                continue
            before = [source for source in predecessors(nodes[name], writer_of) if source not in done]
            for source in before:
                if complete and source not in nodes:
                    raise GraphError(f"component {name!r} depends on {source!r}, which is not registered")
            path[name] = None
            for source in before:
                if source in path:
                    names = list(path)
                    raise GraphError(f"cycle: {' -> '.join(reversed([*names[names.index(source) :], source]))}")
            pending.append(name)
            pending.extend(source for source in reversed(before) if source in nodes)
    return list(done.values())


class Graph:
    """The components registered so far, with what makes the checks of one more component cheap."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes: dict[str, Node] = {}
        self.writer_of: dict[str, str] = {}
        self.awaited: set[tuple[str, str]] = set()
        for node in nodes.values():
            self.add(node)

    def add(self, node: Node) -> None:
        """Adds a node that `check` has let through."""
        self.nodes[node.name] = node
        self.writer_of.update(dict.fromkeys(node.out_keys, node.name))
        self.awaited.update(("key", key) for key in node.in_keys)
        self.awaited.update(("name", name) for name in node.dependencies)

    def check(self, node: Node) -> None:
        """Whether `node` may be added.

        Raises:
            GraphError: "key ... has two writers ...", "cycle: ...".
        """
        for i, key in enumerate(node.out_keys):
            writer = node.name if key in node.out_keys[:i] else self.writer_of.get(key)
            if writer is not None:
                raise two_writers(key, writer, node.name)
        # Only a component that somebody waits for, perhaps itself, can close a cycle.
        offers = {("name", node.name), *(("key", key) for key in node.out_keys)}
        own = {("name", name) for name in node.dependencies} | {("key", key) for key in node.in_keys}
        if offers & self.awaited or offers & own:
            execution_order({**self.nodes, node.name: node}, [node.name], complete=False)


def node_of(name: str, module: Any, dependencies: tuple[str, ...] = ()) -> Node:
    """A component as a node.

    Raises:
        GraphError: "component ... needs to be a module with in_keys and out_keys", "component ... has the key ...",
            "component ... writes 'regularization_loss' ...".
    """
    reads, writes = getattr(module, "in_keys", None), getattr(module, "out_keys", None)
    if not isinstance(module, nn.Module) or reads is None or not writes:
        raise GraphError(f"component {name!r} ({type(module).__name__}) needs to be a module with in_keys and out_keys")
    for key in (*reads, *writes):
        if not isinstance(key, str):
            raise GraphError(f"component {name!r} has the key {key!r}; keys are flat strings")
    if REGULARIZATION_LOSS in writes:
        way_out = "which regularisers add up in: write it under another key, or wrap the module in a RegularizedModule"
        raise GraphError(f"component {name!r} writes {REGULARIZATION_LOSS!r}, {way_out}")
    return Node(name, tuple(reads), tuple(writes), dependencies)


def as_keys(outputs: Sequence[str] | None) -> tuple[str, ...] | None:
    """Keys that somebody asks for; None for all.

    Raises:
        GraphError: "outputs must be a list of keys ...".
    """
    if isinstance(outputs, str):
        raise GraphError(f"outputs must be a list of keys such as [{outputs!r}], got {outputs!r}")
    return None if outputs is None else tuple(outputs)


def sizes_of(module: nn.Module) -> tuple[Any, ...]:
    """What fixes the shapes of a component's inputs and outputs, as far as it says."""
    return tuple(getattr(module, attribute) for attribute in getattr(module, "io_sizes", ()))


def explain_missing(order: Sequence[Node], data: Mapping[str, Any], error: KeyError) -> None:
    """Names the component that lacks an input, if that is what an error was about.

    Raises:
        GraphError: "component ... reads ..., which no component writes and the input lacks".
    """
    written = {key for node in order for key in node.out_keys}
    present = set(data.keys())
    for node in order:
        for key in node.in_keys:
            if key not in written and key not in present:
                raise GraphError(
                    f"component {node.name!r} reads {key!r}, which no component writes and the input lacks; "
                    f"the input has: {', '.join(map(str, data.keys())) or 'nothing'}"
                ) from error


def first_with(container: nn.Module, method: str) -> nn.Module | None:
    """The first module, also inside others, whose class has a method of this name."""
    for module in container.modules():  # a loop: the compiler of torch 2.6 knows no `next` with a default
        if hasattr(type(module), method):
            return module
    return None


def remembered(table: dict[K, V], key: K, derive: Callable[[K], V]) -> V:
    """What is derived once; not while a compiler traces, to which every change is a reason to trace again."""
    if torch.compiler.is_compiling():
        return derive(key)
    if key not in table:
        table[key] = derive(key)
    return table[key]
