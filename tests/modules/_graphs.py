"""Small components and containers of them, for tests."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from modules import ComponentContainer, MettaModule
from modules.layers.linear import LinearModule


class Add(MettaModule):
    """The sum of the inputs, plus a number; counts its calls."""

    def __init__(self, in_keys: tuple[str, ...], out: str, number: float = 1.0) -> None:
        super().__init__(in_keys, (out,))
        self.number, self.calls = number, 0

    def compute(self, *inputs: Tensor) -> Tensor:
        self.calls += 1
        return torch.stack([*inputs, torch.full_like(inputs[0], self.number)]).sum(0)


class Two(MettaModule):
    """Two outputs, or whatever `result` is."""

    def __init__(self, result: Any = None) -> None:
        super().__init__(("x",), ("one", "two"))
        self.result = result

    def compute(self, *inputs: Tensor) -> Any:
        return (inputs[0] + 1, inputs[0] + 2) if self.result is None else self.result


def container(**wiring: str) -> ComponentContainer:
    """Components that write their own names, from `name="source source"`."""
    result = ComponentContainer()
    for name, sources in wiring.items():
        result.register_component(name, Add(tuple(sources.split()), name))
    return result


def linears() -> ComponentContainer:
    result = ComponentContainer()
    result.register_component("b", LinearModule(4, 2, in_keys=("a",), out_keys=("b",)))
    result.register_component("a", LinearModule(3, 4, in_keys=("x",), out_keys=("a",)), dependencies=[])
    return result


X = torch.tensor([1.0, 2.0])
