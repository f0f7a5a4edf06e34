"""What configs say, leave out, and say in vain (traps 15, 17 to 20, 27)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import legacy
import migrate
import modules
from equivalence.tracing import trace
from migrate import config_rules
from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.registry import rules
from migrate.translate import to_new
from modules import Environment
from modules.errors import ConfigError
from tests.migrate import _policies
from tests.migrate._eras import BOX, TOKENS, config_of, from_box, from_token_box
from tests.migrate._policies import CONFIG, ENVIRONMENT, changed, component
from tests.traps._early import NEW, both, built, new_agent

SMALL = Environment((3, 4, 3), BOX.feature_normalizations, BOX.feature_names, BOX.action_nvec)


def with_merge(era: str) -> dict[str, Any]:
    """A policy whose convolution reads two slices of the observation, in the words of E1 to E3."""
    config = config_of(Era(era), from_box)
    sources = [{"source_name": "obs_normalizer", "slice": cut} for cut in ([0, 1], [1, 3])]
    merge = {"_target_": f"{Era(era).root}merge_layer.ConcatMergeLayer", "sources": sources}
    conv = {"input_source": "merged", "nn_params": {"kernel_size": 3, "stride": 1}}
    return changed(config, merged=merge, cnn1=conv)


def test_trap_15_slices_ran_along_the_last_dimension_by_default() -> None:
    old, new = built(with_merge("E1"), SMALL, "E1")
    x = torch.randint(0, 9, (3, *SMALL.obs_shape), dtype=torch.uint8)
    parts = [trace(agent, x).components for agent in (old, new)]
    assert _policies.equal(list(parts[0].values()), list(parts[1].values()))
    assert parts[1]["merged"].shape[1:] == (3, 3, 3)  # features, rows, three columns of four
    sources = new.config["components"]["merged"]["sources"]
    assert [source["dim"] for source in sources] == [-1, -1]
    assert {tuple(source) for source in sources} == {("name", "slice", "dim")}

    naive = [{**source, "dim": 1} for source in sources]  # the later default
    other = modules.MettaAgent(changed(new.config, merged={"sources": naive}), SMALL)
    assert trace(other, x).components["merged"].shape[1:] == (3, 3, 4)


@pytest.mark.parametrize("name", ["E2a", "E3"])
def test_trap_17_merges_could_not_be_built_in_e2_and_e3(name: str) -> None:
    config = with_merge(name)
    with pytest.raises(UnusableFileError, match="'NoneType' object is not subscriptable"):
        migrate.build_agent({**config, "stack": "legacy", "era": name}, SMALL)
    new = migrate.build_agent({**config, "stack": "modules", "era": name}, SMALL)
    assert new.config["components"]["merged"]["sources"][0]["dim"] == -1


def test_trap_18_keys_that_were_ignored_stay_ignored(tmp_path: Path) -> None:
    old, new = both(tmp_path, _policies.old_agent())
    assert CONFIG["components"]["critic_1"]["effective_rank"]
    assert old.compute_weight_metrics() == new.compute_weight_metrics() == []
    assert not {"effective_rank", "analyze_weights"} & set(NEW["components"]["critic_1"])
    naive = new_agent(changed(NEW, critic_1={"analyze_weights": True}))
    assert naive.compute_weight_metrics() != []

    options = {"output_size": 4, "effective_rank": True}
    assert to_new(rules()["linear"], options, Era("E3"), "x").config["analyze_weights"] is True
    assert to_new(rules()["linear"], options, Era("E3b"), "x").dropped == ("effective_rank",)
    for stem, sizes, dead in (
        ("concat_merge", {}, "output_size"),
        ("obs_latent_attn", {"out_dim": 4}, "mlp_out_hidden_dim"),
        ("obs_self_attn", {"out_dim": 4}, "qk_dim"),
    ):
        read = to_new(rules()[stem], {**sizes, dead: 8}, Era("E7a"), "x")
        assert read.dropped == (dead,)
        assert dead not in read.config


def test_trap_19_the_agent_overrides_the_component() -> None:
    config = changed(CONFIG, fc={"clip_range": 50.0}, _core_={"hidden_size": 9}, _obs_={"obs_shape": [1, 1, 1]})
    new, dropped = config_rules.to_new_agent(config, Era("E4d"), "test")
    assert dropped["fc"] == ("clip_range",)
    assert (dropped["_core_"], dropped["_obs_"]) == (("hidden_size",), ("obs_shape",))
    old, ours = _policies.old_agent(config), new_agent(new)
    assert _policies.same_policy(old, ours)
    assert old.components["fc"].clip_value == ours.components["fc"].clip_value < 50
    with pytest.raises(ConfigError, match=r"clip_range is 50.0 in the config, but the graph"):
        new_agent(changed(new, fc={"clip_range": 50.0}))  # what the component says, taken at its word


def test_trap_20_the_hidden_size_stood_in_two_places() -> None:
    assert NEW["components"]["_core_"]["hidden_size"] == CONFIG["components"]["_core_"]["output_size"] == 4
    second = {"_target_": "metta.agent.lib.lstm.LSTM", "output_size": 9, "nn_params": {"num_layers": 1}}
    with pytest.raises(UnusableFileError, match="component 'memory': is an LSTM, which the old stack builds with"):
        config_rules.to_new_agent(changed(CONFIG, memory=second), Era("E4d"), "test")

    late = changed(config_of(Era("E8"), from_token_box), _core_={"output_size": 9})  # where nobody read it any more
    old, new = built(late, TOKENS, "E8")
    assert old.components["_core_"].hidden_size == new.components["_core_"].hidden_size == 4
    with pytest.raises(UnusableFileError, match=r"nn_params\.hidden_size has no counterpart"):
        config_rules.to_new_agent(late, Era("E7b"), "test")


def test_trap_27_what_the_old_code_wrote_into_nn_params_is_no_difference(tmp_path: Path) -> None:
    mixed = component("nn_layer_library.Bilinear", "fc", "flat", nn_params={"out_features": 5})
    config = changed(CONFIG, mixed=mixed, _core_={"sources": [{"name": "mixed"}]})
    old, new = both(tmp_path, _policies.old_agent(config))
    written = {name: dict(old.components[name]._nn_params) for name in ("cnn-1", "mixed")}
    assert written["cnn-1"]["padding"] == 0
    assert written["mixed"] == {"out_features": 5, "in1_features": 6, "in2_features": 36}

    options = {name: new.config["components"][name] for name in written}
    assert "padding" not in options["cnn-1"]
    assert not {"in1_features", "in2_features"} & set(options["mixed"])
    assert _policies.same_policy(old, new)
    assert isinstance(migrate.build_agent(config, ENVIRONMENT, tmp_path / "policy.pt"), legacy.MettaAgent)
    with pytest.raises(UnusableFileError, match=r"nn_params\.in1_features, nn_params\.in2_features has no counterpart"):
        to_new(rules()["bilinear"], {"nn_params": written["mixed"]}, Era("E4d"), "the naive config")
