"""What an old config says besides its components: its era, the flag, and what would mean something else afterwards."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
import torch
from omegaconf import OmegaConf

import migrate
from migrate.config_text import to_legacy, to_modules
from migrate.errors import MigrationError, UnusableFileError, UsageError
from tests.migrate import _policies as policies

OLD = OmegaConf.to_yaml(OmegaConf.create(policies.CONFIG))
JOB = OmegaConf.to_yaml(OmegaConf.create({"agent": policies.CONFIG}))
WHERE = "a.yaml"
AGENT = "_target_: metta.agent.metta_agent.MettaAgent\nclip_range: 0\ncomponents:\n"
LAYERS = "metta.agent.lib.nn_layer_library"


def values(text: str) -> dict[str, Any]:
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.create(text)))


def logits_are_early(text: str) -> bool:
    agent = migrate.build_agent(OmegaConf.create(text), policies.ENVIRONMENT)
    return bool(agent.config.get("log_probs") == "logsumexp")


def test_the_era_that_an_old_config_names_is_the_one_that_it_is_migrated_as() -> None:
    old = f"era: E4b\n{OLD}"
    new = to_modules(old, WHERE)
    assert (values(new.text)["era"], values(new.text)["log_probs"]) == ("E4b", "logsumexp")
    assert logits_are_early(f"stack: modules\n{old}")
    assert logits_are_early(new.text)
    assert to_legacy(new.text, WHERE).text == old


def test_a_range_that_an_old_config_names_becomes_the_era_that_was_found() -> None:
    assert values(to_modules(f"era: E4 # roughly\n{OLD}", WHERE).text)["era"] == "E4d"


def test_an_era_on_the_command_line_comes_before_that_of_the_file() -> None:
    assert values(to_modules(f"era: E4d\n{OLD}", WHERE, "E4b").text)["era"] == "E4b"


def test_an_era_that_the_job_names_is_that_of_its_agent() -> None:
    old = f"era: E4b\n{JOB}"
    new = to_modules(old, WHERE)
    assert values(new.text)["agent"]["era"] == "E4b"
    assert logits_are_early(f"stack: modules\n{old}")
    assert logits_are_early(new.text)
    assert to_legacy(new.text, WHERE).text == old


def test_an_era_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a\.yaml: no era 'E99'"):
        to_modules(f"era: E99\n{OLD}", WHERE)


def test_a_new_config_without_footer_goes_back_as_of_the_era_that_it_names() -> None:
    new = to_modules(OLD, WHERE, "E4b").text.split("# --- migrate")[0]
    back = to_legacy(new, WHERE)
    assert back.era is not None
    assert back.era.name == "E4b"
    assert "log_probs" not in values(back.text)


def test_an_era_that_is_not_the_one_of_the_footer_is_refused() -> None:
    new = to_modules(OLD, WHERE, "E4b").text
    with pytest.raises(UsageError, match=r"a\.yaml: was migrated as of E4b, and not of E8\n  -> leave --era out"):
        to_legacy(new, WHERE, "E8")
    assert to_legacy(new, WHERE, "E4").text == OLD


@pytest.mark.parametrize("flag", ["legacy", "shadow", "${x}", "null"])
def test_a_flag_that_is_turned_is_told(flag: str) -> None:
    new = to_modules(f"stack: {flag}\n{OLD}", WHERE)
    assert values(new.text)["stack"] == "modules"
    assert f"stack: was {None if flag == 'null' else flag!r}, and is modules now" in new.notes


def test_a_flag_of_the_job_is_turned_there_and_not_said_twice() -> None:
    old = f"stack: legacy # for now\n{JOB}"
    new = to_modules(old, WHERE)
    assert values(new.text)["stack"] == "modules"
    assert "stack" not in values(new.text)["agent"]
    assert isinstance(migrate.build_agent(OmegaConf.create(new.text), policies.ENVIRONMENT), torch.nn.Module)
    assert to_legacy(new.text, WHERE).text == old


@pytest.mark.parametrize("line", ["log_probs: logsumexp", "heads: [a]", "actions: {names: [a], max_params: [0]}"])
def test_a_key_that_would_begin_to_say_something_is_refused(line: str) -> None:
    message = f"{line.partition(':')[0]} is read by the new stack, and was not by the old one\n  -> remove it"
    with pytest.raises(UnusableFileError, match=f"a.yaml: {message}"):
        to_modules(f"{line}\n{OLD}", WHERE)
    with pytest.raises(UnusableFileError, match=f"config: {message}"):
        migrate.build_agent(OmegaConf.create(f"stack: modules\n{line}\n{OLD}"), policies.ENVIRONMENT)


def test_actions_of_a_new_config_are_dropped_on_the_way_back_and_told() -> None:
    new = to_modules(OLD, WHERE).text.replace("stack:", "actions: {names: [a], max_params: [0]}\nstack:", 1)
    back = to_legacy(new, WHERE)
    assert back.text == OLD
    assert "actions: dropped, which the old stack does not know" in back.notes


@pytest.mark.parametrize(
    "text", [f"defaults: [simple, _self_]\n{OLD}", f"defaults: [{{agent: simple}}, _self_, trainer]\n{JOB}"]
)
def test_an_agent_that_lies_over_another_one_is_refused(text: str) -> None:
    message = "a.yaml: the agent lies over simple, which may say more of the same components\n  -> compose the agent"
    with pytest.raises(UnusableFileError, match=message):
        to_modules(text, WHERE)


@pytest.mark.parametrize("text", [f"defaults: [_self_]\n{OLD}", f"defaults: [trainer, _self_]\n{JOB}"])
def test_an_agent_that_stands_alone_may_have_defaults_beside_it(text: str) -> None:
    assert to_legacy(to_modules(text, WHERE).text, WHERE).text == text


@pytest.mark.parametrize(
    ("source", "era", "word"), [("name: _obs_", "E3", "name"), ("source_name: _obs_", "E4d", "source_name")]
)
def test_sources_in_words_that_the_told_era_did_not_know(source: str, era: str, word: str) -> None:
    text = f"{AGENT}  fc1:\n    _target_: {LAYERS}.Linear\n    output_size: 3\n"
    text += f"    nn_params: {{out_features: 3}}\n    sources: [{{{source}}}]\n"
    message = f"a.yaml: component 'fc1': names its sources by `{word}`, which the code of {era} did not know\n  -> give"
    with pytest.raises(UnusableFileError, match=message):
        to_modules(text, WHERE, era)


def test_a_component_whose_old_class_is_younger_than_the_era_does_not_go_back() -> None:
    tanh = "  soft:\n    _target_: modules.layers.tanh.TanhModule\n    sources: [fc]\n"
    new = to_modules(OLD, WHERE).text.replace("components:\n", f"components:\n{tanh}")
    message = f"a.yaml: component 'soft': cannot be said in the old stack of E4d, which had no {LAYERS}.Tanh\n  -> undo"
    with pytest.raises(MigrationError, match=re.escape(message)):
        to_legacy(new, WHERE)


def test_a_nonlinearity_that_is_a_list_is_refused_as_what_it_is() -> None:
    linear = f"    _target_: {LAYERS}.Linear\n    nn_params: {{out_features: 1}}\n"
    with pytest.raises(UnusableFileError, match=r"'fc1': nonlinearity \['nn.ReLU'\]: the old stack took exactly"):
        to_modules(f"{AGENT}  fc1:\n{linear}    nonlinearity: [nn.ReLU]\n", WHERE)


def test_a_value_that_is_no_number_goes_back_and_opens_no_question() -> None:
    old = OLD.replace("  fc:\n", "  fc:\n    clip_scale: .nan\n")
    new = to_modules(old, WHERE)
    assert not [note for note in new.notes if "nan" in note]
    body = new.text.split("# --- migrate")[0]
    assert "clip_scale: .nan" in to_legacy(body, WHERE).text


@pytest.mark.parametrize("checkpoint", [3, False, ["a.pt"]])
def test_a_checkpoint_that_is_no_path_is_refused(checkpoint: Any) -> None:
    with pytest.raises(UsageError, match=re.escape(f"config: the checkpoint is {checkpoint!r}, expected a path\n  ->")):
        migrate.build_agent(policies.CONFIG, policies.ENVIRONMENT, checkpoint)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("action_dtype", "int32"),
        ("log_probs", "logsumexp"),
        ("sequences", "single_steps"),
        ("l2_init_anchors", "kept"),
    ],
)
def test_what_the_era_decided_otherwise_cannot_be_said_in_the_old_stack(key: str, value: str) -> None:
    new = f"{key}: {value}\n{to_modules(OLD, WHERE).text}"
    with pytest.raises(UnusableFileError, match=f"cannot be said in the old stack of E4d: {key}\n"):
        to_legacy(new, WHERE)


def test_a_date_within_the_usual_era_is_written_down() -> None:
    new = to_modules(OLD, WHERE, "2025-05-20")
    assert values(new.text)["era"] == "2025-05-20"
    assert values(new.text)["sequences"] == "single_steps"
    assert to_legacy(new.text, WHERE).text == OLD
