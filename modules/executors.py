"""How the components of a container are run: one after the other, or independent ones at the same time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from modules.base import one_per_key
from modules.container import ComponentContainer
from modules.errors import GraphError
from modules.graph import Node, predecessors, producers
from modules.program import Runner, call
from modules.shapes import one_of, positive

AUTOCAST = ("cpu", "cuda")
RATES: dict[type[nn.Module], str] = {
    nn.modules.dropout._DropoutNd: "p",
    nn.RNNBase: "dropout",
    nn.MultiheadAttention: "dropout",
    nn.RReLU: "upper",
}
"""Classes of torch that draw random numbers in training, and what says how many."""


class Executor:
    """Runs a container's components on a mapping."""

    def __call__(
        self,
        container: ComponentContainer,
        data: MutableMapping[str, Any],
        outputs: Sequence[str] | None = None,
        *,
        intermediate: bool = False,
    ) -> MutableMapping[str, Any]:
        """See `ComponentContainer.execute`."""
        return container.execute(data, outputs, intermediate=intermediate, run=self._runner())

    def _runner(self) -> Runner | None:
        """How components are run in their order; None for the container's own way."""
        return None


class SequentialDAGExecutor(Executor):
    """One component after the other, in the old stack's order."""


class ParallelDAGExecutor(Executor):
    """Components that do not wait for each other run in threads of their own; results are those of the sequence.

    It helps where a graph has heavy branches side by side and cores are idle; small agents are slower with it
    (docs/performance.md). Threads take over the caller's inference mode and autocast. With gradients on, one component
    runs after the other: the order in which gradients are added up would change from run to run. So it does under a
    compiler, inside `torch.func`'s transforms and torch's own modes, which threads cannot take over, and inside a
    component, which must not wait for its own thread.

    Args:
        max_workers: threads.

    Raises:
        GraphError: at a call, "... draws random numbers ...", since their order would depend on the threads.
        ConfigError: "max_workers must be ...".
    """

    def __init__(self, max_workers: int = 2) -> None:
        positive(max_workers=max_workers)
        self.max_workers = max_workers
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0
        self._making = threading.Lock()

    def _runner(self) -> Runner | None:
        if torch.compiler.is_compiling() or torch.is_grad_enabled() or _is_bound_to_thread():
            return None
        return self._run

    def _run(
        self,
        order: Sequence[Node],
        outputs: Sequence[str],
        modules: Mapping[str, nn.Module],
        data: MutableMapping[str, Any],
    ) -> None:
        """Starts each component as soon as those before it are done."""
        for node in order:
            _refuse_what_depends_on_order(node.name, modules[node.name])
        writer_of, modes = producers(order), _modes()
        waiting = {node.name: set(predecessors(node, writer_of)) for node in order}
        values = {key: data[key] for node in order for key in node.in_keys if key not in writer_of}
        running: dict[Future[Any], Node] = {}
        try:
            while waiting or running:
                for node in [node for node in order if node.name in waiting and not waiting[node.name]]:
                    del waiting[node.name]
                    inputs = [values[key] for key in node.in_keys]
                    running[self._threads().submit(run_with_modes, modes, modules[node.name], inputs)] = node
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    node = running.pop(future)
                    values.update(zip(node.out_keys, one_per_key(modules[node.name], future.result()), strict=True))
                    for names in waiting.values():
                        names.discard(node.name)
        finally:
            # An error in one component must not leave others at work on the caller's tensors.
            wait(running)
        for key in outputs:
            if key in values:
                data[key] = values[key]

    def _threads(self) -> ThreadPoolExecutor:
        with self._making:
            if self._pool is None or self._process != os.getpid():  # threads do not survive a fork
                self._pool = ThreadPoolExecutor(self.max_workers, "component", initializer=_mark_as_worker)
                self._process = os.getpid()
            return self._pool

    def __getstate__(self) -> dict[str, Any]:
        return {"max_workers": self.max_workers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "sequential": SequentialDAGExecutor,
    "parallel": ParallelDAGExecutor,
}


def make_executor(name: str) -> Executor:
    """The executor that a config's `execution` names.

    Raises:
        ConfigError: "execution must be ...".
    """
    one_of("execution", name, tuple(EXECUTORS))
    return EXECUTORS[name]()


def _refuse_what_depends_on_order(name: str, component: nn.Module) -> None:
    for module in component.modules():
        if draws_random_numbers(module):
            raise GraphError(f"component {name!r} draws random numbers: run it with `execution: sequential`")
        if getattr(module, "inplace", False):
            raise GraphError(f"component {name!r} writes into its input: run it with `execution: sequential`")


def draws_random_numbers(module: nn.Module) -> bool:
    """Whether a module draws random numbers in its present mode, as it says itself or as torch's own classes do."""
    if getattr(module, "draws_random_numbers", False):
        return True
    rate = next((rate for kind, rate in RATES.items() if isinstance(module, kind)), None)
    return module.training and rate is not None and getattr(module, rate) > 0


_THREAD = threading.local()


def _mark_as_worker() -> None:
    _THREAD.is_worker = True


def _is_bound_to_thread() -> bool:
    """Whether this thread is a worker, or torch transforms or records what it computes, and not what others do."""
    return (
        hasattr(_THREAD, "is_worker")
        or torch._C._functorch.maybe_current_level() is not None
        or torch._C._len_torch_dispatch_stack() > 0
        or any(type(mode).__name__ != "DeviceContext" for mode in _function_modes())
    )


def _function_modes() -> Iterator[Any]:
    """Modes that see every call of torch; a default device is one, told by its name since its class needs an import."""
    return map(torch._C._get_function_stack_at, range(torch._C._len_torch_function_stack()))


def _modes() -> dict[str, Any]:
    """What torch keeps per thread."""
    return {
        "inference": torch.is_inference_mode_enabled(),
        "autocast": {kind: torch.get_autocast_dtype(kind) for kind in AUTOCAST if torch.is_autocast_enabled(kind)},
        "device": torch.get_default_device(),
    }


def run_with_modes(modes: dict[str, Any], m: nn.Module, inputs: Sequence[Any]) -> Any:
    """Runs a component in a thread as the calling thread would, which wants no gradients."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(modes["inference"]))
        stack.enter_context(torch.no_grad())
        for kind, dtype in modes["autocast"].items():
            stack.enter_context(torch.autocast(kind, dtype=dtype))
        if modes["device"] != torch.get_default_device():
            stack.enter_context(modes["device"])
        return call(m, *inputs)
