"""Whatever valid old config goes to the new stack, it comes back byte for byte, and means the same on the way."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from equivalence.case import Setup, cases
from migrate import config_rules
from migrate.config_text import to_legacy, to_modules
from migrate.eras import Era
from migrate.recognise import CLASSES
from migrate.registry import rules
from migrate.yaml_edit import Document

ERA = Era("E4d")
NAMES = ("fc", "cnn1_channels_0-11", "critic_1", "actor_1", "encoded_obs", "größe")


def existed(stem: str) -> bool:
    """Whether the old code of `ERA` had the component."""
    clue = CLASSES.get(rules()[stem].old)
    return clue is None or (ERA.is_since(clue.since) and not ERA.is_since(clue.before))


STEMS = sorted(stem for stem in rules() if stem != "lstm" and existed(stem))


def setups(stem: str) -> st.SearchStrategy[Setup]:
    """Ways to build a component that the code of `ERA` read alike."""
    rule = rules()[stem]
    return cases()[stem].setups.filter(lambda setup: rule.keys_at(Era(setup.era)) == rule.keys_at(ERA))


@st.composite
def components(draw: st.DrawFn) -> dict[str, Any]:
    """A chain of components, each built in a way that its case draws, and the core."""
    stems = draw(st.lists(st.sampled_from(STEMS), max_size=len(NAMES) - 1))
    chain = [*zip(NAMES, stems, strict=False), ("_core_", "lstm")]
    result: dict[str, Any] = {}
    for name, stem in chain:
        setup = draw(setups(stem))
        extras = [dict(source.extra) for source in setup.sources or ()]
        sources = None if setup.sources is None else [{"name": "x", **extra} for extra in extras]
        swallowed: dict[str, Any] = draw(st.sampled_from([{}, {"effective_rank": True}, {"clip_range": 3.0}]))
        result[name] = {"_target_": f"{ERA.root}{rules()[stem].old}", "sources": sources, **setup.config, **swallowed}
    return result


@st.composite
def texts(draw: st.DrawFn) -> str:
    agent = {"_target_": ERA.agent, "observations": {"obs_key": "grid_obs"}, "clip_range": 0}
    config: dict[str, Any] = {**agent, "components": draw(components())}
    config = draw(st.sampled_from([config, {"agent": config, "seed": 1}]))
    text: str = yaml.safe_dump(
        config,
        sort_keys=draw(st.booleans()),
        default_flow_style=draw(st.sampled_from([False, None])),
        allow_unicode=True,
    )
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def agent_of(text: str) -> dict[str, Any]:
    return dict(config_rules.agent_node(Document.parse(text, where="f").data, "f")[1])


@settings(max_examples=25)
@given(texts())
def test_there_and_back_is_byte_for_byte(old: str) -> None:
    new = to_modules(old, "f")
    assert new.text != old
    back = to_legacy(new.text, "f")
    assert (back.text, back.exact) == (old, True)
    assert to_modules(new.text, "f").text == new.text
    assert to_legacy(old, "f").text == old


@settings(max_examples=25)
@given(texts())
def test_the_text_means_what_the_rules_say(old: str) -> None:
    expected, _ = config_rules.to_new_agent(agent_of(old), ERA, "f")
    found = agent_of(to_modules(old, "f").text)
    assert found.pop("stack") == "modules"
    assert found == expected
    assert list(found["components"]) == list(expected["components"])


@settings(max_examples=25)
@given(texts())
def test_without_its_footer_it_still_goes_back_to_the_same_meaning(old: str) -> None:
    new = to_modules(old, "f").text
    bare = new[: new.index("# --- migrate")]
    back = to_legacy(bare, "f")
    assert back.exact is False
    assert agent_of(to_modules(back.text, "f").text) == agent_of(new)
