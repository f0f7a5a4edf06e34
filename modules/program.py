"""From an order of components to the straight-line code that runs it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import BackwardHook

from modules.base import MettaModule, one_per_key
from modules.graph import Node
from modules.interop import mapping_for

Program = Callable[[Mapping[str, nn.Module], MutableMapping[str, Any]], None]
Runner = Callable[[Sequence[Node], Sequence[str], Mapping[str, nn.Module], MutableMapping[str, Any]], None]
"""Runs components in their order and keeps some keys, as `run_plainly` does."""
HOOKS_OF_ALL: tuple[Mapping[int, Any], ...] = tuple(
    getattr(torch.nn.modules.module, f"_global_{kind}_hooks")
    for kind in ("forward_pre", "forward", "backward_pre", "backward")
)
"""torch's own tables of hooks that fire for all modules."""
_QUIET = threading.RLock()
"""Held while warnings are ignored: which ones are is told to all threads at once, and two would leave it so."""


def call_through_forward(module: nn.Module, *inputs: Any) -> Any:
    """Runs a module on a small mapping, so that its forward hooks fire and modules without `compute` work."""
    keyed = cast(Any, module)
    data = mapping_for(module, dict(zip(keyed.in_keys, inputs, strict=True)))
    result = module(data)
    data = data if result is None else result
    outputs = tuple(data[key] for key in keyed.out_keys)
    return outputs[0] if len(outputs) == 1 else outputs


def call_with_hooks(module: nn.Module, *inputs: Any) -> Any:
    """Like `call_through_forward`, but backward hooks fire too, which torch runs around tensors, never mappings."""
    hooked = cast(Any, module)
    full, before = hooked._get_backward_hooks()[0], hooked._get_backward_pre_hooks()
    if not full and not before:
        return call_through_forward(module, *inputs)
    around: Any = BackwardHook(module, full, before)
    inputs = around.setup_input_hook(inputs)
    with _QUIET, warnings.catch_warnings():
        # torch sees the hooks and the mapping, and warns that they will not fire.
        warnings.filterwarnings("ignore", "For backward hooks to be called")
        result = call_through_forward(module, *inputs)
    return around.setup_output_hook(result)


def computes(module: nn.Module) -> bool:
    """Whether `forward` is nothing but `compute` on a mapping."""
    return isinstance(module, MettaModule) and type(module).forward is MettaModule.forward


def call(module: nn.Module, *inputs: Any) -> Any:
    """What the module computes, by the shortest way that fires its hooks."""
    m: Any = module
    if not (m._forward_hooks or m._forward_pre_hooks or m._backward_hooks or m._backward_pre_hooks) and computes(m):
        return m.compute(*inputs)
    return (call_through_forward if torch.compiler.is_compiling() else call_with_hooks)(module, *inputs)


def run_plainly(
    order: Sequence[Node], outputs: Sequence[str], modules: Mapping[str, nn.Module], data: MutableMapping[str, Any]
) -> None:
    """The same computation as a compiled program, as a loop that `torch.compile` can trace."""
    run = call_through_forward if torch.compiler.is_compiling() else call_with_hooks
    values: dict[str, Any] = {}
    for node in order:
        m, inputs = modules[node.name], [values[key] if key in values else data[key] for key in node.in_keys]
        result = run(m, *inputs)
        values.update(zip(node.out_keys, (result,) if len(node.out_keys) == 1 else result, strict=True))
    for key in outputs:
        if key in values:
            data[key] = values[key]


PROGRAM = "<component program>"
RUNNERS = ("run_plainly", "run_with_modes")
"""Functions that run one component after the other, as a compiled program does; each has it in a local variable `m`."""


def note_component(error: Exception, modules: Mapping[str, nn.Module]) -> None:
    """Says in a note to an error in which component it arose: torch's own name none."""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == PROGRAM or (code.co_name in RUNNERS and "m" in trace.tb_frame.f_locals):
            failed = trace.tb_frame.f_locals.get("m")
            for name, module in modules.items():
                if module is failed:
                    error.add_note(f"in component {name!r} ({class_names(module)})")
            return
        trace = trace.tb_next


def class_names(module: nn.Module) -> str:
    """The module's class, behind those of its wrappers: `SafeModule(LinearModule)`."""
    inner = vars(module).get("module")
    name = type(module).__name__
    return name if not isinstance(inner, nn.Module) else f"{name}({class_names(inner)})"


def compile_program(order: Sequence[Node], outputs: Sequence[str], direct: Mapping[str, bool]) -> Program:
    """Straight-line code: one local variable per key, dropped after its last reader.

    Modules are looked up by name when it runs; one with hooks is called through `forward`.

    Args:
        order: components, in execution order.
        outputs: keys that end up in the mapping.
        direct: per component, whether `compute` may be called directly, which is `forward` without the mapping.
    """
    written = [key for node in order for key in node.out_keys]
    read = [key for node in order for key in node.in_keys]
    variable = {key: f"v{i}" for i, key in enumerate(dict.fromkeys([*read, *written]))}
    last_reader = {key: i for i, node in enumerate(order) for key in node.in_keys}
    keep = set(outputs)

    lines = [f"{variable[key]} = data[{key!r}]" for key in dict.fromkeys(read) if key not in set(written)]
    for i, node in enumerate(order):
        lines.append(f"m = modules[{node.name!r}]")
        lines.extend(_call(node, variable, direct=direct[node.name]))
        lines.extend(f"data[{key!r}] = {variable[key]}" for key in node.out_keys if key in keep)
        over = [key for key in dict.fromkeys([*node.in_keys, *node.out_keys]) if last_reader.get(key, i) == i]
        if over:
            lines.append(f"del {', '.join(variable[key] for key in over)}")
    source = "def program(modules, data):\n" + "".join(f"    {line}\n" for line in lines or ["pass"])
    namespace: dict[str, Any] = {"call": call_with_hooks, "check": one_per_key, "Tensor": Tensor}
    exec(compile(source, PROGRAM, "exec"), namespace)  # noqa: S102 - text of our own, keys through repr
    return cast(Program, namespace["program"])


def _call(node: Node, variable: Mapping[str, str], *, direct: bool) -> list[str]:
    """Code that runs the module `m` and assigns its outputs."""
    targets = ", ".join(variable[key] for key in node.out_keys)
    arguments = "".join(f", {variable[key]}" for key in node.in_keys)
    if not direct:
        return [f"{targets} = call(m{arguments})"]
    hooks = "m._forward_hooks or m._forward_pre_hooks or m._backward_hooks or m._backward_pre_hooks"
    run = f"r = call(m{arguments}) if {hooks} else m.compute({arguments[2:]})"
    if len(node.out_keys) == 1:
        assign = f"{targets} = r if type(r) is Tensor else check(m, r)[0]"
    else:
        # Not without a check: a tensor of as many rows as there are keys would unpack into its rows.
        assign = f"{targets} = r if type(r) is tuple and len(r) == {len(node.out_keys)} else check(m, r)"
    return [run, assign, "del r"]
