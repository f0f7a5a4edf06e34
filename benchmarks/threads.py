"""The same comparisons with two threads, for information: `python -m benchmarks.threads AGENT EFFORT...`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path

import torch

from benchmarks import speed
from benchmarks.figure import Figure
from benchmarks.measure import Measure
from benchmarks.rounds import QUICK, Effort
from benchmarks.subjects import AGENTS

ROOT = Path(__file__).resolve().parent.parent
THREADS = 2


def measures() -> Iterator[Measure]:
    """One per agent, each in a process of its own: the number of threads is best set before there are any."""
    for name in AGENTS:
        yield Measure(f"{prefix()}/{name}", partial(measure, name))


def prefix() -> str:
    """How names of these figures begin."""
    return f"speed_{THREADS}_threads"


def measure(name: str, _: Effort) -> list[Figure]:
    """All workloads of an agent, in another process; shortly, since nothing is promised and passes may take long."""
    command = [sys.executable, "-m", "benchmarks.threads", name, *map(str, astuple(QUICK))]
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [Figure(**each) for each in json.loads(done.stdout)]


def main(arguments: Sequence[str]) -> None:
    """Measures, and prints the figures as JSON."""
    name, rounds, seconds, turn, turns = arguments
    torch.set_num_threads(THREADS)
    effort = Effort(int(rounds), float(seconds), float(turn), int(turns))
    chosen = [each for each in speed.measures(threads=THREADS) if each.name.startswith(f"{prefix()}/{name}/")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figures = [figure.to_dict() for each in chosen for figure in each.run(effort)]
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
