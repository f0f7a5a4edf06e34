"""Old agent configs that are not at hand as files, put together again from the specification's table of components."""

from __future__ import annotations

import csv
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TABLE = Path("spec_data/components_by_config.tsv")
"""Beside the folder of configs."""
SOURCE_KEYS = re.compile(r"(\w+)=(\[[^\]]*\]|[^,]+)")
ONE_SOURCE = ("E1", "E2", "E3")
"""Eras in which one source had a key of its own; several had the list that all have had since."""
Row = dict[str, str]


def components(config_dir: Path, name: str) -> dict[str, dict[str, Any]]:
    """The components of a config, by its path within the folder; none where the table is absent or does not list it."""
    return {row["component"]: _component(row) for row in _rows(config_dir.parent / TABLE).get(name, [])}


def settings(config_dir: Path, name: str) -> dict[str, Any]:
    """What the table does not tell, from the version of the config that is at hand: `E5/x.yaml` for `E5/x.0a1b2c.yaml`.

    Nothing is clipped where there is none.
    """
    other = config_dir / f"{name.partition('.')[0]}.yaml"
    clip_range = yaml.safe_load(other.read_text(encoding="utf-8"))["clip_range"] if other.is_file() else 0
    return {"clip_range": clip_range}


@cache
def _rows(table: Path) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    if table.is_file():
        with table.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                found.setdefault(row["file"], []).append(row)
    return found


def _component(row: Row) -> dict[str, Any]:
    listed = _sources(row["sources_or_input_source"])
    key = "input_source" if row["era"] in ONE_SOURCE and not isinstance(listed, list) else "sources"
    nn_params = json.loads(row["nn_params"])
    settings = {"_target_": row["_target_"], key: listed, **json.loads(row["other_keys"])}
    return {**settings, "nn_params": nn_params} if nn_params else settings


def _sources(cell: str) -> list[dict[str, Any]] | str | None:
    """`None`, a name, or `name=a,slice=[0, 12],dim=1 | name=b`."""
    if "=" not in cell:
        return None if cell == "None" else cell
    return [{key: yaml.safe_load(value) for key, value in SOURCE_KEYS.findall(part)} for part in cell.split(" | ")]
