"""Traps of the graph: names, sources, dead components, and configs that never worked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import migrate
import modules
from migrate import config_rules
from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.to_legacy import legacy_agent
from modules.errors import InputError
from tests.migrate import _policies as policies
from tests.migrate._eras import FEATURES, TOKENS, config_of, from_box, from_late_tokens, from_token_box
from tests.migrate._policies import CONFIG, ENVIRONMENT, changed
from tests.traps import _late as late


@pytest.fixture(autouse=True)
def _own_generator() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


def validated(components: Any, obs_shape: tuple[int, ...]) -> None:
    """What the old trainer did with an agent."""
    shapes = [tuple(each._obs_shape) for each in components.values() if getattr(each, "_obs_shape", None) is not None]
    if not shapes:
        raise ValueError("No component with observation shape found in policy")
    assert set(shapes) == {obs_shape}


@pytest.mark.parametrize(("date", "encoder"), [("2025-05-22", from_box), ("2025-08-14", from_token_box)])
def test_trap_53_the_trainer_asks_components_for_the_shape_of_observations(
    date: str, encoder: Any, tmp_path: Path
) -> None:
    policy = late.made(date, encoder)
    old, new = late.both(policy, tmp_path)
    modules.save_agent(new, tmp_path / "new.safetensors")
    shape = new.environment.obs_shape
    with pytest.raises(ValueError, match="No component with observation shape"):
        validated(new.components, shape)
    for agent in (old, migrate.load_policy(tmp_path / "new.safetensors", "legacy")):
        validated(agent.components, shape)
    with pytest.raises(InputError, match="observations must be"):  # which asks the environment instead
        new(torch.zeros(1, *(size + 1 for size in shape), dtype=torch.uint8))


def test_trap_56_two_slices_of_one_source_stay_two(tmp_path: Path) -> None:
    sources = [{"name": "fc", "slice": [0, 2], "dim": 1}, {"name": "fc", "slice": [1, 5], "dim": 1}]
    merge = {"_target_": "metta.agent.lib.merge_layer.ConcatMergeLayer", "sources": sources, "output_size": 12}
    config = changed(CONFIG, merged=merge, _core_={"sources": [{"name": "merged"}]})
    path = policies.write_old(tmp_path / "policy.pt", policies.old_agent(config))
    old, new = migrate.load_policy(path, "legacy"), migrate.load_policy(path, "modules")
    assert list(old.components["merged"]._source_components) == ["fc"]  # as a dict by name, they are one
    assert new.config["components"]["merged"]["sources"] == sources
    assert policies.same_policy(old, new)


@pytest.mark.parametrize("name", ["cnn1_channels_0-11", "cnn1.channels"])
def test_trap_57_names_may_have_hyphens_but_no_dots(name: str) -> None:
    parts = {name if key == "cnn-1" else key: value for key, value in CONFIG["components"].items()}
    config = changed({**CONFIG, "components": parts}, flat={"sources": [{"name": name}]})
    for stack in ("legacy", "modules"):
        if "." in name:
            with pytest.raises(modules.MettaError, match=r"cnn1\.channels|can't contain \"\.\""):
                migrate.build_agent({**config, "stack": stack}, ENVIRONMENT)
        else:
            assert name in migrate.build_agent({**config, "stack": stack}, ENVIRONMENT).components


def test_trap_58_dead_components_are_an_error_in_both_stacks() -> None:
    config = changed(CONFIG, dead={**CONFIG["components"]["core_relu"]})
    for stack, message in (
        ("legacy", "Component dead in MettaAgent was never setup"),
        ("modules", "no head reaches: dead"),
    ):
        with pytest.raises(modules.MettaError, match=message):
            migrate.build_agent({**config, "stack": stack}, ENVIRONMENT)

    merge = {"_target_": "metta.agent.lib.merge_layer.ConcatMergeLayer", "sources": [{"name": "fc"}, {"name": "fc2"}]}
    fc2 = {**CONFIG["components"]["fc"]}
    through = changed(CONFIG, merged=merge, fc2=fc2, _core_={"sources": [{"name": "merged"}]})
    for stack in ("legacy", "modules"):  # a component that only a merge reads is alive
        assert "fc2" in migrate.build_agent({**through, "stack": stack}, ENVIRONMENT).components


@pytest.mark.parametrize("date", ["2025-08-08", "2025-08-14"])
def test_trap_59_latent_attention_of_e8_and_e9_never_ran(date: str) -> None:
    era = Era(date)
    config = config_of(era, from_late_tokens)
    torch.manual_seed(0)
    old = legacy_agent(config, TOKENS, "test", era)  # which builds as it should
    late.meet(old, FEATURES)
    with pytest.raises(KeyError, match="_BxTT_"):
        late.passed(old, torch.zeros(2, 12, 3, dtype=torch.uint8))
    with pytest.raises(UnusableFileError, match=r"failed in every pass \(trap 59\)"):
        config_rules.to_new_agent(config, era, "test")
