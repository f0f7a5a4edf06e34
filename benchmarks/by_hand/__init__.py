"""Each agent as a person would write it: plain torch, one module, one forward."""

from benchmarks.by_hand.loading import by_hand, parameter_names

__all__ = ["by_hand", "parameter_names"]
