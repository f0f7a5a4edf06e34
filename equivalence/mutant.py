"""`Mutant`: a mistake that a migration could make in one component, planted to put the harness on trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Compute = Callable[..., Any]


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Attributes:
        name: what is wrong, such as "gate order"; unique within a component.
        plant: makes the mistake in a component of the new stack, in place.
        level: the level that must find it.
        gradient: whether every value is right and only gradients are wrong.
        equivalent: why nothing that can be observed changes; empty where something does.
    """

    name: str
    plant: Callable[[Any], None]
    level: str = "inference"
    gradient: bool = False
    equivalent: str = ""


def computing(faulty: Compute) -> Callable[[Any], None]:
    """A plant that puts `faulty(right, module, *inputs)` in the place of `compute`, where `right` is the true one."""

    def plant(module: Any) -> None:
        right = type(module)

        def compute(self: Any, *inputs: Any) -> Any:
            return faulty(lambda *given: right.compute(self, *given), self, *inputs)

        module.__class__ = type(right.__name__, (right,), {"compute": compute, "__module__": right.__module__})

    return plant


def setting(**attributes: Any) -> Callable[[Any], None]:
    """A plant that sets attributes."""

    def plant(module: Any) -> None:
        for name, value in attributes.items():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no {name!r} to get wrong")
            setattr(module, name, value)

    return plant
