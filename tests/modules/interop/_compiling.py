"""What is asked of a compiled agent: one graph, one compilation, the eager results."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounterWithBackend
from torch._dynamo.utils import counters

from modules import MettaAgent
from tests.modules.interop._steps import batch_of, loss_of

TORCH_OF_ITSELF = "ignore:`torch.jit.script_method` is deprecated:DeprecationWarning"
"""What torch says of itself when its stock compiler is imported."""
COMPILING = (pytest.mark.usefixtures("fresh_compiler"), pytest.mark.filterwarnings(TORCH_OF_ITSELF))


def compiled(module: Any, backend: str) -> tuple[Any, CompileCounterWithBackend]:
    """The module under `torch.compile`, in one graph or not at all, and what counts its compilations."""
    counter = CompileCounterWithBackend(backend)
    return torch.compile(module, backend=counter, fullgraph=True), counter


def train(policy: MettaAgent, run: Any, data: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Results and gradients of one step; dropout draws the same numbers whenever it is called."""
    torch.manual_seed(0)
    policy.zero_grad(set_to_none=True)
    results = run(dict(data))
    loss = loss_of(results)
    if "regularization_loss" in results:
        loss = loss + results["regularization_loss"]
    loss.backward()  # type: ignore[no-untyped-call]
    return results, {name: p.grad for name, p in policy.named_parameters() if p.grad is not None}


def check_training(policy: MettaAgent, backend: str, calls: int) -> None:
    """Some steps of training in one graph, compiled once, each with what the eager agent computes."""
    run, counter = compiled(policy, backend)
    for step in range(calls):
        data = batch_of(policy, 2, 3, seed=step)
        expected, expected_grads = train(policy, policy, data)
        results, grads = train(policy, run, data)
        assert results.keys() == expected.keys()
        for key, value in results.items():
            torch.testing.assert_close(value, expected[key], rtol=1e-4, atol=1e-5)
        assert grads.keys() == expected_grads.keys()
        for name, grad in grads.items():
            torch.testing.assert_close(grad, expected_grads[name], rtol=1e-3, atol=1e-5)
    assert_one_graph(counter)


def assert_one_graph(counter: CompileCounterWithBackend) -> None:
    """One compilation, of one graph without a break."""
    assert counter.frame_count == 1
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]
