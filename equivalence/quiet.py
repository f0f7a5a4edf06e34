"""What surrounds each input that a proof tries: Hypothesis's settings, modes, random numbers and warnings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from hypothesis import HealthCheck, Phase, settings

from equivalence.finding import Pair
from equivalence.strategies import Draw

PHASES = (Phase.generate, Phase.shrink)


def settings_for(examples: int, *, shrink: bool) -> settings:
    """Of Hypothesis, for so many inputs."""
    return settings(
        max_examples=max(1, examples), database=None, deadline=None, phases=PHASES if shrink else PHASES[:1],
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip


@contextmanager
def quiet(pair: Pair, draw: Draw) -> Iterator[None]:
    """Both agents in the drawn mode; the caller's random numbers are left alone."""
    for agent in (pair.old, pair.new):
        if agent.training != draw.train:
            agent.train(draw.train)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old code warns of observations that are drawn to be odd
        yield
