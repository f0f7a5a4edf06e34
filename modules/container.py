"""`ComponentContainer`: the components of an agent, the graph between them, and its execution."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, cast

import torch
from torch import nn

from modules.base import MettaModule
from modules.errors import GraphError
from modules.program import (
    Node,
    Program,
    compile_program,
    execution_order,
    predecessors,
    producers,
    run_plainly,
)

HEADS = ("_value_", "_action_")


class ComponentContainer(nn.ModuleDict):
    """An `nn.ModuleDict` whose entries are wired by the keys they read and write.

    Parameter order is registration order. Execution order is depth-first from `_value_`, then `_action_`, then what
    neither reaches. Keys that no component writes are inputs, to be found in the mapping.
    """

    def __init__(self) -> None:
        super().__init__()
        self._dependencies: dict[str, tuple[str, ...]] = {}
        self._programs: dict[tuple[str, ...] | None, tuple[list[Node], tuple[str, ...], Program]] = {}

    def register_component(self, name: str, module: nn.Module, dependencies: Sequence[str] | None = None) -> None:
        """Adds a component, in any order.

        Args:
            name: its name, which is also the prefix of its state-dict keys.
            module: a `MettaModule`, or any module with `in_keys` and `out_keys`.
            dependencies: components that must run before it besides those its keys name.

        Raises:
            GraphError: the name is taken or cannot be one, the module has no keys, a key has two writers, a cycle.
                Nothing is registered then.
        """
        if name in self:
            raise GraphError(f"component {name!r} is already registered; use replace_component to swap it")
        node = _node(name, module, tuple(dependencies or ()))
        nodes = self._nodes()
        for key in node.out_keys:
            if key in (writer_of := producers(nodes.values())):
                raise GraphError(f"key {key!r} has two writers: {writer_of[key]!r} and {name!r}")
        nodes[name] = node
        known = {n: Node(x.name, x.in_keys, x.out_keys, tuple(d for d in x.dependencies if d in nodes)) for n, x in nodes.items()}
        execution_order(known, [name, *known])
        try:
            self.add_module(name, module)
        except KeyError as error:
            raise GraphError(f"{name!r} cannot be a component's name: {error.args[0]}") from error
        self._dependencies[name] = node.dependencies

    def replace_component(self, name: str, module: nn.Module) -> nn.Module:
        """Swaps a component for one with the same keys and sizes, and returns the old one.

        Raises:
            GraphError: no such component, other keys, other sizes. Nothing is changed then.
        """
        if name not in self:
            raise GraphError(f"there is no component {name!r}; there are: {', '.join(self)}")
        old = self[name]
        before, after = _node(name, old), _node(name, module)
        if before != after:
            raise GraphError(
                f"the new {name!r} has keys {after.in_keys} -> {after.out_keys}, "
                f"the old one {before.in_keys} -> {before.out_keys}"
            )
        sizes = _sizes(old), _sizes(module)
        if all(sizes) and sizes[0] != sizes[1]:
            raise GraphError(f"the new {name!r} has sizes {sizes[1]}, the old one {sizes[0]}")
        self._modules[name] = module
        self._programs.clear()
        return old

    def execute(self, data: MutableMapping[str, Any], outputs: Sequence[str] | None = None) -> MutableMapping[str, Any]:
        """Runs the components and writes their outputs into `data`, which is returned.

        Args:
            data: a `dict` or `TensorDict` with the graph's inputs.
            outputs: keys to compute, with nothing else run or kept; None for all.

        Raises:
            GraphError: an output that nobody writes, or an input that is neither written nor in `data`.
        """
        wanted = None if outputs is None else tuple(outputs)
        if wanted not in self._programs:
            self._programs[wanted] = self._derive(wanted)
        order, kept, program = self._programs[wanted]
        modules = cast("Mapping[str, nn.Module]", self._modules)
        try:
            if torch.compiler.is_compiling() or nn.modules.module._has_any_global_hook():
                run_plainly(order, kept, modules, data)
            else:
                program(modules, data)
        except KeyError as error:
            self._explain_missing(order, data, error)
            raise
        return data

    def order(self, outputs: Sequence[str] | None = None) -> list[str]:
        """Names in execution order."""
        return [node.name for node in self._derive_order(None if outputs is None else tuple(outputs))]

    @property
    def execution_graph(self) -> dict[str, list[str]]:
        """Per component, the components that run before it."""
        nodes = self._nodes()
        writer_of = producers(nodes.values())
        return {name: predecessors(node, writer_of) for name, node in nodes.items()}

    def _nodes(self) -> dict[str, Node]:
        return {name: _node(name, module, self._dependencies.get(name, ())) for name, module in self.items()}

    def _derive_order(self, outputs: tuple[str, ...] | None) -> list[Node]:
        nodes = self._nodes()
        if outputs is None:
            return execution_order(nodes, [*(head for head in HEADS if head in nodes), *nodes])
        writer_of = producers(nodes.values())
        for key in outputs:
            if key not in writer_of:
                raise GraphError(f"no component writes {key!r}; written are: {', '.join(writer_of)}")
        return execution_order(nodes, list(dict.fromkeys(writer_of[key] for key in outputs)))

    def _derive(self, outputs: tuple[str, ...] | None) -> tuple[list[Node], tuple[str, ...], Program]:
        order = self._derive_order(outputs)
        kept = tuple(key for node in order for key in node.out_keys) if outputs is None else outputs
        computes = {node.name: isinstance(self[node.name], MettaModule) for node in order}
        return order, kept, compile_program(order, kept, computes)

    def _explain_missing(self, order: Sequence[Node], data: Mapping[str, Any], error: KeyError) -> None:
        written = {key for node in order for key in node.out_keys}
        present = set(data.keys())
        for node in order:
            for key in node.in_keys:
                if key not in written and key not in present:
                    raise GraphError(
                        f"component {node.name!r} reads {key!r}, which no component writes and the input lacks; "
                        f"the input has: {', '.join(map(str, data.keys())) or 'nothing'}"
                    ) from error

    def add_module(self, name: str, module: nn.Module | None) -> None:
        """Registers without checks, as `nn.ModuleDict` does; the graph is derived anew."""
        super().add_module(name, module)
        self._programs.clear()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if isinstance(value, nn.Module):
            self._programs.clear()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._dependencies.pop(key, None)
        self._programs.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_programs": {}}


def _node(name: str, module: nn.Module, dependencies: tuple[str, ...] = ()) -> Node:
    keys = getattr(module, "in_keys", None), getattr(module, "out_keys", None)
    if keys[0] is None or not keys[1]:
        raise GraphError(f"component {name!r} ({type(module).__name__}) needs in_keys and out_keys")
    for key in (*keys[0], *keys[1]):
        if not isinstance(key, str):
            raise GraphError(f"component {name!r} has the key {key!r}; keys are flat strings")
    return Node(name, tuple(keys[0]), tuple(keys[1]), dependencies)


def _sizes(module: nn.Module) -> tuple[Any, ...]:
    return tuple(getattr(module, attribute) for attribute in getattr(module, "io_sizes", ()))
