"""Mistakes in a team's own files are found before anything is written, and called by their place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

import modules
from migrate import registry
from migrate.checkpoint import main
from migrate.config_text import to_modules
from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.pickle_writer import real_paths
from modules.errors import CheckpointError
from tests.migrate._own import LEGACY, MODULES, RULE, installed, own_config
from tests.migrate._policies import old_agent, write_old


def migrated(folder: Path) -> int:
    return main([str(write_old(folder / "old.pt", old_agent(own_config())))])


def test_two_rules_for_one_class_are_refused(tmp_path: Path) -> None:
    rule = RULE.replace('"layers.Scale"', '"nn_layer_library.ReLU"').replace('"my_lab."', '""')
    with (
        installed(tmp_path, stem="a_relu", rule=rule),
        pytest.raises(UnusableFileError, match=r"the rules a_relu and relu both take the class nn_layer_library\.ReLU"),
    ):
        registry.stem_of_old("metta.agent.lib.nn_layer_library.ReLU", "test")


def test_a_file_that_hides_one_of_ours_is_refused(tmp_path: Path) -> None:
    with (
        installed(tmp_path, stem="linear"),
        pytest.raises(UnusableFileError, match="two files have the stem linear, and one hides the other"),
    ):
        registry.rules()


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ('key("start", "start", 1.0, 1.0)', 'key("start", "start", 1.0, 2.0)', "is 2.0 in the rule and 1.0 in"),
        ('key("start", "start"', 'key("start", "begin"', "ScaleModule takes no 'begin'"),
        ('"ScaleModule"', '"SaleModule"', "SaleModule"),
    ],
)
def test_a_rule_that_does_not_fit_its_new_class_is_refused(
    tmp_path: Path, written: str, instead: str, message: str
) -> None:
    with (
        installed(tmp_path, rule=RULE.replace(written, instead)),
        pytest.raises(UnusableFileError, match=rf"migrate/rules/my_scale\.py: .*{message}"),
    ):
        to_modules(yaml.safe_dump(own_config(), sort_keys=False), "own.yaml")


TWO = "self.factor = nn.Parameter(torch.full((1,), self.start))\n        self.shift = nn.Parameter(torch.zeros(1))"


def test_moves_in_another_order_than_the_old_parameters_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = LEGACY.replace("self.factor = nn.Parameter(torch.full((1,), self.start))", TWO)
    new = MODULES.replace(
        "self.factor = nn.Parameter(torch.full((1,), start))",
        "self.shift = nn.Parameter(torch.zeros(1))\n        self.factor = nn.Parameter(torch.full((1,), start))",
    )
    rule = RULE.replace('(Move("factor", "factor"),)', '(Move("shift", "shift"), Move("factor", "factor"))')
    with installed(tmp_path, old=old, new=new, rule=rule):
        assert migrated(tmp_path) == 2
    shown = capsys.readouterr().err.replace("\n", " ")
    assert "my_scale.factor where the rules list components.my_scale.shift" in shown
    assert "list the moves of `state` in the order of the old component's named_parameters()" in shown


def test_an_attribute_called_cfg_is_compared_as_any_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = LEGACY.replace("self.start = start", 'self.cfg = {"start": start}')
    old = old.replace("self.start))", 'self.cfg["start"]))')
    rule = RULE.replace("    state=", '    derived=frozenset({"cfg"}),\n    state=').replace(
        'key("start", "start", 1.0, 1.0)', 'key("start", "start", 1.0, 1.0, attribute="none")'
    )
    with installed(tmp_path, old=old, rule=rule):
        assert migrated(tmp_path) == 2
    assert "cfg of components.my_scale is {'start': 0.5}, and its config builds {'start': 1.0}" in " ".join(
        capsys.readouterr().err.split()
    )


def test_names_that_e1_had_for_others_are_an_own_layers_own(tmp_path: Path) -> None:
    old = LEGACY.replace("start: float = 1.0", "start: float = 1.0, output_size: int = 7")
    old = old.replace("self.start = start", "self.start, self.output_size = start, output_size")
    new = MODULES.replace("start=1.0, *,", "start=1.0, size=7, *,").replace(
        "super().__init__(in_keys, out_keys)", "super().__init__(in_keys, out_keys)\n        self.size = size"
    )
    rule = RULE.replace(
        'key("start", "start", 1.0, 1.0)', 'key("start", "start", 1.0, 1.0), key("output_size", "size", 7, 7)'
    )
    rule = rule.replace('"output_size", "size", 7, 7', '"output_size", "size", 7, 7, attribute="output_size"')
    with installed(tmp_path, old=old, new=new, rule=rule):
        assert migrated(tmp_path) == 0


def test_parts_of_an_own_class_are_written_below_its_own_root(tmp_path: Path) -> None:
    rule = RULE.replace("    state=", '    parts={"layers.Block": "Block"},\n    state=')
    with installed(tmp_path, old=LEGACY + "\n\nclass Block(nn.Module):\n    pass\n", rule=rule):
        assert real_paths(Era("E4d"))["legacy.layers.my_scale.Block"] == "my_lab.layers.Block"


def test_a_tensor_that_no_file_would_have_is_refused(tmp_path: Path) -> None:
    new = MODULES.replace('saved_attributes = ("offset",)', "saved_attributes = ()")
    rule = RULE.replace('    attributes=(Attribute("offset", "offset"),),\n', "")
    old = LEGACY.replace("        self.offset = torch.tensor([1.0, 2.0])\n", "")
    with installed(tmp_path, old=old, new=new, rule=rule):
        assert migrated(tmp_path) == 0
        agent = modules.load_agent(tmp_path / "old.safetensors")
        modules.save_agent(agent, tmp_path / "again.safetensors")
        agent.components["my_scale"].offset = torch.zeros(2)
        with pytest.raises(CheckpointError, match="component 'my_scale' keeps the tensor 'offset', which no file"):
            modules.save_agent(agent, tmp_path / "again.safetensors")


def test_an_error_in_an_own_file_is_called_by_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with installed(tmp_path):
        policy = write_old(tmp_path / "old.pt", old_agent(own_config()))
        (tmp_path / "migrate.rules" / "my_scale.py").write_text("RULE = 1 / 0\n")
        registry.rules.cache_clear()
        del __import__("sys").modules["migrate.rules.my_scale"]
        assert main([str(policy)]) == 2
    shown = capsys.readouterr().err.replace("\n", "")
    assert "it comes out of a file of your own" in shown
    assert "my_scale.py:1" in shown
