"""Parameters and buffers of a pair, each on both sides."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from equivalence.compare import same_bytes


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


def component_of(name: str) -> str | None:
    """The component that a parameter of the new agent belongs to, by its name."""
    parts = name.split(".")
    return parts[1] if parts[0] == "components" and len(parts) > 2 else None
