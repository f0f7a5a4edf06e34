"""A team's own `LayerBase` subclass, with its files in the team's own folders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from equivalence.pairs import pair_of_configs, pair_of_files
from equivalence.proof import prove
from migrate import registry
from migrate.checkpoint import main
from migrate.cli import UNUSABLE
from migrate.config_text import to_legacy, to_modules
from migrate.errors import UnusableFileError
from migrate.rule import Attribute, Move
from tests.migrate._own import installed, own_config
from tests.migrate._policies import old_agent, write_old


@pytest.fixture
def own_files(tmp_path: Path) -> Iterator[None]:
    with installed(tmp_path):
        yield


def test_without_a_rule_the_class_is_refused_by_its_path() -> None:
    with pytest.raises(UnusableFileError, match=r"component 'my_scale'.*no rule for the class my_lab\.layers\.Scale"):
        to_modules(yaml.safe_dump(own_config(), sort_keys=False), "own.yaml")


@pytest.mark.usefixtures("own_files")
def test_with_its_files_the_config_goes_both_ways_and_is_proved() -> None:
    text = yaml.safe_dump(own_config(), sort_keys=False)
    migrated = to_modules(text, "own.yaml")
    assert "modules.layers.my_scale.ScaleModule" in migrated.text
    assert to_legacy(migrated.text, "own.yaml").text == text
    assert all(r.equal for r in prove(pair_of_configs(own_config(), yaml.safe_load(migrated.text)), examples=3))


@pytest.mark.usefixtures("own_files")
def test_with_its_files_a_policy_goes_both_ways_and_is_proved(tmp_path: Path) -> None:
    old, new, back = (tmp_path / name for name in ("old.pt", "new.safetensors", "back.pt"))
    write_old(old, old_agent(own_config()))
    assert b"my_lab.layers" in old.read_bytes()
    assert main([str(old), "-o", str(new)]) == 0
    assert main([str(new), "--to", "legacy", "-o", str(back)]) == 0
    assert back.read_bytes() == old.read_bytes()
    assert all(result.equal for result in prove(pair_of_files(old, new), examples=3))


@pytest.mark.usefixtures("own_files")
def test_a_buffer_that_is_not_saved_and_was_changed_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = old_agent(own_config())
    agent.components["my_scale"].seen += 1
    assert main([str(write_old(tmp_path / "old.pt", agent))]) == UNUSABLE
    assert "_buffers of components.my_scale" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.usefixtures("own_files")
def test_a_rule_that_changes_a_tensor_attribute_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_old(tmp_path / "old.pt", old_agent(own_config()))
    flipped = Attribute("offset", "offset", forward=lambda value: value.flip(0))
    monkeypatch.setitem(registry.rules(), "my_scale", replace(registry.rules()["my_scale"], attributes=(flipped,)))
    registry._by_old.cache_clear()
    assert main([str(old)]) == UNUSABLE
    assert "component 'my_scale': the rule changes the tensor 'offset'" in capsys.readouterr().err.replace("\n", " ")


RULES: dict[str, tuple[tuple[Move, ...], str]] = {
    "forgets one": ((), "not consumed: components.my_scale.factor"),
    "invents one": ((Move("factor", "factor"), Move("extra", "extra")), "missing: components.my_scale.extra"),
    "makes one of two": (
        (Move("factor", "factor"), Move("spare", "factor")),
        "made twice: components.my_scale.factor",
    ),
}


@pytest.mark.parametrize("what", RULES)
@pytest.mark.usefixtures("own_files")
def test_a_rule_that_is_not_one_to_one_is_refused(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moves, told = RULES[what]
    agent = old_agent(own_config())
    if what == "makes one of two":
        agent.components["my_scale"].spare = torch.nn.Parameter(torch.ones(1))
    old = write_old(tmp_path / "old.pt", agent)
    changed_rule = replace(registry.rules()["my_scale"], state=lambda _: moves)
    monkeypatch.setitem(registry.rules(), "my_scale", changed_rule)
    registry._by_old.cache_clear()
    assert main([str(old)]) == UNUSABLE
    assert f"state-dict keys {told}" in capsys.readouterr().err.replace("\n", " ")
