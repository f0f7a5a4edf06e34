"""A team's own `LayerBase` subclass, with its files in the team's own folders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import legacy.layers
import migrate.rules
import modules.layers
from equivalence.pairs import pair_of_configs, pair_of_files
from equivalence.proof import prove
from migrate import registry
from migrate.checkpoint import main
from migrate.cli import UNUSABLE
from migrate.config_text import to_legacy, to_modules
from migrate.errors import UnusableFileError
from migrate.rule import Attribute
from tests.migrate._policies import CONFIG, changed, old_agent, write_old

LEGACY = """
from torch import Tensor, nn
import torch
from legacy.base import Blackboard, LayerBase


class Scale(LayerBase):
    def __init__(self, start: float = 1.0, **cfg):
        super().__init__(**cfg)
        self.start = start

    def _make_net(self):
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        self.factor = nn.Parameter(torch.full((1,), self.start))
        self.register_buffer("seen", torch.zeros(1), persistent=False)
        self.offset = torch.tensor([1.0, 2.0])

    def _forward(self, td):
        td[self._name] = td[self._sources[0]["name"]] * self.factor
        return td
"""
MODULES = """
import torch
from torch import nn
from modules.base import MettaModule, only_source


class ScaleModule(MettaModule):
    saved_attributes = ("offset",)

    def __init__(self, start=1.0, *, in_keys=("input",), out_keys=("output",)):
        super().__init__(in_keys, out_keys)
        self.factor = nn.Parameter(torch.full((1,), start))
        self.offset = torch.tensor([1.0, 2.0])

    def compute(self, x):
        return x * self.factor

    @classmethod
    def from_context(cls, context):
        only_source(context)
        return {}
"""
RULE = """
from migrate.rule import Attribute, Move, Rule, key

RULE = Rule(
    old="layers.Scale",
    new="ScaleModule",
    root="my_lab.",
    keys=(key("start", "start", 1.0, 1.0),),
    state=lambda _: (Move("factor", "factor"),),
    attributes=(Attribute("offset", "offset"),),
)
"""


@pytest.fixture
def own_files(tmp_path: Path) -> Iterator[None]:
    packages = ((legacy.layers, LEGACY), (modules.layers, MODULES), (migrate.rules, RULE))
    for package, text in packages:
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / "my_scale.py").write_text(text)
        package.__path__.append(str(folder))
    registry.rules.cache_clear()
    registry._by_old.cache_clear()
    yield
    for package, _ in packages:
        package.__path__.pop()
    registry.rules.cache_clear()
    registry._by_old.cache_clear()


def _config() -> dict[str, Any]:
    scale = {"_target_": "my_lab.layers.Scale", "sources": [{"name": "core_relu"}], "start": 0.5}
    return changed(CONFIG, my_scale=scale, actor_1={"sources": [{"name": "my_scale"}]})


def test_without_a_rule_the_class_is_refused_by_its_path() -> None:
    with pytest.raises(UnusableFileError, match=r"component 'my_scale'.*no rule for the class my_lab\.layers\.Scale"):
        to_modules(yaml.safe_dump(_config(), sort_keys=False), "own.yaml")


@pytest.mark.usefixtures("own_files")
def test_with_its_files_the_config_goes_both_ways_and_is_proved() -> None:
    text = yaml.safe_dump(_config(), sort_keys=False)
    migrated = to_modules(text, "own.yaml")
    assert "modules.layers.my_scale.ScaleModule" in migrated.text
    assert to_legacy(migrated.text, "own.yaml").text == text
    assert all(r.equal for r in prove(pair_of_configs(_config(), yaml.safe_load(migrated.text)), examples=3))


@pytest.mark.usefixtures("own_files")
def test_with_its_files_a_policy_goes_both_ways_and_is_proved(tmp_path: Path) -> None:
    old, new, back = (tmp_path / name for name in ("old.pt", "new.safetensors", "back.pt"))
    write_old(old, old_agent(_config()))
    assert b"my_lab.layers" in old.read_bytes()
    assert main([str(old), "-o", str(new)]) == 0
    assert main([str(new), "--to", "legacy", "-o", str(back)]) == 0
    assert back.read_bytes() == old.read_bytes()
    assert all(result.equal for result in prove(pair_of_files(old, new), examples=3))


@pytest.mark.usefixtures("own_files")
def test_a_buffer_that_is_not_saved_and_was_changed_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = old_agent(_config())
    agent.components["my_scale"].seen += 1
    assert main([str(write_old(tmp_path / "old.pt", agent))]) == UNUSABLE
    assert "_buffers of components.my_scale" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.usefixtures("own_files")
def test_a_rule_that_changes_a_tensor_attribute_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_old(tmp_path / "old.pt", old_agent(_config()))
    flipped = Attribute("offset", "offset", forward=lambda value: value.flip(0))
    monkeypatch.setitem(registry.rules(), "my_scale", replace(registry.rules()["my_scale"], attributes=(flipped,)))
    registry._by_old.cache_clear()
    assert main([str(old)]) == UNUSABLE
    assert "component 'my_scale': the rule changes the tensor 'offset'" in capsys.readouterr().err.replace("\n", " ")
