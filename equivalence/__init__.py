"""The judge of every migration: both stacks side by side on generated inputs, equal bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from equivalence.tracing import Trace, trace

__all__ = ["Trace", "trace"]


def __getattr__(name: str) -> Any:
    # Lazy: pytest loads this package's plugin before the tests can set what torch reads on import.
    if name in __all__:
        from equivalence import tracing

        return getattr(tracing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
