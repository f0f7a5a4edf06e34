"""Recorded agent configs: there and back byte for byte, one component's lines at a time, and equal in both stacks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from equivalence.pairs import pair_of_configs
from equivalence.proof import prove
from migrate.config_text import to_legacy, to_modules
from migrate.eras import below_root
from migrate.errors import MigrationError
from migrate.registry import rules
from migrate.yaml_undo import detach

EARLY_KEYS = ("input_source", "output_size")  # of E1 to E3, where no source is listed as `name: ...`


def text_of(file: Path) -> str:
    return file.read_bytes().decode("utf-8")


def agent_of(text: str) -> dict[str, Any]:
    """The agent in a config, which stands at top level or below `agent`."""
    data: dict[str, Any] = yaml.safe_load(text)
    return data if isinstance(data.get("components"), dict) else data["agent"]


def unsupported(components: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What keeps a config from being migrated: keys of early eras, classes without rule."""
    known = {rule.old for rule in rules().values()}
    by_name = any("name" in source for c in components.values() for source in c.get("sources") or ())
    early = set() if by_name else {key for c in components.values() for key in EARLY_KEYS if key in c}
    targets = {str(component.get("_target_")) for component in components.values()}
    return sorted(early) or sorted(target for target in targets if below_root(target) not in known)


def supported(file: Path) -> str:
    text = text_of(file)
    if found := unsupported(agent_of(text)["components"]):
        pytest.skip(f"refused: {', '.join(found)}")
    return text


def test_going_back_gives_the_same_bytes(agent_yaml: Path) -> None:
    text = supported(agent_yaml)
    new = to_modules(text, agent_yaml.name)
    assert new.text != text
    back = to_legacy(new.text, agent_yaml.name)
    assert (back.text, back.exact) == (text, True)


def test_migrating_twice_changes_nothing(agent_yaml: Path) -> None:
    once = to_modules(supported(agent_yaml), agent_yaml.name).text
    assert to_modules(once, agent_yaml.name).text == once


def test_lines_outside_of_the_components_stay(agent_yaml: Path) -> None:
    old = supported(agent_yaml)
    new, _ = detach(to_modules(old, agent_yaml.name).text, where=agent_yaml.name)
    assert outside(new) == outside(old)


def outside(text: str) -> list[str]:
    """The lines of no component, but for the agent's class and stack; blocks as PyYAML alone sees them."""
    lines: list[str | None] = list(text.splitlines())
    root: Any = yaml.compose(text)
    nodes = {key.value: node for key, node in root.value}
    if "components" not in nodes:
        nodes = {key.value: node for key, node in nodes["agent"].value}
    for key, node in nodes["components"].value:
        last = node.end_mark.line
        while last > key.start_mark.line and (last >= len(lines) or not bare(lines[last], node, last)):
            last -= 1
        lines[key.start_mark.line : last + 1] = [None] * (last + 1 - key.start_mark.line)
    return [line for line in lines if line is not None and not re.match(r"\s*(_target_|stack):", line)]


def bare(line: str | None, node: yaml.Node, number: int) -> bool:
    """Whether a line has content of the node: it ends behind the line's start, and more than a comment stands there."""
    content = (line or "").split("#")[0].strip()
    return bool(content) and (
        number < node.end_mark.line or node.end_mark.column > len(line or "") - len((line or "").lstrip())
    )


def test_both_stacks_built_from_it_are_equal(agent_yaml: Path) -> None:
    text = supported(agent_yaml)
    pair = pair_of_configs(agent_of(text), agent_of(to_modules(text, agent_yaml.name).text))
    for result in prove(pair, examples=3):
        assert result.equal, (result.level, result.blamed, result.differences)


def test_what_cannot_be_migrated_is_refused_by_name(agent_yaml: Path) -> None:
    text = text_of(agent_yaml)
    components = agent_of(text)["components"]
    if not unsupported(components):
        pytest.skip("can be migrated")
    with pytest.raises(MigrationError) as caught:
        to_modules(text, agent_yaml.name)
    said, fix = str(caught.value), caught.value.fix
    named = [component for name, component in components.items() if f"component {name!r}" in said]
    assert len(named) == 1, said
    shown_by = [str(named[0]["_target_"]), *named[0], *named[0].get("nn_params", {})]
    assert any(word in said for word in shown_by), said
    assert agent_yaml.name in said
    assert fix
