"""What bits depend on: the environment of a comparison, and its noise floor, measured before anything is compared."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from equivalence.finding import Finding, Pair
from equivalence.harness import LEVELS
from equivalence.pairs import twins
from equivalence.strategies import RECORDED, Draw, Inputs

NOISE_LEVELS = ("forward", "gradients")
NOISE_DRAWS = (Draw(1, 1, "small", "none", train=False, seed=0), Draw(4, 3, "small", "normal", train=True, seed=1))


def environment() -> dict[str, Any]:
    """What bits depend on besides the two agents."""
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "default_dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "mkldnn": torch.backends.mkldnn.enabled,
        "matmul_precision": torch.get_float32_matmul_precision(),
        "autocast": torch.is_autocast_enabled("cpu"),
    }


def conditions(pair: Pair, recorded: torch.Tensor | None = None) -> dict[str, Any]:
    """The environment, the noise floor, and what keeps a comparison from being bitwise.

    Returns:
        `environment`, `noise` (`compared`, `differing`, `ulp` of the old agent against itself) and `obstacles`, in
        words; none if bits can be compared.
    """
    facts = environment()
    noise = noise_floor(pair, recorded)
    return {"environment": facts, "noise": noise, "obstacles": [*_obstacles(pair, facts), *_noisy(noise)]}


def noise_floor(pair: Pair, recorded: torch.Tensor | None = None) -> dict[str, int]:
    """The old agent against itself, twice on each of a few inputs: differences that no migration made."""
    total = Finding()
    selves = twins(pair, "old")
    selves.hold_state()
    with torch.random.fork_rng(devices=[]):
        for draw in NOISE_DRAWS:
            used = replace(draw, observations=RECORDED) if recorded is not None else draw
            for agent in (selves.old, selves.new):
                agent.train(draw.train)
            for level in NOISE_LEVELS:
                selves.restore_state()
                found = LEVELS[level].run(selves, Inputs(used, pair.sizes, recorded))
                total.compared += found.compared
                total.differences += found.differences
    selves.restore_state()
    largest = max((found.ulp or 1 for found in total.differences), default=0)
    return {"compared": total.compared, "differing": len(total.differences), "ulp": largest}


def _obstacles(pair: Pair, facts: Mapping[str, Any]) -> list[str]:
    """Settings under which equal computations need not give equal bits."""
    dtypes = sorted({str(p.dtype).removeprefix("torch.") for agent in (pair.old, pair.new) for p in agent.parameters()})
    devices = sorted({p.device.type for agent in (pair.old, pair.new) for p in agent.parameters()})
    told = (
        (facts["threads"] != 1, f"{facts['threads']} threads: sums are split as the scheduler likes; use one"),
        (facts["autocast"], "autocast is on: types depend on which operation runs; turn it off"),
        (len(dtypes) > 1, f"parameters are {' and '.join(dtypes)}: both agents must have one type"),
        (len(devices) > 1, f"parameters lie on {' and '.join(devices)}: both agents must lie on one device"),
        (devices not in ([], ["cpu"]), f"parameters lie on {', '.join(devices)}, whose kernels may add atomically"),
    )
    return [text for holds, text in told if holds]


def _noisy(noise: Mapping[str, int]) -> list[str]:
    if not noise["differing"]:
        return []
    return [f"the old agent differs from itself in {noise['differing']} tensors, by up to {noise['ulp']} ulp"]
