"""`ComponentContainer`: the components of an agent, the graph between them, and its execution."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import nn

from modules import drawing
from modules.errors import GraphError, MettaError
from modules.graph import (
    Graph,
    Node,
    as_keys,
    execution_order,
    explain_missing,
    first_with,
    node_of,
    predecessors,
    producers,
    remembered,
    sizes_of,
)
from modules.program import HOOKS_OF_ALL, Program, Runner, compile_program, computes, note_component, run_plainly
from modules.regularization import REGULARIZATION_LOSS, add_regularization
from modules.wrappers.regularized import RegularizedModule, regularizers

HEADS = ("_value_", "_action_")

Keys = tuple[str, ...] | None
"""Outputs that are wanted; None for all."""


@dataclass
class _Derived:
    """What follows from the components and their keys: made when it is needed, and never copied or pickled."""

    graph: Graph | None = None
    wanted: dict[tuple[Keys, bool], tuple[Keys, bool]] = field(default_factory=dict)
    orders: dict[Keys, tuple[list[Node], tuple[str, ...]]] = field(default_factory=dict)
    programs: dict[Keys, Program] = field(default_factory=dict)
    regularized: dict[Keys, list[RegularizedModule]] = field(default_factory=dict)
    found: dict[str, nn.Module | None] = field(default_factory=dict)


class ComponentContainer(nn.ModuleDict):
    """An `nn.ModuleDict` whose entries are wired by the keys they read and write.

    Parameter order is registration order. Execution order is depth-first from `_value_`, then `_action_`, then what
    neither reaches. Keys that no component writes are inputs, to be found in the mapping.

    Hooks fire: forward hooks see a mapping with the component's own keys, backward hooks the gradients of its tensors.
    Pickles, copies and state dicts hold the components and their dependencies, nothing derived.
    """

    def __init__(self) -> None:
        super().__init__()
        self._dependencies: dict[str, tuple[str, ...]] = {}
        self._forget()

    def _forget(self) -> None:
        """Drops what was derived from the graph."""
        self._derived = _Derived()

    def register_component(self, name: str, module: nn.Module, dependencies: Sequence[str] | None = None) -> None:
        """Adds a component, in any order.

        Args:
            name: its name, which is also the prefix of its state-dict keys.
            module: a `MettaModule`, or any module with `in_keys` and `out_keys`.
            dependencies: components that must run before it besides those its keys name; they may come later.

        Raises:
            GraphError: the name is taken or cannot be one, the module has no keys, a key has two writers, a cycle.
                Nothing is registered then.
        """
        if name in self:
            raise GraphError(f"component {name!r} is already registered; use replace_component to swap it")
        if isinstance(dependencies, str):
            raise GraphError(f"dependencies of {name!r} must be a list of names, got {dependencies!r}")
        node = node_of(name, module, tuple(dependencies or ()))
        graph = self._derived.graph or Graph(self._nodes())
        graph.check(node)
        try:
            self.add_module(name, module)
        except (KeyError, TypeError) as error:
            raise GraphError(f"{name!r} cannot be a component's name: {error.args[0]}") from error
        self._dependencies[name] = node.dependencies
        graph.add(node)
        self._derived.graph = graph

    def replace_component(self, name: str, module: nn.Module) -> nn.Module:
        """Swaps a component for one with the same keys and sizes, and returns the old one.

        Raises:
            GraphError: no such component, other keys, other sizes. Nothing is changed then.
        """
        if name not in self:
            raise GraphError(f"there is no component {name!r} to replace; there are: {', '.join(self) or 'none'}")
        old = self[name]
        before, after = node_of(name, old), node_of(name, module)
        if before != after:
            raise GraphError(
                f"the new {name!r} has keys {after.in_keys} -> {after.out_keys}, "
                f"the old one {before.in_keys} -> {before.out_keys}; a swap keeps the keys"
            )
        sizes = sizes_of(old), sizes_of(module)
        if all(sizes) and sizes[0] != sizes[1]:
            raise GraphError(f"the new {name!r} has sizes {sizes[1]}, the old one {sizes[0]}; a swap keeps them")
        self._modules[name] = module
        self._forget()
        return old

    def execute(
        self,
        data: MutableMapping[str, Any],
        outputs: Sequence[str] | None = None,
        *,
        intermediate: bool = False,
        run: Runner | None = None,
    ) -> MutableMapping[str, Any]:
        """Runs the components and writes their outputs into `data`, which is returned.

        Args:
            data: a `dict` or `TensorDict` with the graph's inputs.
            outputs: keys to compute, with nothing else run or kept; None for all.
            intermediate: whether to keep what else is written on the way to `outputs`.
            run: another way to run components in their order; see `modules.executors`.

        Raises:
            GraphError: an output that nobody writes, outputs that are no list, an input neither written nor in `data`.
        """
        asked = as_keys(outputs), intermediate
        tracing = torch.compiler.is_compiling()
        known = None if tracing else self._derived.wanted.get(asked)
        wanted, with_losses = known or self._want(*asked)
        try:
            modules = cast("Mapping[str, nn.Module]", self._modules)
            if tracing or any(HOOKS_OF_ALL):
                run = run_plainly
            if run is None:
                program = self._derived.programs.get(wanted) or self._compile(wanted)
                program(modules, data)
            else:
                run(*self._order(wanted), modules, data)
        except Exception as error:
            if isinstance(error, KeyError):
                explain_missing(self._order(wanted)[0], data, error)
            if not (tracing or isinstance(error, MettaError)):
                note_component(error, modules)
            raise
        if with_losses:
            add_regularization(data, self._regularizers(wanted or None))
        return data

    def order(self, outputs: Sequence[str] | None = None) -> list[str]:
        """Names in execution order."""
        return [node.name for node in self._order(as_keys(outputs))[0]]

    def describe(self) -> str:
        """The graph as a text, one line per component in execution order."""
        return drawing.describe(self._order(None)[0], dict(self.items()))

    def to_mermaid(self) -> str:
        """The graph as the text of a Mermaid flowchart."""
        return drawing.to_mermaid(self._order(None)[0], dict(self.items()))

    @property
    def execution_graph(self) -> dict[str, list[str]]:
        """Per component, the components that run before it."""
        nodes = self._nodes()
        writer_of = producers(nodes.values())
        return {name: predecessors(node, writer_of) for name, node in nodes.items()}

    def _nodes(self) -> dict[str, Node]:
        return {name: node_of(name, module, self._dependencies.get(name, ())) for name, module in self.items()}

    def _order(self, outputs: Keys) -> tuple[list[Node], tuple[str, ...]]:
        """Components in execution order, and the keys to keep."""
        return remembered(self._derived.orders, outputs, self._derive_order)

    def _derive_order(self, outputs: Keys) -> tuple[list[Node], tuple[str, ...]]:
        nodes = self._nodes()
        writer_of = producers(nodes.values())
        if outputs is None:
            roots = [*(head for head in HEADS if head in nodes), *nodes]
        else:
            for key in outputs:
                if key not in writer_of:
                    raise GraphError(f"no component writes {key!r}; written are: {', '.join(writer_of) or 'none'}")
            roots = [writer_of[key] for key in outputs]
        order = execution_order(nodes, roots)
        return order, tuple(key for node in order for key in node.out_keys) if outputs is None else outputs

    def _want(self, outputs: Keys, intermediate: bool) -> tuple[Keys, bool]:
        """The keys that components are to write, and whether the losses of regularisers are wanted."""
        wanted = None if outputs is None else tuple(key for key in outputs if key != REGULARIZATION_LOSS)
        if wanted is not None and intermediate:
            wanted = tuple(key for node in self._order(wanted)[0] for key in node.out_keys)
        found = wanted, outputs is None or REGULARIZATION_LOSS in outputs
        return remembered(self._derived.wanted, (outputs, intermediate), lambda _: found)

    def _compile(self, outputs: Keys) -> Program:
        order, kept = self._order(outputs)
        program = compile_program(order, kept, {node.name: computes(self[node.name]) for node in order})
        self._derived.programs[outputs] = program
        return program

    def _first_with(self, method: str) -> nn.Module | None:
        """The first module, also inside others, whose class has a method of this name."""
        return remembered(self._derived.found, method, lambda name: first_with(self, name))

    def _regularizers(self, outputs: Keys) -> list[RegularizedModule]:
        """What costs something among the components that `outputs` need, or among all if none is asked for."""
        modules = [self[node.name] for node in self._order(outputs)[0]]
        if any(module._modules for module in modules):  # children may be exchanged, and nobody tells the container
            return regularizers(modules)
        return remembered(self._derived.regularized, outputs, lambda _: regularizers(modules))

    def add_module(self, name: str, module: nn.Module | None) -> None:
        """Registers without checks, as `nn.ModuleDict` does; the graph is derived anew."""
        super().add_module(name, module)
        self._forget()

    def clear(self) -> None:
        """Removes all components."""
        super().clear()
        self._dependencies.clear()
        self._forget()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if isinstance(value, nn.Module) or name in self._modules:
            self._forget()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._dependencies.pop(name, None)
        self._forget()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._dependencies.pop(key, None)
        self._forget()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_derived": _Derived()}
