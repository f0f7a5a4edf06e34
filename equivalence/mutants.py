"""`mutants_of`: the mistakes to plant in a component, those that any component could make and its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from equivalence.case import cases
from equivalence.mutant import Mutant, computing
from equivalence.mutants_equivalent import ELSEWHERE, EQUIVALENT
from equivalence.mutants_probe import facts
from equivalence.plants import Plant, on_output, scaled_gradient, standing_in, with_values

# N rows


@dataclass(frozen=True)
class Generic:
    """A mistake that any component could make.

    Attributes:
        name: see `Mutant`.
        plant: see `Mutant`.
        needs: what must be true of a component for it, in the words of `facts`.
        level: see `Mutant`.
        gradient: see `Mutant`.
    """

    name: str
    plant: Plant
    needs: frozenset[str] = frozenset()
    level: str = "inference"
    gradient: bool = False


def mutants_of(stem: str, component: nn.Module) -> list[Mutant]:
    """The mistakes to plant in a component of a stem: those that any could make and it too, and its own."""
    here = facts(stem, component)
    fitting = [each for each in GENERIC if each.needs <= here]
    return [*(_in(stem, each) for each in fitting), *cases()[stem].mutants]


def _in(stem: str, general: Generic) -> Mutant:
    where = (stem, general.name)
    level = ELSEWHERE.get(where, general.level)
    return Mutant(general.name, general.plant, level, general.gradient, EQUIVALENT.get(where, ""))


def _largest(module: nn.Module, fits: Callable[[str, Tensor], bool]) -> Tensor:
    """The largest of the parameters that fit."""
    return max((p for name, p in module.named_parameters() if fits(name, p)), key=torch.numel)


def _is_weight(_: str, parameter: Tensor) -> bool:
    return parameter.dim() >= 2


def _is_square(_: str, parameter: Tensor) -> bool:
    return parameter.dim() >= 2 and parameter.shape[-1] == parameter.shape[-2]


def _is_bias(name: str, _: Tensor) -> bool:
    return "bias" in name


def _is_any(_: str, __: Tensor) -> bool:
    return True


def _on_largest(fits: Callable[[str, Tensor], bool], change: Callable[[Tensor], Tensor]) -> Plant:
    @torch.no_grad()
    def plant(module: Any) -> None:
        parameter = _largest(module, fits)
        parameter.copy_(change(parameter.clone()))

    return plant


def _upwards(weight: Tensor) -> Tensor:
    return torch.nextafter(weight, torch.full_like(weight, torch.inf))


def _first_upwards(weight: Tensor) -> Tensor:
    flat = weight.flatten()
    flat[:1] = _upwards(flat[:1])
    return flat.view_as(weight)


def _rolled(weight: Tensor) -> Tensor:
    return weight.roll(1, next((dim for dim, size in enumerate(weight.shape) if size > 1), 0))


def _in_type(dtype: torch.dtype, back: torch.dtype) -> Plant:
    """Computes in another type of floats, and leaves or rounds what comes out."""

    def cast(value: Any, to: torch.dtype) -> Any:
        return value.to(to) if isinstance(value, Tensor) and value.is_floating_point() else value

    def faulty(right: Callable[..., Any], module: Any, *inputs: Any) -> Any:
        with standing_in(module, lambda _, tensor: cast(tensor, dtype)):
            result = right(*(cast(value, dtype) for value in inputs))
        return tuple(cast(v, back) for v in result) if isinstance(result, tuple) else cast(result, back)

    return computing(faulty)


def _in_mode(*, train: bool) -> Plant:
    def faulty(right: Callable[..., Any], module: Any, *inputs: Any) -> Any:
        meant = module.training
        module.train(train)
        try:
            return right(*inputs)
        finally:
            module.train(meant)

    return computing(faulty)


def _with_gradient(change: Callable[[Tensor], Tensor]) -> Plant:
    """Computes with the largest parameter as `change` makes it."""

    def faulty(right: Callable[..., Any], module: Any, *inputs: Any) -> Any:
        meant = _largest(module, _is_any)
        with standing_in(module, lambda _, tensor: change(tensor) if tensor is meant else tensor):
            return right(*inputs)

    return computing(faulty)


def _drawing(right: Callable[..., Any], _: Any, *inputs: Any) -> Any:
    torch.rand(1)
    return right(*inputs)


def _writing(right: Callable[..., Any], _: Any, *inputs: Any) -> Any:
    result = right(*inputs)
    inputs[0].data.mul_(2)
    return result


def _stale(right: Callable[..., Any], module: Any, *inputs: Any) -> Any:
    """What came out of the first pass of as many rows."""
    result = right(*inputs)
    first = result[0] if isinstance(result, tuple) else result
    known = module.__dict__.setdefault("_known", {}).setdefault(len(first), first.detach())
    stale = with_values(first, known)
    return (stale, *result[1:]) if isinstance(result, tuple) else stale


def _another_layout(output: Tensor) -> Tensor:
    return output.transpose(0, -1).contiguous().transpose(0, -1)


def _flushed(output: Tensor) -> Tensor:
    return torch.where(output.abs() < torch.finfo(output.dtype).tiny, torch.zeros_like(output), output)


def _lose_buffer(module: Any) -> None:
    buffer = next(buffer for buffer in module.buffers() if buffer.numel())
    buffer.zero_()


def _freeze(module: Any) -> None:
    _largest(module, _is_any).requires_grad_(False)


def _lose_attribute(module: Any) -> None:
    """The last saved attribute is what it would be if nobody had saved it."""
    for name in reversed(module.saved_attributes):
        value = getattr(module, name)
        if isinstance(value, Tensor):
            setattr(module, name, torch.zeros_like(value))
        elif isinstance(value, dict):
            setattr(module, name, {})
        elif value is not None:
            setattr(module, name, not value if isinstance(value, bool) else value * 2 + 1)
        if value is not None:
            return


def _needs(*words: str) -> frozenset[str]:
    return frozenset(words)


GENERIC: tuple[Generic, ...] = (
    Generic("every weight one ulp up", _on_largest(_is_any, _upwards), _needs("parameter")),
    Generic("one weight one ulp up", _on_largest(_is_any, _first_upwards), _needs("parameter"), level="weights"),
    Generic("rows of a weight one on", _on_largest(_is_weight, _rolled), _needs("weight")),
    Generic("a square weight transposed", _on_largest(_is_square, lambda w: w.mT), _needs("square")),
    Generic("a bias left out", _on_largest(_is_bias, torch.zeros_like), _needs("bias")),
    Generic("a weight's sign", _on_largest(_is_any, torch.neg), _needs("parameter")),
    Generic("the output's sign", on_output(torch.neg), _needs("float")),
    Generic("the output one on", on_output(lambda y: y.roll(1, -1))),
    Generic("rows of the batch one on", on_output(lambda y: y.roll(1, 0))),
    Generic("a dimension more", on_output(lambda y: y.unsqueeze(1))),
    Generic("a dimension of 1 squeezed", on_output(torch.squeeze)),
    Generic("left in float64", _in_type(torch.float64, torch.float64), _needs("float")),
    Generic(
        "computed in float64 and rounded", _in_type(torch.float64, torch.float32), _needs("float"), level="gradients"
    ),
    Generic("computed in bfloat16", _in_type(torch.bfloat16, torch.float32), _needs("float")),
    Generic("the first pass over again", computing(_stale)),
    Generic("a random number drawn", computing(_drawing)),
    Generic("always in evaluation", _in_mode(train=False), _needs("modal")),
    Generic("always in training", _in_mode(train=True), _needs("modal")),
    Generic("another layout", on_output(_another_layout)),
    Generic("contiguous", on_output(torch.Tensor.contiguous), _needs("strided")),
    Generic("its input changed", computing(_writing), _needs("source")),
    Generic("a buffer is zero", _lose_buffer, _needs("buffer")),
    Generic("NaN is 0", on_output(lambda y: torch.where(y.isnan(), 0.0, y)), _needs("NaN"), level="component"),
    Generic("-0.0 is 0.0", on_output(lambda y: y + 0.0), _needs("-0.0"), level="component"),
    Generic("tiny numbers are 0", on_output(_flushed), _needs("subnormal"), level="component"),
    Generic("cut off", on_output(torch.Tensor.detach), _needs("differentiable"), level="gradients", gradient=True),
    Generic(
        "its gradient twice",
        on_output(lambda y: scaled_gradient(y, 2.0)),
        _needs("differentiable"),
        level="gradients",
        gradient=True,
    ),
    Generic(
        "a parameter cut off",
        _with_gradient(torch.Tensor.detach),
        _needs("parameter"),
        level="gradients",
        gradient=True,
    ),
    Generic(
        "a parameter's gradient halved",
        _with_gradient(lambda p: scaled_gradient(p, 0.5)),
        _needs("parameter"),
        level="gradients",
        gradient=True,
    ),
    Generic("a frozen parameter", _freeze, _needs("parameter"), level="attributes"),
    Generic("a saved attribute is lost", _lose_attribute, _needs("attributes"), level="attributes"),
)
"""Mistakes that any component could make."""
