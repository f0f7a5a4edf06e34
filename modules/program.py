"""From a graph of components to the straight-line code that runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn

from modules.errors import GraphError

Program = Callable[[Mapping[str, nn.Module], MutableMapping[str, Any]], None]


@dataclass(frozen=True)
class Node:
    """One component of the graph: what it reads, what it writes, and what else must run before it."""

    name: str
    in_keys: tuple[str, ...]
    out_keys: tuple[str, ...]
    dependencies: tuple[str, ...] = ()


def producers(nodes: Iterable[Node]) -> dict[str, str]:
    """Which component writes each key."""
    return {key: node.name for node in nodes for key in node.out_keys}


def predecessors(node: Node, writer_of: Mapping[str, str]) -> list[str]:
    """Components that must run before `node`: writers of its inputs in their order, then declared dependencies."""
    writers = [writer_of[key] for key in node.in_keys if key in writer_of]
    return list(dict.fromkeys([*writers, *node.dependencies]))


def execution_order(nodes: Mapping[str, Node], roots: Sequence[str]) -> list[Node]:
    """Depth-first from each root, sources in listed order: the pull order of the old stack.

    Any topological order gives the same values, but only this one draws the same random numbers.

    Raises:
        GraphError: "cycle: a -> b -> a", "... depends on 'x', which is not registered".
    """
    writer_of = producers(nodes.values())
    done: dict[str, Node] = {}
    for root in roots:
        # An explicit stack: a graph may be deeper than Python's recursion limit.
        path: dict[str, Iterable[str]] = {}
        pending = [root]
        while pending:
            name = pending.pop()
            if name in path:
                del path[name]
                done[name] = nodes[name]
                continue
            if name in done:
                continue
            if name not in nodes:
                raise GraphError(f"component {next(reversed(path), root)!r} depends on {name!r}, which is not registered")
            before = [source for source in predecessors(nodes[name], writer_of) if source not in done]
            path[name] = before
            for source in before:
                if source in path:
                    cycle = [*list(path)[list(path).index(source) :], source]
                    raise GraphError(f"cycle: {' -> '.join(reversed(cycle))}")
            pending.append(name)
            pending.extend(reversed(before))
    return list(done.values())


def call_through_forward(module: nn.Module, *inputs: Any) -> Any:
    """Runs a module on a small mapping, so that its hooks fire and modules without `compute` work."""
    keyed = cast(Any, module)
    data = dict(zip(keyed.in_keys, inputs, strict=True))
    result = module(data)
    data = data if result is None else result
    outputs = tuple(data[key] for key in keyed.out_keys)
    return outputs[0] if len(outputs) == 1 else outputs


def run_plainly(
    order: Sequence[Node], outputs: Sequence[str], modules: Mapping[str, nn.Module], data: MutableMapping[str, Any]
) -> None:
    """The same computation as a compiled program, as a loop that `torch.compile` can trace."""
    values: dict[str, Any] = {}
    for node in order:
        inputs = [values[key] if key in values else data[key] for key in node.in_keys]
        result = call_through_forward(modules[node.name], *inputs)
        values.update(zip(node.out_keys, (result,) if isinstance(result, Tensor) else result, strict=True))
    for key in outputs:
        if key in values:
            data[key] = values[key]


def compile_program(order: Sequence[Node], outputs: Sequence[str], computes: Mapping[str, bool]) -> Program:
    """Straight-line code: one local variable per key, dropped after its last reader.

    Modules are looked up by name when it runs; one with hooks is called through `forward`.

    Args:
        order: components, in execution order.
        outputs: keys that end up in the mapping.
        computes: per component, whether it has a `compute` to call directly.
    """
    written = [key for node in order for key in node.out_keys]
    read = [key for node in order for key in node.in_keys]
    variable = {key: f"v{i}" for i, key in enumerate(dict.fromkeys([*read, *written]))}
    last_reader = {key: i for i, node in enumerate(order) for key in node.in_keys}
    keep = set(outputs)

    lines = [f"{variable[key]} = data[{key!r}]" for key in dict.fromkeys(read) if key not in set(written)]
    for i, node in enumerate(order):
        inputs = ", ".join(variable[key] for key in node.in_keys)
        targets = ", ".join(variable[key] for key in node.out_keys)
        lines.append(f"m = modules[{node.name!r}]")
        through = f"call(m, {inputs})"
        if computes[node.name]:
            hooks = "m._forward_hooks or m._forward_pre_hooks or m._backward_hooks or m._backward_pre_hooks"
            lines.append(f"{targets} = {through} if {hooks} else m.compute({inputs})")
        else:
            lines.append(f"{targets} = {through}")
        lines.extend(f"data[{key!r}] = {variable[key]}" for key in node.out_keys if key in keep)
        over = [key for key in dict.fromkeys([*node.in_keys, *node.out_keys]) if last_reader.get(key, i) == i]
        if over:
            lines.append(f"del {', '.join(variable[key] for key in over)}")
    source = "def program(modules, data):\n" + "".join(f"    {line}\n" for line in lines or ["pass"])
    namespace: dict[str, Any] = {"call": call_through_forward}
    exec(compile(source, "<component program>", "exec"), namespace)  # noqa: S102 - text of our own, keys through repr
    return cast(Program, namespace["program"])
