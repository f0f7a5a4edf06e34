"""`Case`: how to exercise one component alone, in both stacks, as data for generic tests."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from hypothesis import strategies as st

import equivalence.cases
from equivalence.mutant import Mutant

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """A component that the tested one reads.

    Attributes:
        name: its name.
        shape: what it announces, without the batch.
        extra: what the config says of it besides, such as `slice` and `dim`.
        actual: the shape of its output, where it is not `shape`: an action embedding announces 0 actions.
        below: for a source of indices, the number that they stay below.
        tokens: whether it gives tokens, uint8.
    """

    name: str
    shape: Shape
    extra: Mapping[str, Any] = field(default_factory=dict)
    actual: Shape | None = None
    below: int | None = None
    tokens: bool = False


@dataclass(frozen=True)
class Setup:
    """One way to build a component.

    Attributes:
        config: its old config, without `_target_` and `sources`.
        sources: None for components that have none.
        obs_shape: `(H, W, F)` of the environment, or `(M, 3)` of tokens.
        clip_range: the agent's.
        actions: action names to activate, for components that have some.
        era: whose code it is, by name or date.
        window: obs_width and obs_height, where observations are tokens.
        features: the numbers of the environment's features, where they have some; those of a box are counted.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Source, ...] | None = None
    obs_shape: Shape = (3, 4, 2)
    clip_range: float = 0
    actions: tuple[str, ...] = ()
    era: str = "E4d"
    window: tuple[int, int] = (11, 11)
    features: tuple[int, ...] = tuple(range(24))

    @property
    def has_tokens(self) -> bool:
        """Whether observations are tokens."""
        return len(self.obs_shape) == 2


@dataclass(frozen=True)
class Case:
    """How to exercise one component.

    Attributes:
        setups: draws ways to build it that the old stack accepts.
        refused: ways to build it that both stacks must refuse.
        errors: parts of what both sides may raise in a pass; anything else is a fault of the case.
        gaps: since when, before when, and why no old agent could be built with it; `setups` draws nothing of then.
        host: the setup in which mutants are planted, with sizes that no mistake could hide behind.
        mutants: mistakes of this component alone; those that any component could make stand in `mutants.py`.
    """

    setups: st.SearchStrategy[Setup]
    refused: tuple[Setup, ...] = ()
    errors: tuple[str, ...] = ()
    gaps: tuple[tuple[str, str, str], ...] = ()
    host: Setup | None = None
    mutants: tuple[Mutant, ...] = ()


@cache
def cases() -> dict[str, Case]:
    """Every case, by stem."""
    stems = sorted(module.name for module in pkgutil.iter_modules(equivalence.cases.__path__))
    return {stem: importlib.import_module(f"equivalence.cases.{stem}").CASE for stem in stems}


EVER = ("E1", "E2a", "E2c", "E3", "E4a", "E4d", "E5e", "E6c", "E7b", "E8", "E9", "E10", "E11")
"""Eras of components that there always were."""
EARLY = ("E1", "E2a", "E2b", "E2c", "E3", "E3b")
SINCE_E4 = EVER[4:]
LOST_SOURCES = ("E2a", "E4a", "agents told a merge nothing of its sources, so none could be built (trap 17)")


def in_eras(setups: st.SearchStrategy[Setup], eras: Sequence[str] = EVER) -> st.SearchStrategy[Setup]:
    """The same setups, in the code of any of some eras."""
    return st.builds(lambda setup, era: replace(setup, era=era), setups, st.sampled_from(list(eras)))


def sizes(largest: int = 9) -> st.SearchStrategy[int]:
    """Small positive sizes."""
    return st.integers(1, largest)


def vector(name: str = "hidden") -> st.SearchStrategy[tuple[Source, ...]]:
    """One source that is a vector."""
    return sizes().map(lambda size: (Source(name, (size,)),))


def shapes_of(ndim: int) -> st.SearchStrategy[tuple[Source, ...]]:
    """One source with `ndim` small dimensions."""
    return st.tuples(*[sizes(4)] * ndim).map(lambda shape: (Source("hidden", shape),))


def image() -> st.SearchStrategy[tuple[Source, ...]]:
    """One source that is an image."""
    return shapes_of(3)


def any_shape() -> st.SearchStrategy[tuple[Source, ...]]:
    """One source with one to three dimensions."""
    return st.integers(1, 3).flatmap(shapes_of)


@st.composite
def alike(draw: st.DrawFn, fewest: int, most: int) -> tuple[Source, ...]:
    """Sources of one shape, whole or in slices of one length along one dimension; one may be there twice."""
    shape = tuple(draw(st.lists(sizes(5), min_size=1, max_size=3)))
    axis = draw(st.integers(0, len(shape) - 1))
    dim = draw(st.sampled_from([axis + 1, axis - len(shape)]))
    length = draw(st.integers(1, shape[axis]))
    sources = []
    for name in draw(st.lists(st.sampled_from("abc"), min_size=fewest, max_size=most)):
        start = draw(st.integers(0, shape[axis] - length))
        whole = length == shape[axis] and draw(st.booleans())
        sources.append(Source(name, shape, {} if whole else {"slice": [start, start + length], "dim": dim}))
    return tuple(sources)


def dropouts(source: st.SearchStrategy[tuple[Source, ...]], *, inplace: bool = False) -> st.SearchStrategy[Setup]:
    """Setups of a dropout behind `source`."""
    options: dict[str, st.SearchStrategy[Any]] = {"p": st.sampled_from([0, 0.1, 0.5, 0.9, 1, 1.0])}
    if inplace:
        options["inplace"] = st.booleans()
    params = st.fixed_dictionaries({}, optional=options)
    return in_eras(st.builds(lambda sources, values: Setup(_params(values), sources), source, params))


def batch_norms(source: st.SearchStrategy[tuple[Source, ...]]) -> st.SearchStrategy[Setup]:
    """Setups of a batch norm behind `source`."""
    params = st.fixed_dictionaries(
        {},
        optional={
            "eps": st.sampled_from([1e-5, 1e-3]),
            "momentum": st.sampled_from([0.1, 0.5, None]),
            "affine": st.booleans(),
            "track_running_stats": st.booleans(),
        },
    )
    return in_eras(st.builds(lambda sources, values: Setup(_params(values), sources), source, params))


ONE_ROW = "Expected more than 1 value per channel when training"
"""What torch says of a batch norm that is to be trained on a single number per channel."""


def _params(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"nn_params": dict(values)} if values else {}


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
            "effective_rank": st.booleans(),
        },
    )


def early_weights(
    sources: st.SearchStrategy[tuple[Source, ...]], params: st.SearchStrategy[dict[str, Any]], *, sized: bool = True
) -> st.SearchStrategy[Setup]:
    """Setups of a component with a weight in E1 to E3, where its size stood beside `nn_params`, or was the input's."""
    size = st.fixed_dictionaries({}, optional={"output_size": sizes()} if sized else {})
    built = st.builds(
        lambda source, values, rest, options, clip_range: Setup(
            {**values, **_params(rest), **options}, source, clip_range=clip_range
        ),
        sources, size, params, weight_options(), st.sampled_from([0, 1.0]),
    )  # fmt: skip
    return in_eras(built, EARLY)


BIAS = st.fixed_dictionaries({}, optional={"bias": st.booleans()})
