"""`Case`: how to exercise one component alone, in both stacks, as data for generic tests."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import strategies as st

import equivalence.cases

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """A component that the tested one reads.

    Attributes:
        name: its name.
        shape: what it announces, without the batch.
        extra: what the config says of it besides, such as `slice` and `dim`.
        actual: the shape of its output, where it is not `shape`: an action embedding announces 0 actions.
    """

    name: str
    shape: Shape
    extra: Mapping[str, Any] = field(default_factory=dict)
    actual: Shape | None = None


@dataclass(frozen=True)
class Setup:
    """One way to build a component.

    Attributes:
        config: its old config, without `_target_` and `sources`.
        sources: None for components that have none.
        obs_shape: `(H, W, F)` of the environment.
        clip_range: the agent's.
        actions: action names to activate, for components that have some.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Source, ...] | None = None
    obs_shape: Shape = (3, 4, 2)
    clip_range: float = 0
    actions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """How to exercise one component.

    Attributes:
        setups: draws ways to build it that the old stack accepts.
        refused: ways to build it that both stacks must refuse.
    """

    setups: st.SearchStrategy[Setup]
    refused: tuple[Setup, ...] = ()


@cache
def cases() -> dict[str, Case]:
    """Every case, by stem."""
    stems = sorted(module.name for module in pkgutil.iter_modules(equivalence.cases.__path__))
    return {stem: importlib.import_module(f"equivalence.cases.{stem}").CASE for stem in stems}


def sizes(largest: int = 9) -> st.SearchStrategy[int]:
    """Small positive sizes."""
    return st.integers(1, largest)


def vector(name: str = "hidden") -> st.SearchStrategy[tuple[Source, ...]]:
    """One source that is a vector."""
    return sizes().map(lambda size: (Source(name, (size,)),))


def weight_options() -> st.SearchStrategy[dict[str, Any]]:
    """Old config keys that every component with a weight takes."""
    return st.fixed_dictionaries(
        {},
        optional={
            "nonlinearity": st.sampled_from([None, "nn.ReLU", "nn.Tanh", "nn.Sigmoid", "nn.PReLU", "torch.Tanh"]),
            "initialization": st.sampled_from(["Orthogonal", "xavier", "normal", "max_0_01"]),
            "clip_scale": st.sampled_from([0, 1, 1.0, 0.5]),
            "l2_init_scale": st.sampled_from([None, 0, 1.5]),
            "l2_norm_scale": st.sampled_from([None, 0, 2.0]),
            "analyze_weights": st.booleans(),
        },
    )
