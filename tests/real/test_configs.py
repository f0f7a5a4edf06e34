"""Recorded agent configs: there and back byte for byte, one component's lines at a time, and equal in both stacks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import migrate
from equivalence.pairs import default_environment, new_config_of, pair_of_configs
from equivalence.proof import prove
from equivalence.subjects import era_in_name
from migrate.config_text import Migrated, to_legacy, to_modules
from migrate.eras import Era
from migrate.errors import MigrationError
from migrate.yaml_undo import detach
from modules.errors import MettaError

NO_SUCH_MODULE = "no rule for the class metta.agent.lib.obs_token_to_boxshaper.ObsTokenToBoxShaper"
QUICK = ("weights", "attributes", "component", "inference", "forward", "gradients", "rollout")
"""Levels that take moments on agents of full width; `make equivalence` runs the others too, on every sixth file."""
ADDED = (
    r"\s*(_target_|stack|era|heads|action_dtype|sequences|log_probs|remapped|divisors_when_remapped"
    r"|remap_when_equal|learns|l2_init_anchors|l2_sum):"
)
REFUSED = {
    r"E[567]/reference_design\.yaml": NO_SUCH_MODULE,  # ImportError: Failed to import module ...
    r"E8/latent_attn_\w+\.yaml": "failed in every pass",  # KeyError: 'encoded_obs', and had it been named, trap 59
}
"""Configs that the old code could not build and ours cannot read -> our words; the old error stands beside."""
UNBUILDABLE = {
    r"E1/reference_design\.yaml": ("Component actor_2 in MettaAgent was never setup", "no head reaches: actor_2"),
    r"E[23]/reference_design[.\w]*\.yaml": ("'NoneType' object is not subscriptable", "no head reaches: actor_2"),
}
"""Configs that the old code could not build -> its error, and ours."""


def text_of(file: Path) -> str:
    return file.read_bytes().decode("utf-8")


def agent_of(text: str) -> dict[str, Any]:
    """The agent in a config, which stands at top level or below `agent`."""
    data: dict[str, Any] = yaml.safe_load(text)
    return data if isinstance(data.get("components"), dict) else data["agent"]


def listed(file: Path, table: dict[str, Any]) -> Any:
    """The entry of a table for a file, by its name and that of its folder."""
    name = f"{file.parent.name}/{file.name}"
    return next((entry for pattern, entry in table.items() if re.fullmatch(pattern, name)), None)


def migrated(file: Path) -> tuple[str, Migrated]:
    if listed(file, REFUSED):
        pytest.skip("refused")
    text = text_of(file)
    return text, to_modules(text, file.name, era_in_name(file))


def test_going_back_gives_the_same_bytes(agent_yaml: Path) -> None:
    text, new = migrated(agent_yaml)
    assert new.text != text
    back = to_legacy(new.text, agent_yaml.name)
    assert (back.text, back.exact) == (text, True)


def test_migrating_twice_changes_nothing(agent_yaml: Path) -> None:
    _, once = migrated(agent_yaml)
    assert to_modules(once.text, agent_yaml.name).text == once.text


def test_lines_outside_of_the_components_stay(agent_yaml: Path) -> None:
    old, result = migrated(agent_yaml)
    new, _ = detach(result.text, where=agent_yaml.name)
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
    return [line for line in lines if line is not None and not re.match(ADDED, line)]


def bare(line: str | None, node: yaml.Node, number: int) -> bool:
    """Whether a line has content of the node: it ends behind the line's start, and more than a comment stands there."""
    content = (line or "").split("#")[0].strip()
    return bool(content) and (
        number < node.end_mark.line or node.end_mark.column > len(line or "") - len((line or "").lstrip())
    )


def test_both_stacks_built_from_it_are_equal(agent_yaml: Path) -> None:
    text, new = migrated(agent_yaml)
    if listed(agent_yaml, UNBUILDABLE):
        pytest.skip("could not be built")
    assert new.era is not None
    pair = pair_of_configs({**agent_of(text), "era": new.era.date}, agent_of(new.text))
    for result in prove(pair, levels=QUICK, examples=3):
        assert result.equal, (result.level, result.blamed, result.differences)


def test_what_the_old_code_could_not_build_neither_stack_builds(agent_yaml: Path) -> None:
    if (words := listed(agent_yaml, UNBUILDABLE)) is None:
        pytest.skip("can be built")
    old, new = words
    config = {**agent_of(text_of(agent_yaml)), "era": Era(str(era_in_name(agent_yaml))).date}
    environment = default_environment(new_config_of(config))
    for stack, said in (("legacy", old), ("modules", new)):
        with pytest.raises(MettaError, match=re.escape(said)):
            migrate.build_agent({**config, "stack": stack}, environment)


def test_what_cannot_be_migrated_is_refused_by_name(agent_yaml: Path) -> None:
    if (said := listed(agent_yaml, REFUSED)) is None:
        pytest.skip("can be migrated")
    with pytest.raises(MigrationError, match=re.escape(said)) as caught:
        to_modules(text_of(agent_yaml), agent_yaml.name, era_in_name(agent_yaml))
    assert agent_yaml.name in str(caught.value)
    assert "component '" in str(caught.value)
    assert caught.value.fix
