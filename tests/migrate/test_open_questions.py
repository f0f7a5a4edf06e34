from __future__ import annotations

from typing import Any

from migrate.eras import Era, just_before
from migrate.open_questions import Question, notes_of, open_questions

LIB = "metta.agent.lib."
SHAPER = {"_target_": f"{LIB}obs_enc.ObsTokenShaper", "sources": None, "atr_embed_dim": 2}


def linear(**keys: Any) -> dict[str, Any]:
    return {"_target_": f"{LIB}nn_layer_library.Linear", "nn_params": {"out_features": 2}, **keys}


def questions(earliest: str, chosen: str, latest: str, **components: dict[str, Any]) -> dict[str, Question]:
    era = Era(Era(chosen).name, date=chosen, earliest=earliest)
    return {each.option: each for each in open_questions({"components": components}, era, latest, "f")}


def test_an_era_that_is_known_leaves_nothing_open() -> None:
    day = "2025-05-22"
    assert questions(day, day, day, fc=linear()) == {}


def test_a_default_that_changed_within_the_span_is_open_with_both_values_and_the_date() -> None:
    asked = questions("2025-05-22", "2025-05-22", "2025-06-05", fc=linear())["l2_init_scale"]
    assert (asked.component, asked.here, asked.there, asked.date) == ("fc", None, 1, "2025-06-05")
    assert str(asked) == (
        "taken for E4d (2025-05-22), where l2_init_scale is None, and 1 in code of 2025-06-05; "
        "give --era 2025-06-05 if it is of then"
    )


def test_a_change_after_the_span_is_no_question() -> None:
    assert questions("2025-05-22", "2025-05-22", just_before("2025-06-02"), fc=linear()) == {}


def test_an_option_that_is_written_is_no_question() -> None:
    asked = questions("2025-05-22", "2025-05-22", "2025-06-05", fc=linear(l2_init_scale=1))
    assert "l2_init_scale" not in asked
    assert "l2_norm_scale" in asked


def test_what_the_era_decides_for_the_whole_agent_is_asked_too() -> None:
    asked = questions("2025-05-22", "2025-05-22", "2025-06-02", fc=linear())["action_dtype"]
    assert (asked.component, asked.here, asked.there, asked.structural) == ("", None, "int32", False)


def test_a_key_that_says_where_an_option_applies_is_not_asked_besides_it() -> None:
    pad_strip = {"_target_": f"{LIB}obs_tokenizers.ObsTokenPadStrip", "sources": None}
    asked = questions("2025-06-24", "2025-07-02", "2025-07-02", tokens=pad_strip)
    assert "remaps" in asked
    assert "remapped" not in asked


def test_an_option_that_decides_which_weights_there_are_is_structural() -> None:
    asked = questions("2025-05-30", "2025-06-10", "2025-06-10", _obs_=SHAPER)["num_attributes"]
    assert (asked.there, asked.date, asked.structural) == (257, "2025-05-30", True)


def test_what_decides_nothing_is_told_in_one_line_behind_what_does() -> None:
    asked = [
        Question("fc", option, 1, 2, "2025-06-04b", "2025-05-29z", structural=False)
        for option in ("l2_init_scale", "mask", "log_probs")
    ]
    decides, decides_nothing = notes_of(asked)
    assert decides.endswith("where mask is 1, and 2 in code of 2025-06-04b; give --era 2025-06-04b if it is of then")
    assert "l2_init_scale (a loss without gradient), log_probs (last bits)" in decides_nothing
