"""Which real files exercise which component: configs, checkpoints and goldens of a folder, counted by era."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from equivalence.pairs import pair_of_configs
from legacy import component_policies
from migrate.agent_rules import era_of_config
from migrate.archive import read_checkpoint
from migrate.commits import DATES
from migrate.config_text import to_modules
from migrate.eras import Era
from migrate.errors import MigrationError
from migrate.found import components_of, find_agent
from migrate.plan import make_plan
from migrate.registry import has_rule, stem_of_old

KINDS = {"c": "configs", "p": "policies", "g": "goldens"}
FAMILY = re.compile(r"E\d+")


def family_of(name: str) -> str:
    """`E5c` -> `E5`."""
    match = FAMILY.match(name)
    if match is None:
        raise ValueError(f"{name!r} does not begin with an era")
    return match.group()


@dataclass
class RealFiles:
    """What was found.

    Attributes:
        exercised: `(stem, era, key of KINDS)` -> how many files.
        used: key of KINDS -> how many files exercised something.
        refused: file -> why none of its components was counted.
    """

    exercised: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, family: str, paths: Iterable[str]) -> None:
        """Counts a file once for each stem among the classes of its components."""
        stems = {stem_of_old(path, "") for path in paths if has_rule(path)}
        self.used[kind] += 1
        self.exercised.update((stem, family, kind) for stem in stems)


@dataclass(frozen=True)
class Folder:
    """The folder with the real files."""

    root: Path

    @cached_property
    def agents(self) -> dict[str, str]:
        """Text of every agent config, by path below `configs`."""
        files = sorted((self.root / "configs").glob("E*/**/*.yaml"))
        texts = {file.relative_to(self.root / "configs").as_posix(): file.read_text(encoding="utf-8") for file in files}
        return {name: text for name, text in texts.items() if components_in(text)}

    def files(self) -> RealFiles:
        """Reads all of them."""
        real = RealFiles()
        for name, text in self.agents.items():
            self._config(real, name, text)
        for file in sorted((self.root / "checkpoints").glob("*/*/policy.pt")):
            self._policy(real, file)
        for file in sorted((self.root / "golden").glob("*.json")):
            self._golden(real, file)
        return real

    def _config(self, real: RealFiles, name: str, text: str) -> None:
        family = family_of(name)
        try:
            new = agent_in(to_modules(text, name, DATES.get(Path(name).stem.rpartition(".")[2], family)).text)
            pair_of_configs({**agent_in(text), "era": era_of_config(new).date}, new)
        except MigrationError as error:
            real.refused[f"configs/{name}"] = said_by(error)
        else:
            real.add("c", family, components_in(text))

    def _policy(self, real: RealFiles, file: Path) -> None:
        name = file.relative_to(self.root).as_posix()
        meta = json.loads((file.parent / "meta.json").read_text(encoding="utf-8"))
        try:
            checkpoint = read_checkpoint(file)
            make_plan(checkpoint)
        except MigrationError as error:
            real.refused[name] = said_by(error)
        else:
            records = components_of(find_agent(checkpoint.root, name), name).values()
            real.add("p", family_of(Era(meta["commit_date"][:10]).name), (record.path for record in records))

    def _golden(self, real: RealFiles, file: Path) -> None:
        recorded = json.loads(file.read_text(encoding="utf-8"))
        name, config, date = f"golden/{file.name}", recorded["config"], DATES.get(recorded["commit"])
        if "BUILD" in recorded:
            error = " ".join(recorded["BUILD"]["ERROR"].split())
            real.refused[name] = f"records that no agent could be built, which both stacks repeat: {error}"
        elif date is None:
            real.refused[name] = "no date is known of its commit"
        elif not config.endswith(".yaml"):
            components = component_policies.components(config, date)
            real.add("g", family_of(Era(date).name), (each["_target_"] for each in components.values()))
        elif config not in self.agents:
            real.refused[name] = f"its config, {config}, is not among the real files"
        else:
            real.add("g", family_of(Era(date).name), components_in(self.agents[config]))


def agent_in(text: str) -> dict[str, Any]:
    """The agent in a YAML text, which stands at top level or below `agent`; empty where there is none."""
    data: Any = yaml.safe_load(text) if "components" in text else None
    places = (data, data.get("agent")) if isinstance(data, dict) else ()
    return next((place for place in places if isinstance(place, dict) and place.get("components")), {})


def components_in(text: str) -> tuple[str, ...]:
    """Class paths of the components of an agent config; none for a YAML text that is no agent config."""
    return tuple(str(component.get("_target_")) for component in agent_in(text).get("components", {}).values())


def said_by(error: MigrationError) -> str:
    """What an error says, with its place in the file, on one line."""
    component = re.search(r"component '[^']*'", error.where)
    return " ".join(f"{component.group()}: {error.what}".split() if component else error.what.split())
