"""Values of an agent's own keys that cannot be what they should be, and what is said of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from modules import Environment, MettaAgent
from modules.agent_keys import OTHERS, WORDS
from modules.builder import build_components
from modules.errors import ConfigError, ConfigWarning
from tests.modules._agents import CONFIG, ENVIRONMENT, config

DOCS = Path(__file__).parents[2] / "docs"
WRONG: list[tuple[str, Any, str]] = [
    ("heads", 3, "heads must be a list of components, got 3"),
    ("heads", [1], "heads must be a list of components, got [1]"),
    ("heads", "_value_", "heads must be a list of components, got '_value_'"),
    ("clip_range", None, "clip_range must be a number, got None"),
    ("clip_range", "1", "clip_range must be a number, got '1'"),
    ("learns", "in_trainin", "learns must be in_training, got 'in_trainin'"),
    ("action_dtype", "float32", "action_dtype must be int64 or int32, got 'float32'"),
    ("execution", "threads", "execution must be sequential or parallel, got 'threads'"),
    ("numerics", "slow", "numerics must be exact or fast, got 'slow'"),
    ("actions", [1], "actions must be a mapping with names and max_params, lists both, got [1]"),
    ("actions", {"names": ["a"], "max_params": 3}, "actions must be a mapping with names and max_params, lists both"),
    ("actions", {"names": "a", "max_params": [3]}, "actions must be a mapping with names and max_params, lists both"),
]


@pytest.mark.parametrize(("key", "value", "message"), WRONG)
def test_a_value_of_another_kind_is_refused_by_its_key(key: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        MettaAgent({**CONFIG, key: value}, ENVIRONMENT)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("clip_scale", None, "clip_scale must be a number, got None"),
        ("gain", "a", "gain must be a number, got 'a'"),
        ("nonlinearity", ["ReLU"], "nonlinearity ['ReLU'] is not a class of torch.nn"),
    ],
)
def test_an_option_of_another_kind_is_refused_by_its_component(option: str, value: Any, message: str) -> None:
    components = CONFIG["components"]
    config = {**CONFIG, "components": {**components, "encoded": {**components["encoded"], option: value}}}
    with pytest.raises(ConfigError, match=f"component 'encoded' .*{re.escape(message)}"):
        MettaAgent(config, ENVIRONMENT)


def test_divisors_that_are_no_list_are_refused() -> None:
    with pytest.raises(ConfigError, match="feature_normalizations must be a list, got None"):
        Environment.from_dict({**ENVIRONMENT.to_dict(), "feature_normalizations": None})


@pytest.mark.parametrize(
    ("component", "source", "known"),
    [
        ("joined", {"name": "flat", "slcie": [0, 9]}, "name, slice, dim"),
        ("encoded", {"name": "joined", "slice": [0, 9]}, "name"),
    ],
)
def test_a_key_of_a_source_that_nobody_reads_is_told(component: str, source: dict[str, Any], known: str) -> None:
    others = [each for each in CONFIG["components"][component]["sources"] if source["name"] not in str(each)]
    unread = f"does not read {list(source)[1]} of its source {source['name']!r}, only {known}"
    with pytest.warns(ConfigWarning, match=f"component {component!r}: .*Module {unread}$"):
        build_components(config(**{component: {"sources": [source, *others]}}), ENVIRONMENT)


@pytest.mark.parametrize("cut", [3, ["a", "b"], [0, 1, 2]])
def test_a_slice_that_is_none_is_refused(cut: Any) -> None:
    message = f"source 'flat': a slice is [start, end] and needs its dim, got {cut}"
    with pytest.raises(ConfigError, match=re.escape(message)):
        build_components(config(joined={"sources": [{"name": "flat", "slice": cut, "dim": 1}, "center"]}), ENVIRONMENT)


def test_every_key_and_word_is_explained() -> None:
    rows = [line for line in (DOCS / "modules.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    for key, words in {**WORDS, **dict.fromkeys(set(OTHERS) - {"components"}, ())}.items():
        assert any(all(f"`{each}`" in row for each in (key, *words)) for row in rows), key


def test_null_is_the_default_of_every_word() -> None:
    null = dict.fromkeys(("log_probs", "learns", "action_dtype", "execution", "numerics"))
    agent = MettaAgent({**CONFIG, **null}, ENVIRONMENT)
    agent.activate_actions(["noop"], [0])
    assert agent.action_space is not None
    assert agent.action_space.pairs.dtype == torch.int64
