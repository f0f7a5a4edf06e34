"""`StatefulModule`: a module with a state manager behind it."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from modules.base import one_per_key
from modules.errors import ConfigError
from modules.program import call
from modules.wrappers.wrapper import Wrapper


class StatefulModule(Wrapper):
    """Runs `module`, then `state_manager`, which may read what `module` read and wrote, and writes the next state.

    The state travels as tensors under the manager's own keys, which this wrapper reads and writes besides those of
    `module`; nothing is remembered between calls. The manager's parameters follow those of `module`, under
    `state_manager.`, since it becomes a child of it.

    Args:
        module: see `Wrapper`.
        state_manager: a module with `in_keys` and `out_keys`, such as a `StateManager`.

    Raises:
        ConfigError: a manager without keys, an output that both write, or a module that has a child of this name.
    """

    _read: int
    _written: tuple[str, ...]

    def __init__(self, module: nn.Module, state_manager: nn.Module) -> None:
        super().__init__(module)
        manager: Any = state_manager
        if not isinstance(manager, nn.Module) or not getattr(manager, "out_keys", ()):
            raise ConfigError(f"state_manager must be a module with in_keys and out_keys, got {type(manager).__name__}")
        keyed: Any = manager
        reads, writes = tuple(keyed.in_keys), tuple(keyed.out_keys)
        both = [key for key in writes if key in self.out_keys]
        if both:
            raise ConfigError(f"the state manager writes {both[0]!r}, as component {self.label} does")
        if "state_manager" in self._modules:
            raise ConfigError(f"there is a 'state_manager' already in component {self.label}")
        self._modules["state_manager"] = state_manager
        self._written = tuple(self.out_keys)
        extra = [key for key in reads if key not in (*self.in_keys, *self.out_keys)]
        self._read = len(self.in_keys)
        self.in_keys, self.out_keys = (*self.in_keys, *extra), (*self.out_keys, *writes)

    def compute(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Inputs of the module, then of its manager -> outputs of the module, then of its manager."""
        manager: Any = cast(nn.Module, self._modules["state_manager"])
        outputs = one_per_key(self.module, self.inner(*inputs[: self._read]))
        known = dict(zip((*self.in_keys, *self._written), (*inputs, *outputs), strict=True))
        return (*outputs, *one_per_key(manager, call(manager, *(known[key] for key in manager.in_keys))))
