"""What writes into its input is refused where the old stack merged anew for each reader of what is written into."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from equivalence.pairs import pair_of_configs
from equivalence.proof import prove
from equivalence.tracing import trace
from migrate.config_rules import to_new_agent
from migrate.errors import UnusableFileError
from tests.migrate._policies import ACTIONS, CONFIG, ENVIRONMENT, ERA, changed, component, old_agent

INPLACE = {"nn_params": {"p": 0.5, "inplace": True}}


def dropout(*sources: str) -> dict[str, Any]:
    return component("nn_layer_library.Dropout", *sources, **INPLACE)


def merge(*sources: str) -> dict[str, Any]:
    return component("merge_layer.ConcatMergeLayer") | {"sources": [{"name": each, "dim": 1} for each in sources]}


READ = {"actor_1": {"sources": [{"name": "dropped"}]}, "critic_1": {"sources": [{"name": "joined"}]}}
REFUSED = {
    "the merge itself": (
        {"joined": merge("core_relu", "_core_"), "dropped": dropout("joined"), **READ},
        "'joined' ran",
    ),
    "what the merge is made of": (
        {
            "joined": merge("core_relu", "_core_"),
            "dropped": dropout("core_relu"),
            **READ,
            "other": component("nn_layer_library.ReLU", "joined"),
            "actor_1": {"sources": [{"name": "both"}]},
            "both": merge("dropped", "other"),
        },
        "'joined' is made of 'core_relu' and ran",
    ),
    "a view of the merge": (
        {
            "joined": merge("core_relu", "_core_"),
            "view": component("nn_layer_library.Flatten", "joined"),
            "dropped": dropout("view"),
            **READ,
        },
        "'joined' ran",
    ),
    "a merge of the merge": (
        {
            "inner": merge("core_relu", "_core_"),
            "joined": merge("inner", "_core_"),
            "dropped": dropout("joined"),
            **READ,
        },
        "'joined' ran",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_merge_with_several_readers_is_made_of_may_not_be_written_into(what: str) -> None:
    components, message = REFUSED[what]
    with pytest.raises(UnusableFileError, match=f"component 'dropped': writes into its input, and the merge {message}"):
        to_new_agent(changed(CONFIG, **components), ERA, "old.yaml")


def test_a_merge_with_one_reader_may_be_written_into() -> None:
    read = {**READ, "critic_1": {"sources": [{"name": "dropped"}]}}
    old = changed(CONFIG, joined=merge("core_relu", "_core_"), dropped=dropout("joined"), **read)
    new, _ = to_new_agent(old, ERA, "old.yaml")
    results = prove(
        pair_of_configs(old, new, ENVIRONMENT, actions=ACTIONS), levels=["forward", "gradients"], examples=20
    )
    assert [result.differences for result in results] == [[], []]


def test_what_is_written_before_the_merge_first_runs_may_be_in_it() -> None:
    read = {name: {"sources": [{"name": "joined"}]} for name in ("actor_1", "critic_1")}
    old = changed(CONFIG, dropped=dropout("core_relu"), joined=merge("core_relu", "dropped"), **read)
    new, _ = to_new_agent(old, ERA, "old.yaml")
    (result,) = prove(pair_of_configs(old, new, ENVIRONMENT, actions=ACTIONS), levels=["sampling"], examples=10)
    assert result.equal


@pytest.mark.parametrize("train", [True, False])
def test_to_leave_it_out_changes_nothing_as_the_refusal_says(train: bool) -> None:
    written = changed(CONFIG, **REFUSED["the merge itself"][0])
    obs, action = torch.randint(0, 255, (2, 3, *ENVIRONMENT.obs_shape)), torch.zeros(2, 3, 2, dtype=torch.int64)
    outputs = []
    for config in (written, changed(written, dropped={"nn_params": {"p": 0.5}})):
        agent = old_agent(config).train(train)
        torch.manual_seed(1)
        outputs.append(trace(agent, obs, action=action).outputs)
    assert outputs[0].keys() == outputs[1].keys()
    assert all(torch.equal(outputs[0][name], outputs[1][name]) for name in outputs[0])
