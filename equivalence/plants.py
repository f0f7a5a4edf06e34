"""Plants that mutants share: how a mistake is made in a component of the new stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from equivalence.mutant import computing

Plant = Callable[[Any], None]
Change = Callable[[Tensor], Tensor]


def on_output(change: Change) -> Plant:
    """A plant that changes what comes out; of several outputs the first one."""

    def faulty(right: Callable[..., Any], _: Any, *inputs: Any) -> Any:
        result = right(*inputs)
        return (change(result[0]), *result[1:]) if isinstance(result, tuple) else change(result)

    return computing(faulty)


def on_input(change: Change, index: int = 0) -> Plant:
    """A plant that changes what goes in, at one place."""
    return on_inputs(lambda *inputs: [change(x) if i == index else x for i, x in enumerate(inputs)])


def on_inputs(change: Callable[..., Any]) -> Plant:
    """A plant that changes all that goes in; `change` takes and gives the inputs."""
    return computing(lambda right, _, *inputs: right(*change(*inputs)))


def instead(function: Callable[..., Any]) -> Plant:
    """A plant that computes `function(module, *inputs)` instead."""
    return computing(lambda _, module, *inputs: function(module, *inputs))


def calling(name: str, faulty: Callable[..., Any], at: int | None = None) -> Plant:
    """A plant that computes `faulty(right, *arguments)` where `compute` calls a function of torch, which is `right`.

    Args:
        name: of the function or of the method of tensors, such as `softmax`.
        faulty: what is called instead.
        at: which call, counted from 0; all of them if not given.
    """

    def compute(right: Callable[..., Any], _: Any, *inputs: Any) -> Any:
        with _Calls(name, faulty, at):
            return right(*inputs)

    return computing(compute)


class _Calls(TorchFunctionMode):
    """Puts another function in the place of one of torch's."""

    def __init__(self, name: str, faulty: Callable[..., Any], at: int | None) -> None:
        super().__init__()
        self.name, self.faulty, self.at, self.count = name, faulty, at, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = kwargs or {}
        if getattr(func, "__name__", "") != self.name:
            return func(*args, **options)
        self.count += 1
        meant = self.at is None or self.count == self.at + 1
        return self.faulty(func, *args, **options) if meant else func(*args, **options)


def overriding(method: str, faulty: Callable[..., Any]) -> Plant:
    """A plant that puts `faulty(right, module, *arguments)` in the place of a method, where `right` is the true one."""

    def plant(module: Any) -> None:
        right = type(module)
        true = getattr(right, method)

        def wrong(self: Any, *arguments: Any) -> Any:
            return faulty(lambda *given: true(self, *given), self, *arguments)

        module.__class__ = type(right.__name__, (right,), {method: wrong, "__module__": right.__module__})

    return plant


def changing(attribute: str, change: Callable[[Any], Any]) -> Plant:
    """A plant that changes an attribute."""
    return lambda module: setattr(module, attribute, change(getattr(module, attribute)))


def on_tensor(name: str, change: Change) -> Plant:
    """A plant that changes the values of a parameter or a buffer, in place."""

    def plant(module: Any) -> None:
        tensor = held(module)[name]
        with torch.no_grad():
            tensor.copy_(change(tensor.clone()))

    return plant


def exchanging(one: str, other: str) -> Plant:
    """A plant that exchanges the values of two parameters or buffers of one shape."""

    def plant(module: Any) -> None:
        tensors = held(module)
        with torch.no_grad():
            kept = tensors[one].clone()
            tensors[one].copy_(tensors[other])
            tensors[other].copy_(kept)

    return plant


def with_tensors(change: Callable[[str, Tensor], Tensor]) -> Plant:
    """A plant that computes with `change(name, tensor)` for each parameter and buffer; what is held stays right."""

    def faulty(right: Callable[..., Any], module: Any, *inputs: Any) -> Any:
        with standing_in(module, change):
            return right(*inputs)

    return computing(faulty)


def within(path: str, plant: Plant) -> Plant:
    """A plant in a part of the module."""
    return lambda module: plant(module.get_submodule(path))


def reversing(path: str) -> Plant:
    """A plant that turns a list of modules around."""

    def plant(module: Any) -> None:
        setattr(module, path, nn.ModuleList(reversed(module.get_submodule(path))))

    return plant


def held(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers, by name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


@contextmanager
def standing_in(module: nn.Module, change: Callable[[str, Tensor], Tensor]) -> Iterator[None]:
    """While it lasts, parameters and buffers are what `change(name, tensor)` makes of them."""
    tables: list[tuple[str, dict[str, Any]]] = [
        (f"{path}." if path else "", table)
        for path, part in module.named_modules()
        for table in (part._parameters, part._buffers)
    ]
    kept = [dict(table) for _, table in tables]
    try:
        for (prefix, table), tensors in zip(tables, kept, strict=True):
            table.update({key: change(prefix + key, value) for key, value in tensors.items() if value is not None})
        yield
    finally:
        for (_, table), tensors in zip(tables, kept, strict=True):
            table.update(tensors)


class _Scaled(torch.autograd.Function):
    """The same values, whose gradient is scaled."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.as_strided(x.size(), x.stride(), x.storage_offset())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0] * ctx.factor, None


class _Valued(torch.autograd.Function):
    """Other values, whose gradient goes to where the right ones came from."""

    @staticmethod
    def forward(_: Any, __: Tensor, values: Tensor) -> Tensor:
        return values.as_strided(values.size(), values.stride(), values.storage_offset())

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


def with_values(x: Tensor, values: Tensor) -> Tensor:
    """`values`, with the gradient of `x`."""
    result: Tensor = _Valued.apply(x, values)  # type: ignore[no-untyped-call]
    return result


def scaled_gradient(x: Tensor, factor: float) -> Tensor:
    """`x`, with a gradient that is scaled on its way back."""
    result: Tensor = _Scaled.apply(x, factor)  # type: ignore[no-untyped-call]
    return result
