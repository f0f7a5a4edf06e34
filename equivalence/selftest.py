"""`python -m equivalence selftest`: plants mistakes in migrated agents and shows which of them the proof finds."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any

import torch
from rich.markup import escape

from equivalence.agent_mutants import AGENT_MUTANTS, HOSTS, AgentMutant
from equivalence.case import cases
from equivalence.component import Built, Trial, build, compare_built, compare_state
from equivalence.fills import FLOATS
from equivalence.finding import Finding, Pair
from equivalence.harness import LEVELS
from equivalence.hosts import WITHOUT_HOST, host, subject
from equivalence.kill_table import Fault, figures, show
from equivalence.mutant import Mutant
from equivalence.mutants import mutants_of
from equivalence.options import positive, progress_bar, seed
from equivalence.proof import Run, prove
from equivalence.result import LevelResult
from equivalence.workers import CORES, workers
from migrate import cli
from migrate.errors import UnusableFileError
from modules.errors import MettaError

EXAMPLES = 100
"""Inputs within which a fault is to be found."""
SOUND = 5
"""Inputs per level on which a component that is named must be equal before anything is planted in it."""
ALONE = "alone"
"""The level of faults in components that no old agent holds: both sides of the component by itself."""
AGENT = "(agent)"
LAST_RESORT = ("weights", "attributes")
"""Levels that see any changed number without running it; they are asked last, so that behaviour is put to the test."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0 where every fault was found and none that changes nothing; 1 otherwise; 2 where a component that was named
        differs by itself.
    """
    command = cli.Parser("python -m equivalence selftest", description=__doc__)
    command.add_argument(
        "--component", action="append", choices=list(cases()), metavar="STEM", help="only this component's (repeatable)"
    )
    command.add_argument("--seed", type=seed, default=0, metavar="S", help="other inputs (0)")
    command.add_argument("--jobs", type=positive, default=CORES, metavar="N", help="processes (all cores)")
    command.add_argument("--json", action="store_true", help="machine-readable result on standard output")
    args = command.parse_args(argv)
    torch.set_num_threads(1)
    try:
        for stem in args.component or ():
            check_sound(stem, args.seed)
    except MettaError as error:
        cli.console.print(f"[red]error[/red]: {escape(str(error))}")
        return cli.UNUSABLE
    started = time.perf_counter()
    with progress_bar() as bar:
        task = bar.add_task("planting", total=len(args.component or (*cases(), AGENT)))
        faults = []
        for stem, found in trials(args.component, args.seed, args.jobs):
            faults += found
            bar.update(task, advance=1, description=stem)
    result = {**figures(faults), "seconds": time.perf_counter() - started, "faults": [asdict(each) for each in faults]}
    show(result, faults)
    if args.json:
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
    missed = result["planted"] - result["equivalent"] - result["killed"]
    return cli.FOUND if missed or result["wrongly_equivalent"] else cli.DONE


def trials(only: Sequence[str] | None, seed: int, jobs: int = 1) -> Iterator[tuple[str, list[Fault]]]:
    """Stem by stem, the fate of each of its mistakes; at last those of agents."""
    stems = [*(only or (*cases(), AGENT))]
    if jobs == 1 or len(stems) == 1:
        yield from ((stem, trial(stem, seed)) for stem in stems)
        return
    with workers(jobs) as pool:
        # Agents have most of them, so that they begin first.
        waiting = {stem: pool.submit(trial, stem, seed) for stem in sorted(stems, key=AGENT.__ne__)}
        yield from ((stem, waiting[stem].result()) for stem in stems)


def trial(stem: str, seed: int) -> list[Fault]:
    """The fate of each mistake in one component, or in agents."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if stem == AGENT:
            return [_planted_in_agent(mutant, seed) for mutant in AGENT_MUTANTS]
        return [*(_alone if stem in WITHOUT_HOST else _hosted)(stem, seed)]


def check_sound(stem: str, seed: int) -> None:
    """Refuses a component that differs by itself: whatever is planted there would count as found.

    Raises:
        UnusableFileError: "differs from the old one before anything is planted ...".
    """
    if stem in WITHOUT_HOST:
        return
    for result in prove(host(stem), run=Run(SOUND, seed, shrink=False)):
        if result.differences:
            raise UnusableFileError(
                f"differs from the old one before anything is planted, on {result.level}: {result.differences[0]}",
                where=f"component {stem!r}",
                fix=f"correct modules/layers/{stem}.py or migrate/rules/{stem}.py",
            )


def _hosted(stem: str, seed: int) -> Iterator[Fault]:
    pair, name = host(stem), subject(stem)
    for mutant in mutants_of(stem, pair.new.get_submodule(f"components.{name}")):
        planted = replace(pair, new=deepcopy(pair.new))
        mutant.plant(planted.new.get_submodule(f"components.{name}"))
        fault = Fault(stem, mutant.name, "gradient" if mutant.gradient else "forward", mutant.equivalent)
        yield _tried(fault, planted, mutant.level, name, seed)


def _planted_in_agent(mutant: AgentMutant, seed: int) -> Fault:
    pair = HOSTS[mutant.host]()
    planted = replace(pair, new=deepcopy(pair.new))
    with mutant.plant(planted.new):
        fault = Fault(AGENT, mutant.name, "gradient" if mutant.gradient else "forward", mutant.equivalent)
        return _tried(fault, planted, mutant.level, mutant.blamed, seed)


def _tried(fault: Fault, planted: Pair, first: str, culprit: str | None, seed: int) -> Fault:
    """Level after level, the likeliest first, until one finds the mistake."""
    tried = 0
    rest = [level for level in LEVELS if level != first and level not in LAST_RESORT]
    for level in (first, *rest, *(each for each in LAST_RESORT if each != first)):
        run = Run(EXAMPLES if level == first else EXAMPLES // 4, seed, shrink=False)
        (found,) = prove(planted, levels=[level], run=run)
        tried += found.examples
        if found.differences:
            return replace(fault, **_kill(found, tried, culprit))
    return fault


def _kill(found: LevelResult, tried: int, culprit: str | None) -> dict[str, Any]:
    return {
        "killed": True,
        "level": found.level,
        "examples_to_kill": max(1, tried),
        "blamed": found.blamed,
        "blamed_right": None if culprit is None else found.blamed == (culprit or None),
        "detail": str(found.differences[0]),
    }


def _alone(stem: str, seed: int) -> Iterator[Fault]:
    """Mistakes in a component that no old agent holds: both sides of it alone."""
    setup = cases()[stem].host
    if setup is None:
        return
    for mutant in mutants_of(stem, build(stem, setup, seed).new):
        yield _tried_alone(stem, mutant, seed)


def _tried_alone(stem: str, mutant: Mutant, seed: int) -> Fault:
    fault = Fault(stem, mutant.name, "gradient" if mutant.gradient else "forward", mutant.equivalent)
    setup = cases()[stem].host
    assert setup is not None
    with torch.random.fork_rng(devices=[]):
        built = build(stem, setup, seed)
        _stir(built)
        mutant.plant(built.new)
        for number in range(EXAMPLES):
            finding, values = Finding(), list(FLOATS)[number % len(FLOATS)]
            compare_built(finding, built, Trial(1 + number % 4, 1 + number % 3, values, True, bool(number % 2), number))
            _clip(built)
            compare_state(finding, built)
            if finding.differences:
                detail = str(finding.differences[0])
                return replace(fault, killed=True, level=ALONE, examples_to_kill=number + 1, detail=detail)
    return fault


def _stir(built: Built) -> None:
    """Other weights in both, since fresh ones hide mistakes."""
    there: dict[str, Any] = dict(built.old.named_parameters())
    here: dict[str, Any] = dict(built.new.named_parameters())
    for old, new in built.moves:
        if old in there:
            moved = here[new].detach() + 0.1 * torch.randn(here[new].shape)
            for parameter in (there[old], here[new]):
                parameter.data.copy_(moved)


def _clip(built: Built) -> None:
    """What follows an optimizer's step."""
    sides: tuple[Any, ...] = (built.old, built.new)
    for side in sides:
        if hasattr(side, "clip_weights"):
            side.clip_weights()
