"""`build` and `stir`: a pair of agents from one old config; other weights in both, since fresh ones hide mistakes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from equivalence.finding import Pair
from equivalence.pairs import pair_of_configs
from migrate.agent_rules import era_of_config
from modules import Environment

Actions = tuple[Sequence[str], Sequence[int]]
DIVISORS = ".obs_norm"
"""Buffer from which the names of features are told, in files of E1 to E3, which kept none."""


def build(
    old: Mapping[str, Any],
    environment: Environment,
    actions: Actions,
    *,
    new: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Pair:
    """Fresh agents from one seed, with active actions, after others were.

    Args:
        old: an old agent config that names its era.
        environment: what they are built for.
        actions: names and largest parameters, for agents with one action head.
        new: the config for the new stack; None for `old`, migrated in memory.
        seed: of the initial weights.
    """
    names, largest = list(actions[0]), list(actions[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of sizes that are drawn to be odd
        pair = pair_of_configs(old, new or old, environment, seed, (names[::-1], largest[::-1]))
    if pair.sizes.nvec:
        return pair
    for agent in (pair.old, pair.new):
        # Again, so that rows of embeddings depend on what was active before (trap 1).
        cast(Any, agent).activate_actions(names, largest, "cpu")
    return replace(pair, sizes=replace(pair.sizes, max_params=tuple(largest)))


def stir(pair: Pair, seed: int = 0) -> None:
    """Gives both agents the same other values, near those that they have.

    Every parameter moves, so that no bias stays 0 and no two are alike; buffers of floats keep their signs, so that
    variances stay positive, and running means leave 0. Indices are left alone.

    Args:
        pair: both agents, of the same weights.
        seed: the same seed gives the same values.
    """
    generator = torch.Generator().manual_seed(seed)
    keeps_divisors = era_of_config(cast(Any, pair.new).config).is_since("E4a")
    old = {**dict(pair.old.named_buffers()), **dict(pair.old.named_parameters(remove_duplicate=False))}
    for name, mine in {**dict(pair.new.named_parameters()), **dict(pair.new.named_buffers())}.items():
        if not mine.is_floating_point() or name not in pair.names:
            continue
        if name.endswith(DIVISORS) and not keeps_divisors:
            continue
        moved = _moved(mine.detach(), generator, signed=isinstance(mine, nn.Parameter))
        with torch.no_grad():
            for tensor in (mine, old[pair.names[name]]):
                tensor.copy_(moved)


def _moved(value: Tensor, generator: torch.Generator, *, signed: bool) -> Tensor:
    noise = torch.randn(value.shape, generator=generator)
    if signed or not value.any():
        return value + 0.1 * noise
    return value * (0.3 * noise.clamp(-2, 2)).exp()
