"""`python -m equivalence alarms`: agents against their own copies, to count how often the harness cries wolf."""

from __future__ import annotations

import itertools
import json
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from rich.markup import escape

from equivalence.finding import Pair
from equivalence.hosts import host, hosts
from equivalence.options import positive, progress_bar, seed
from equivalence.pairs import ALIKE, twins
from equivalence.proof import Run, prove
from equivalence.result import LevelResult
from migrate import cli

SIDES = ("old", "new")
EXAMPLES = 60
"""Inputs per level, at most, before it is another agent's turn."""
ONCE = ("weights", "training")
"""Levels that are run once per agent."""
TRAINED_OF = 6
"""Of so many agents one runs these levels where few inputs are asked for."""
LEVELS = tuple(level for level in ALIKE if level not in ONCE)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0 where nothing was reported, 1 where an agent was said to differ from itself.
    """
    command = cli.Parser("python -m equivalence alarms", description=__doc__)
    command.add_argument(
        "--comparisons", type=positive, default=100_000, metavar="N", help="inputs to compare (100000)"
    )
    command.add_argument("--seed", type=seed, default=0, metavar="S", help="other inputs (0)")
    command.add_argument("--json", action="store_true", help="machine-readable result on standard output")
    args = command.parse_args(argv)
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = count(args.comparisons, args.seed)
    for alarm in result["alarms"]:
        cli.console.print(f"[red]false alarm[/red] {escape(alarm)}")
    cli.console.print(
        f"{len(result['alarms'])} false alarms in {result['comparisons']:,} comparisons "
        f"({result['tensors']:,} tensors): {result['old']:,} of old agents with their copies, "
        f"{result['new']:,} of new ones; {result['agents']} agents, {result['seconds']:.0f} s"
    )
    if args.json:
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
    return cli.FOUND if result["alarms"] else cli.DONE


def count(comparisons: int, seed: int = 0) -> dict[str, Any]:
    """Compares until there are enough inputs, one agent and one side after the other; every agent has its turn."""
    result: dict[str, Any] = {"comparisons": 0, "tensors": 0, "old": 0, "new": 0, "alarms": []}
    examples = examples_for(comparisons)
    agents: set[str] = set()
    trained = hosts() if examples == EXAMPLES else hosts()[::TRAINED_OF]
    started = time.perf_counter()
    with progress_bar() as bar:
        task = bar.add_task("comparing", total=comparisons)
        for turn, stem, side, pair in _turns():
            agents.add(stem)
            for found in _compare(pair, seed + turn, examples, whole=turn == 0 and stem in trained):
                result["comparisons"] += found.examples
                result["tensors"] += found.compared
                result[side] += found.examples
                result["alarms"] += [f"{stem}, {side}, {found.level}: {each}" for each in found.differences]
            bar.update(task, completed=result["comparisons"])
            if result["comparisons"] >= comparisons:
                break
    return {**result, "agents": len(agents), "seconds": time.perf_counter() - started}


def examples_for(comparisons: int) -> int:
    """Inputs per level with which every agent has its turn."""
    return min(EXAMPLES, max(1, comparisons // (len(hosts()) * len(SIDES) * len(LEVELS))))


def _compare(pair: Pair, seed: int, examples: int, *, whole: bool) -> list[LevelResult]:
    """The levels that are repeated and, with `whole`, those that are run once."""
    once = prove(pair, levels=ONCE, run=Run(1, seed, shrink=False)) if whole else []
    return once + prove(pair, levels=LEVELS, run=Run(examples, seed, shrink=False))


def _turns() -> Iterator[tuple[int, str, str, Pair]]:
    for turn in itertools.count():
        for stem in hosts():
            for side in SIDES:
                yield turn, stem, side, twins(host(stem), side)
