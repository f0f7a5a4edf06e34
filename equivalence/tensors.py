"""Parameters and buffers of a pair, each on both sides."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from equivalence.compare import same_bytes
from migrate.registry import LAYERS, rules


@dataclass(frozen=True)
class Twin:
    """One parameter on both sides.

    Attributes:
        name: the old one.
        old: of the legacy agent; None where it has none of that name.
        new: of the new one; likewise.
        component: whose it is.
    """

    name: str
    old: nn.Parameter | None
    new: nn.Parameter | None
    component: str | None


class Held:
    """One buffer on both sides.

    Attributes:
        name: the old one.
        component: whose it is.
        sides: of the legacy agent and of the new one.
    """

    def __init__(self, name: str, component: str | None, sides: tuple[Tensor, Tensor]) -> None:
        self.name, self.component, self.sides = name, component, sides
        self._values = [side.detach().clone() for side in sides]

    @property
    def has_changed(self) -> bool:
        """Whether a pass wrote into it on either side; torch's version counter misses what batch norm does."""
        return not all(same_bytes(side, value) for side, value in zip(self.sides, self._values, strict=True))

    def restore(self) -> None:
        """Puts the first values back."""
        if self.has_changed:
            for side, value in zip(self.sides, self._values, strict=True):
                side.copy_(value)


class HeldAttribute:
    """What one component keeps outside of its state dict, by its rule."""

    def __init__(self, component: nn.Module, name: str) -> None:
        self._component, self._name = component, name
        self._present = getattr(component, name)
        self._version = _version(self._present)
        self._value = deepcopy(self._present)  # the very object where it is immutable, such as a number

    def restore(self) -> None:
        """Puts the first value back, if a pass changed it."""
        now = getattr(self._component, self._name)
        if now is self._present and (now is self._value or self._version == _version(now) is not None):
            return
        if not _same(now, self._value):
            setattr(self._component, self._name, deepcopy(self._value))


def _version(value: Any) -> int | None:
    """How often a tensor was written into; None of anything else. Comparing bytes for every input costs more."""
    return value._version if isinstance(value, Tensor) else None


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and same_bytes(a, b)
    return not isinstance(a, Tensor) and not isinstance(b, Tensor) and bool(a == b)


def held_attributes(agent: nn.Module) -> list[HeldAttribute]:
    """The attributes that rules carry along, of all components of an agent of either stack."""
    rows = []
    for component in getattr(agent, "components", nn.ModuleDict()).values():
        package, _, stem = type(component).__module__.rpartition(".")
        rule = rules().get(stem)
        for attribute in rule.attributes if rule is not None else ():
            name = attribute.old if f"{package}." == LAYERS["legacy"] else attribute.new
            if hasattr(component, name):
                rows.append(HeldAttribute(component, name))
    return rows


def component_of(name: str) -> str | None:
    """The component that a parameter of the new agent belongs to, by its name."""
    parts = name.split(".")
    return parts[1] if parts[0] == "components" and len(parts) > 2 else None
