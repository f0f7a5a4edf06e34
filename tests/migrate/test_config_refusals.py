"""`python -m migrate.config` says what it cannot use, where, and what to do, and writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migrate.config import main

AGENT = "_target_: metta.agent.metta_agent.MettaAgent\nclip_range: 0\ncomponents:\n"
LIB = "metta.agent.lib."
RELU, LINEAR = f"{LIB}nn_layer_library.ReLU", f"{LIB}nn_layer_library.Linear"


LSTM = (
    "  {name}:\n    _target_: " + LIB + "lstm.LSTM\n    sources: null\n"
    "    nn_params: {{hidden_size: 4, num_layers: 1}}\n"
)


def component(target: str, rest: str = "sources: null") -> str:
    return f"{AGENT}  fc1:\n    _target_: {target}\n    {rest}\n"


CASES: list[tuple[str, str, str]] = [
    ("neither agent nor job", "trainer: 1\n", "there is no agent with `components` in it\n  -> give an agent config"),
    ("an unknown class", component("my.Layer"), "component 'fc1': no rule for the class my.Layer\n  -> write migrate/"),
    ("an unknown old class", component(f"{LIB}nn_layer_library.Conv3d"), "no rule for the class metta"),
    (
        "a refused old class",
        component(f"{LIB}metta_module.MettaLinear"),
        "no rule for the class metta.agent.lib.metta_module.MettaLinear: it was written for a successor",
    ),
    ("no class", f"{AGENT}  fc1:\n    sources: null\n", "component 'fc1': has no _target_\n  -> name its class"),
    ("no mapping", f"{AGENT}  fc1: 3\n", "component 'fc1': is 3, expected a mapping"),
    ("a null", f"{AGENT}  fc1:\n", "component 'fc1': is None, expected a mapping"),
    (
        "no agent class",
        "components:\n  a:\n    _target_: x.Y\n",
        "the agent has no _target_\n  -> known are",
    ),
    ("another agent class", "_target_: my.Agent\ncomponents: {}\n", "the agent is a my.Agent\n  -> known are"),
    (
        "params that are none",
        component(LINEAR, "nn_params: [1]"),
        "nn_params is [1], expected",
    ),
    (
        "sources that are none",
        component(RELU, "sources: a"),
        "sources is 'a', expected a list",
    ),
    ("a name alone", component(RELU, "sources: [a]"), "sources is ['a'], expected a list of"),
    (
        "a missing size",
        component(LINEAR),
        "component 'fc1': lacks nn_params.out_features\n",
    ),
    (
        "a key that reached torch",
        component(LINEAR, "nn_params: {out_features: 1, dtype: x}"),
        "component 'fc1': nn_params.dtype has no counterpart in the new stack\n  -> remove it if",
    ),
    (
        "a nonlinearity that the old stack refused",
        component(LINEAR, "{nonlinearity: ReLU, nn_params: {out_features: 1}}")
        .replace("    {nonlinearity", "    nonlinearity")
        .replace("ReLU, nn_params: {out_features: 1}}", "ReLU\n    nn_params: {out_features: 1}"),
        "nonlinearity 'ReLU': the old stack took exactly `<prefix>.<class>`",
    ),
    (
        "an initialization that is none",
        component(LINEAR, "nn_params: {out_features: 1}\n    initialization: null"),
        "initialization None: the old stack took a name",
    ),
    (
        "an LSTM of another name",
        component(f"{LIB}lstm.LSTM", "output_size: 4\n    nn_params: {num_layers: 1}"),
        "component 'fc1': is an LSTM, which the old stack builds with the sizes of '_core_'\n  -> name it _core_",
    ),
    ("both stacks", component("modules.layers.relu.ReLUModule"), "mixes both stacks: the agent is of the old one"),
    (
        "a component of the old stack in an agent of the new one",
        component(RELU).replace("metta.agent.metta_agent", "modules.agent"),
        "mixes both stacks: component 'fc1' is of the old one",
    ),
    ("invalid YAML", "a: [1\n", "is not valid YAML"),
    ("an anchor", "a: &x 1\n", "line 1, column 4: uses the anchor &x"),
    (
        "parts of E1 to E3 and of E4",
        component(RELU, "input_source: a"),
        "nn_layer_library.ReLU: since E4a (2025-05-01); component 'fc1' has `input_source`: since E1 (2025-02-20), b",
    ),
    (
        "merges of E3 and of E4",
        component(f"{LIB}merge_layer.AddMergeLayer", "sources: [{source_name: a}, {name: b}]"),
        "has `name` among its sources: since E4a (2025-05-01); component 'fc1' has `source_name` among its sources: ",
    ),
    (
        "an agent of E3 with a component of E2",
        component("agent.lib.nn_layer_library.Linear"),
        "MettaAgent: since E3 (2025-04-15), before E10 (2025-08-19); component 'fc1' is a agent.lib.nn_layer_library.L",
    ),
    (
        "a class that came later than a key went",
        component(f"{LIB}obs_tokenizers.ObsAttrCoordEmbed", "coord_embed_dim: 2"),
        "ObsAttrCoordEmbed: since E6a (2025-06-18); component 'fc1' has `coord_embed_dim`: since E5d",
    ),
    (
        "an LSTM with its size in two places",
        component(f"{LIB}lstm.LSTM", "output_size: 4\n    nn_params: {hidden_size: 4, num_layers: 1}"),
        "has `hidden_size`: since E8 (2025-08-07b); component 'fc1' has its size in `output_size`: since E1",
    ),
    (
        "two memories",
        f"{AGENT}{LSTM.format(name='_core_')}{LSTM.format(name='_core2_')}",
        "component '_core2_': is a second LSTM with a memory of its own, and the new stack has one recurrent state",
    ),
    (
        "an override of a named agent",
        "defaults:\n- agent: simple\nagent:\n  components:\n    fc1:\n      nn_params: {out_features: 2}\n",
        "component 'fc1': has no _target_\n  -> name its class; a part of an agent must be composed first",
    ),
]


@pytest.mark.parametrize(("text", "message"), [pytest.param(*case, id=name) for name, *case in CASES])
def test_refused(tmp_path: Path, capsys: Any, text: str, message: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    assert main([str(path)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert str(path) in err
    assert "mistake of this program" not in err
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_cannot_be_read(tmp_path: Path, capsys: Any) -> None:
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"a: \xff\n")
    assert main([str(binary), str(tmp_path / "no.yaml")]) == 2
    err = capsys.readouterr().err
    assert "b.yaml: is not UTF-8" in err
    assert "no.yaml: cannot be read: No such file or directory\n  -> check the path" in err


def test_a_damaged_footer(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(component(RELU))
    assert main([str(path), "--in-place"]) == 0
    path.write_text(path.read_text().replace("# era: E4d", "# era: E8"))
    assert main([str(path), "--to", "legacy"]) == 2
    assert "a.yaml, line 8: has a damaged footer" in capsys.readouterr().err
