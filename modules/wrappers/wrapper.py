"""`Wrapper`: a module around a module, under the same names."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, MutableMapping
from functools import cache
from typing import Any, Self, cast

from torch import Tensor, nn

from modules.base import MettaModule
from modules.errors import ConfigError
from modules.program import call, class_names

SHARED = (
    "_parameters",
    "_buffers",
    "_non_persistent_buffers_set",
    "_modules",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)
"""What a wrapper and what it wraps hold together: tables of tensors, and of hooks on their names."""


@cache
def _declared(cls: type) -> frozenset[str]:
    """Attributes that the bodies of a class and of its bases announce."""
    return frozenset(name for each in cls.__mro__ for name in inspect.get_annotations(each))


class Wrapper(MettaModule):
    """Stands for `module`: the same keys, and the same parameters, buffers and children under the same names.

    Names and order stay as they were because both modules hold the very same tables of them; the wrapped one is found
    by `modules()` right after its wrapper, with the same name. What a wrapper does not know, `module` is asked for,
    and attributes that `module` has are set there.

    Subclasses override `compute`, where `self.inner(*inputs)` is the wrapped computation, and declare attributes of
    their own in the class body: others would be set in `module`, where it has some of that name.

    Args:
        module: a `MettaModule`, perhaps a wrapper itself, or any module with `in_keys` and `out_keys`.

    Raises:
        ConfigError: "... wraps a module with in_keys and out_keys ...", "a wrapper keeps its module ...".
    """

    module: nn.Module

    def __init__(self, module: nn.Module) -> None:
        given: Any = module
        if not isinstance(given, nn.Module) or not hasattr(given, "in_keys") or not hasattr(given, "out_keys"):
            needed = "wraps a module with in_keys and out_keys"
            raise ConfigError(f"{type(self).__name__} {needed}, got {type(given).__name__}")
        super().__init__(cast(Any, given).in_keys, cast(Any, given).out_keys)
        # Past nn.Module's own `__setattr__`, which would make it a child, and its name part of every name below.
        self.__dict__["module"] = module
        for table in SHARED:
            self.__dict__[table] = getattr(module, table)
        self.training = module.training

    def inner(self, *inputs: Tensor) -> Any:
        """What the wrapped module computes, its hooks included."""
        return call(self.module, *inputs)

    def compute(self, *inputs: Tensor) -> Any:
        """What the wrapped module computes."""
        return self.inner(*inputs)

    @property
    def label(self) -> str:
        """The wrapped component for messages: its first output, and the class that computes it."""
        name = type(innermost(self)).__name__
        return f"{self.out_keys[0]!r} ({name})" if self.out_keys else name

    # A wrapper's own class has these as constants; what counts is what the wrapped module says.
    @property
    def io_sizes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Of the wrapped module."""
        return getattr(self.module, "io_sizes", ())

    @property
    def saved_attributes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Of the wrapped module."""
        return getattr(self.module, "saved_attributes", ())

    @property
    def draws_random_numbers(self) -> bool:
        """As the wrapped module."""
        return bool(getattr(self.module, "draws_random_numbers", False))

    def _add_losses(self, data: MutableMapping[str, Any]) -> None:
        """Adds what the wrapped module adds."""
        if isinstance(self.module, MettaModule):
            self.module._add_losses(data)

    def __getattr__(self, name: str) -> Any:
        # Only asked for what is found nowhere else; in the middle of unpickling there is no module yet.
        if "module" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        module = self.__dict__.get("module")
        if name == "module" and module is not None:
            raise ConfigError(f"a wrapper keeps its module: put a new {type(self).__name__} around the other one")
        is_own = name in self.__dict__ or hasattr(type(self), name) or name in _declared(cast(Any, type(self)))
        if module is None or is_own or not hasattr(module, name):
            super().__setattr__(name, value)
        else:
            setattr(module, name, value)

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Module]]:
        """This wrapper, then what it wraps, both under `prefix`."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        yield from self.module.named_modules(memo, prefix, remove_duplicate)

    def train(self, mode: bool = True) -> Self:
        """Sets the mode of the wrapper and of what it wraps."""
        super().train(mode)
        self.module.train(mode)
        return self

    def apply(self, fn: Any) -> Self:
        """Applies `fn` to the wrapped module and its children; the wrapper has nothing that is not theirs."""
        self.module.apply(fn)
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        cast(Any, self.module)._apply(fn, recurse)
        return self

    @property
    def _version(self) -> int:  # type: ignore[override]
        """Of the wrapped module's state dict."""
        return self.module._version

    def _save_to_state_dict(self, *args: Any) -> None:
        cast(Any, self.module)._save_to_state_dict(*args)

    def _load_from_state_dict(self, *args: Any) -> None:
        cast(Any, self.module)._load_from_state_dict(*args)

    def extra_repr(self) -> str:
        """The wrapped module's classes, since it is no child, and its keys."""
        return f"around {class_names(self.module)}, {', '.join(self.in_keys)} -> {', '.join(self.out_keys)}"


def innermost(module: nn.Module) -> nn.Module:
    """What is wrapped, and no wrapper; a module without wrappers itself."""
    while isinstance(module, Wrapper):
        module = module.module
    return module
