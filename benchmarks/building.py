"""What it takes until there is an agent: building one, and importing the package."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import modules
from benchmarks.figure import Figure, exactly, median, ratio
from benchmarks.measure import Measure
from benchmarks.rounds import Effort, take_turns
from benchmarks.subjects import AGENTS, environment_for, read_config
from migrate import config_rules
from migrate.agent_rules import era_of_config
from migrate.to_legacy import legacy_agent

ROOT = Path(__file__).resolve().parent.parent
MILLI = 1e3
IMPORTS = 5
"""Fresh processes, at most: each one imports torch."""
IMPORT = """
import json, sys, time
import torch
before, started = set(sys.modules), time.process_time()
import modules
spent = time.process_time() - started
added = {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps([spent, sorted(added - set(sys.stdlib_module_names) - {"modules"})]))
"""


def measures() -> Iterator[Measure]:
    """Building each agent, and the import."""
    for name in AGENTS:
        label = f"build/{name}"
        yield Measure(label, partial(measure, name, label))
    yield Measure("import/modules", measure_import)


def measure(name: str, prefix: str, effort: Effort) -> list[Figure]:
    """From a config to an agent: each stack reads its own words, with no migration between."""
    config = read_config(name)
    environment, era = environment_for(config), era_of_config(config)
    old_config = config_rules.to_old_agent(config, era, name)
    sides = {
        "exact": lambda: modules.MettaAgent(config, environment),
        "old": lambda: legacy_agent(old_config, environment, name, era),
    }
    seconds = take_turns(sides, effort)
    return [
        ratio(f"{prefix}/exact:old", seconds["exact"], seconds["old"]),
        median(f"{prefix}/exact", [MILLI * each for each in seconds["exact"]], "ms"),
        median(f"{prefix}/old", [MILLI * each for each in seconds["old"]], "ms"),
    ]


def measure_import(effort: Effort) -> list[Figure]:
    """Packages that `import modules` imports and `import torch` does not, and how long it takes besides."""
    runs: list[Any] = [_import_once() for _ in range(min(effort.rounds, IMPORTS))]
    found = sorted({package for _, packages in runs for package in packages})
    return [
        exactly("import/modules/packages", len(found), "packages", note=", ".join(found)),
        median("import/modules/time", [MILLI * spent for spent, _ in runs], "ms"),
    ]


def _import_once() -> Any:
    done = subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
