"""What there is to prove in a folder: agent configs and policies."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from equivalence.finding import Pair
from equivalence.pairs import CONFIGS, pair_of_files
from migrate import config_rules
from migrate.agent_rules import ERA
from migrate.commits import DATES
from migrate.config import read_agent_config
from migrate.eras import STARTS
from migrate.saving import TRAINER_STATE
from modules.errors import MettaError
from modules.policy_file import read_policy_file

POLICIES = (".pt", ".safetensors")
ERAS = {*STARTS, *(start[:-1] for start in STARTS if start[-1].isalpha())}
SOURCE = re.compile(r"^\s*['\"]?components['\"]?\s*:", re.MULTILINE)


def subjects(places: Iterable[Path]) -> list[Path]:
    """Every agent config and policy at some places; a file that is named is taken whatever it holds.

    Args:
        places: files, or folders that are searched.
    """
    found = [file for place in places for file in ([place] if not place.is_dir() else sorted(_within(place)))]
    return list(dict.fromkeys(found))


def _within(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        if (file.suffix in CONFIGS and is_agent(file)) or (file.suffix in POLICIES and _is_policy(file)):
            yield file


def is_agent(file: Path) -> bool:
    """Whether a YAML file has a mapping `components`, at top level or below `agent`."""
    try:
        text = file.read_text(encoding="utf-8")
        document = yaml.safe_load(text) if SOURCE.search(text) else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return False
    nodes = [document, document.get("agent")] if isinstance(document, dict) else []
    return any(isinstance(node, dict) and isinstance(node.get("components"), dict) for node in nodes)


def _is_policy(file: Path) -> bool:
    if file.suffix == ".pt":
        return file.name != TRAINER_STATE and zipfile.is_zipfile(file)
    try:
        read_policy_file(file)
    except MettaError:
        return False
    return True


def pair_of(file: Path) -> Pair:
    """Both agents of a file, old against migrated in memory.

    Raises:
        MettaError: a file that cannot be used.
    """
    return pair_of_files(file, era=era_told_by(file))


def era_told_by(file: Path) -> str | None:
    """The era of an old config that does not say it, by a commit in its name or an era as its folder: `E5/fast.yaml`.

    Raises:
        MettaError: a config that cannot be used.
    """
    if file.suffix not in CONFIGS:
        return None
    config: Mapping[str, Any] = read_agent_config(file)
    return None if ERA in config or config_rules.is_new(config) else era_in_name(file)


def era_in_name(file: Path) -> str | None:
    """The era that a path tells; None if none."""
    for part in file.name.split("."):
        if part in DATES:
            return DATES[part]
    return file.parent.name if file.parent.name in ERAS else None
