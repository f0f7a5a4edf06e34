from __future__ import annotations

from typing import Any

import pytest

from migrate.config_era import config_era
from migrate.errors import UnusableFileError, UsageError

AGENT, LIB = "metta.agent.metta_agent.MettaAgent", "metta.agent.lib."


def agent(target: str = AGENT, **components: dict[str, Any]) -> dict[str, Any]:
    return {"_target_": target, "components": components}


def component(name: str, *sources: str, **keys: Any) -> dict[str, Any]:
    return {"_target_": LIB + name, "sources": [{"name": source} for source in sources] or None, **keys}


def linear(*sources: str, **keys: Any) -> dict[str, Any]:
    return component("nn_layer_library.Linear", *sources, nn_params={"out_features": 2}, **keys)


BOX = component("obs_shaper.ObsShaper")


def test_a_config_whose_parts_allow_e4d_is_taken_for_it() -> None:
    era, _ = config_era(agent(_obs_=BOX, fc=linear("_obs_")), "f")
    assert (era.name, era.date, era.earliest) == ("E4d", "2025-05-29z", "2025-05-01")


def test_the_evidence_names_the_parts_that_decide() -> None:
    era, _ = config_era(agent(_obs_=BOX, fc=linear("_obs_")), "f")
    assert era.evidence == (
        "component 'fc' has `name` among its sources: since E4a (2025-05-01)",
        f"component '_obs_' is a {LIB}obs_shaper.ObsShaper: since E1 (2025-02-20), before E6a (2025-06-18)",
    )


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (agent("agent.metta_agent.MettaAgent", x={"_target_": "agent.lib.nn_layer_library.Linear"}), "E2c"),
        (agent(x=component("nn_layer_library.Linear", input_source="_obs_", output_size=2)), "E3b"),
        (agent(x=component("lstm.LSTM", "fc", nn_params={"hidden_size": 2, "num_layers": 1})), "E9"),
    ],
)
def test_a_config_that_cannot_be_of_e4d_is_taken_for_the_youngest_code_that_it_allows(
    config: dict[str, Any], name: str
) -> None:
    assert config_era(config, "f")[0].name == name


def test_parts_of_different_eras_are_refused_with_both_readings() -> None:
    shaper = component("obs_tokenizers.ObsTokenPadStrip")
    with pytest.raises(UnusableFileError, match=r"^f: its parts are of different eras: ") as caught:
        config_era(agent(_obs_=BOX, tokens=shaper), "f")
    assert "component 'tokens' is a metta.agent.lib.obs_tokenizers.ObsTokenPadStrip: since E6a" in str(caught.value)
    assert "component '_obs_' is a metta.agent.lib.obs_shaper.ObsShaper: since E1" in str(caught.value)


def test_the_era_may_be_forced_against_the_evidence() -> None:
    tokens = component("obs_tokenizers.ObsTokenPadStrip")
    era, notes = config_era(agent(_obs_=BOX, tokens=tokens), "f", "E6b")
    assert (era.name, era.evidence, notes) == ("E6b", ("named",), ())
    assert config_era(agent(fc=linear()), "f", "2025-06-10")[0].date == "2025-06-10"


def test_a_name_for_several_eras_leaves_the_choice_among_them_to_the_file() -> None:
    config = agent(_obs_=BOX, fc=linear("_obs_"))
    assert config_era(config, "f", "E4")[0].name == "E4d"
    era, _ = config_era(config, "f", "E5")
    assert (era.name, era.evidence) == ("E5e", ("--era E5: since 2025-05-30, before 2025-06-18",))
    with pytest.raises(UnusableFileError, match=r"different eras: --era E6: since 2025-06-18.*; component '_obs_' is"):
        config_era(config, "f", "E6")


def test_an_era_that_never_was_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^f: no era 'E12'\n  -> eras are E1, "):
        config_era(agent(fc=linear()), "f", "E12")


def test_what_an_open_era_leaves_open_is_noted() -> None:
    _, notes = config_era(agent(_obs_=BOX, fc=linear("_obs_"), fc2=linear("fc")), "f")
    assert any("l2_init_scale" in note and "l2_norm_scale" in note for note in notes), notes
    assert len(notes) == len(set(notes))


def test_an_option_that_is_written_leaves_nothing_open() -> None:
    written = linear("_obs_", l2_init_scale=0.5, l2_norm_scale=None)
    _, notes = config_era(agent(_obs_=BOX, fc=written), "f")
    assert [note for note in notes if "l2_norm" in note or "l2_init" in note] == []


def test_a_config_that_may_have_other_weights_in_other_eras_is_refused_with_both_readings() -> None:
    shaper = component("obs_enc.ObsTokenShaper", atr_embed_dim=2)
    with pytest.raises(UnusableFileError, match=r"^f: the config does not say which era it is of") as caught:
        config_era(agent(_obs_=shaper), "f")
    text = str(caught.value)
    assert "component '_obs_', num_attributes: " in text
    assert "in code of 2025-06-17, 257 in code of 2025-05-30" in text
    assert "-> give the date of the code, such as --era 2025-05-30; a checkpoint tells it" in text
    assert config_era(agent(_obs_=shaper), "f", "2025-06-10")[1] == ()


def test_a_habit_of_the_team_gives_way_to_what_only_later_code_took() -> None:
    relu = component("nn_layer_library.ReLU", "_core_")
    core = component("lstm.LSTM", "fc", nn_params={"hidden_size": 2, "num_layers": 1})
    assert config_era(agent(core_relu=relu, _core_=core), "f")[0].name == "E9"


def test_what_the_agent_alone_did_for_some_days_within_the_open_time_is_noted() -> None:
    _, notes = config_era(agent(_obs_=BOX, fc=linear("_obs_")), "f")
    assert any("sequences (a mistake of three days in training)" in note for note in notes), notes
