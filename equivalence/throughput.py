"""`python -m equivalence throughput`: comparisons per second, and the harness's own share of the time."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from rich.table import Table
from torch import nn

from equivalence.call import EVERY
from equivalence.case import cases
from equivalence.component import Trial, build, compare_built
from equivalence.conditions import environment
from equivalence.fills import FLOATS
from equivalence.finding import Finding, Pair
from equivalence.hosts import host
from equivalence.levels.passes import loss_of
from equivalence.proof import Run, prove
from equivalence.strategies import Draw, Inputs
from equivalence.tracing import trace
from migrate import cli

AGENTS = ("linear", "conv2d", "lstm", "actor_big", "obs_token_to_box_shaper", "obs_latent_attn")
"""Components whose host agents are timed: boxes and tokens, each kind of actor and of encoder."""
ROUNDS = 1
PER_ROUND = 400
"""Inputs per agent and level, as in the nightly profile: Hypothesis draws one structure for several of them."""
Bare = Callable[[nn.Module, Inputs], Callable[[], object]]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; always returns 0."""
    command = cli.Parser("python -m equivalence throughput", description=__doc__)
    command.add_argument("--seconds", type=float, default=10, help="for the component cases (10)")
    command.add_argument("--json", action="store_true", help="machine-readable result on standard output")
    args = command.parse_args(argv)
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = {"environment": environment(), "components": components(args.seconds), "agents": agents()}
    _show(result)
    if args.json:
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
    return cli.DONE


def components(seconds: float) -> dict[str, Any]:
    """Component cases per second: forward, backward, comparison, on built pairs, every component in turn."""
    built = [build(stem, case.host, 0) for stem, case in cases().items() if case.host is not None]
    finding, count = Finding(), 0
    with torch.random.fork_rng(devices=[]):
        for each in built:  # untimed: torch's first backward pass imports for seconds
            compare_built(Finding(), each, _trial(0))
        started = time.perf_counter()
        while (spent := time.perf_counter() - started) < seconds:
            for each in built:
                compare_built(finding, each, _trial(count))
                count += 1
    return {
        "components": len(built),
        "cases": count,
        "compared": finding.compared,
        "differences": len(finding.differences),
        "cases_per_second": count / spent,
    }


def _trial(seed: int) -> Trial:
    kinds = list(FLOATS)
    return Trial(1 + seed % 4, 1 + seed % 3, kinds[seed % len(kinds)], bool(seed % 2), bool(seed % 5), seed)


def agents() -> dict[str, Any]:
    """Agent cases per second on small agents, and what the harness takes besides the two agents' own passes."""
    pairs = [host(stem) for stem in AGENTS]
    return {"agents": list(AGENTS), **{level: _timed(pairs, level, bare) for level, bare in BARE.items()}}


def _timed(pairs: Sequence[Pair], level: str, bare: Bare) -> dict[str, float]:
    """A proof, Hypothesis and all, and the bare passes on its inputs in turn, so that noise hurts both alike."""
    rates, shares = [], []
    for number in range(ROUNDS):
        for pair in pairs:
            tried: list[Draw] = []
            run = Run(PER_ROUND, seed=number, progress=lambda _, draw, tried=tried: tried.append(draw))  # type: ignore[misc]
            whole = _seconds(lambda pair=pair, run=run: prove(pair, levels=[level], run=run))  # type: ignore[misc]
            own = sum(_bare_seconds(pair, draw, bare) for draw in tried)
            rates.append(len(tried) / whole)
            shares.append(whole / own - 1)
    return {"cases_per_second": statistics.median(rates), "share": statistics.median(shares)}


def _bare_seconds(pair: Pair, draw: Draw, bare: Bare) -> float:
    """What both agents take for one input, the plain call included, without making it or looking at what comes out."""
    inputs = Inputs(draw, pair.sizes)
    called = [pair.new] if bare is _infer and draw.seed % EVERY == 0 else []
    spent = 0.0
    with torch.random.fork_rng(devices=[]):
        for agent in (pair.old, pair.new, *called):
            agent.train(draw.train)
            run = bare(agent, inputs)
            started = time.perf_counter()
            with contextlib.suppress(Exception):  # NaN cannot be sampled from, on either side
                run()
            spent += time.perf_counter() - started
    return spent


def _infer(agent: nn.Module, inputs: Inputs) -> Callable[[], object]:
    obs, state = inputs.step_obs(), inputs.state()
    return torch.no_grad()(partial(trace, agent, obs, state=state))


def _train(agent: nn.Module, inputs: Inputs) -> Callable[[], object]:
    obs, action, state = inputs.sequence_obs(), inputs.action(), inputs.state()

    def run() -> None:
        agent.zero_grad(set_to_none=True)
        torch.autograd.backward(loss_of(trace(agent, obs, action=action, state=state), inputs))

    return run


BARE: dict[str, Bare] = {"inference": _infer, "gradients": _train}
"""Level -> what its passes are without the harness."""


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _show(result: dict[str, Any]) -> None:
    table = Table(title="throughput, one thread", title_justify="left")
    for heading in ("what", "cases per second", "harness besides the agents"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    row = result["components"]
    table.add_row(f"{row['components']} components, forward and backward", f"{row['cases_per_second']:,.0f}", "")
    for level in BARE:
        row = result["agents"][level]
        table.add_row(f"agents, {level}", f"{row['cases_per_second']:,.0f}", f"{row['share']:.1%}")
    cli.console.print(table)
