"""`RegularizedModule`: a module whose parameters cost something in training."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from torch import nn

from modules.errors import ConfigError
from modules.regularization import add_regularization
from modules.wrappers.wrapper import Wrapper


class RegularizedModule(Wrapper):
    """Adds `l2_scale * sum(w ** 2) + l1_scale * sum(|w|)` to `regularization_loss` in training.

    The loss goes into the mapping that `forward`, or the container, was called with, on top of what is there. A
    parameter that several regularisers hold costs once: what the innermost says, or the one that was registered last.

    Args:
        module: see `Wrapper`.
        l2_scale: weight of the sum of squares.
        l1_scale: weight of the sum of absolute values.

    Raises:
        ConfigError: "... must be a number >= 0 ...".
    """

    l2_scale: float
    l1_scale: float

    def __init__(self, module: nn.Module, l2_scale: float = 0.01, l1_scale: float = 0.0) -> None:
        scales: dict[str, Any] = {"l2_scale": l2_scale, "l1_scale": l1_scale}
        for name, scale in scales.items():
            if not isinstance(scale, (int, float)) or not scale >= 0:
                raise ConfigError(f"{name} must be a number >= 0, got {scale!r}")
        super().__init__(module)
        self.l2_scale, self.l1_scale = l2_scale, l1_scale

    def _add_losses(self, data: MutableMapping[str, Any]) -> None:
        """Adds the loss of this module, and of others inside it."""
        add_regularization(data, regularizers([self]))


def regularizers(modules: Iterable[nn.Module]) -> list[RegularizedModule]:
    """All of them in some modules, inner ones first."""
    modules = list(modules)
    if not _hold_any(modules):
        return []
    found = [each for module in modules for each in module.modules() if isinstance(each, RegularizedModule)]
    return list(dict.fromkeys(reversed(found)))


def _hold_any(modules: Iterable[nn.Module]) -> bool:
    """Whether there is one at all, for a quarter of what `nn.Module.modules` takes: this is asked in every pass."""
    pending = list(modules)
    while pending:
        module = pending.pop()
        if isinstance(module, Wrapper):
            if isinstance(module, RegularizedModule):
                return True
            pending.append(module.module)
        elif module._modules:
            pending.extend(child for child in module._modules.values() if child is not None)
    return False
