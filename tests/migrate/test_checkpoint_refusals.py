"""`python -m migrate.checkpoint` says what it cannot use, where, and what to do; it executes and writes nothing."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

import legacy
import migrate
from migrate.checkpoint import main
from migrate.eras import Era
from migrate.pickle_writer import save_record
from tests.migrate import _policies as policies


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_the_trainer_state_of_another_run_is_refused(tmp_path: Path, trainer_state: Path, capsys: Any) -> None:
    config = policies.changed(policies.CONFIG, fc={"nn_params": {"out_features": 7}})
    wider = policies.write_old(tmp_path / "wider.pt", policies.old_agent(config))
    assert run(wider, "--trainer-state", trainer_state) == 2
    assert "has shape" in capsys.readouterr().err
    assert run(wider, "--trainer-state", wider) == 2
    assert "this is no trainer state\n  -> give the run's trainer_state.pt" in capsys.readouterr().err
    assert run(trainer_state) == 2
    assert "this is a trainer state, not a policy" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [wider]


def test_a_trainer_state_of_e11_is_no_policy_either(tmp_path: Path, capsys: Any) -> None:
    torch.save({"optimizer": policies.adam(policies.old_agent()).state_dict(), "epoch": 3}, tmp_path / "trainer.pt")
    assert run(tmp_path / "trainer.pt") == 2
    assert "this is a trainer state, not a policy" in capsys.readouterr().err


def test_a_weight_beside_the_components_is_refused(tmp_path: Path, capsys: Any) -> None:
    agent = policies.old_agent()
    agent.temperature = nn.Parameter(torch.ones(1))
    assert run(policies.write_old(tmp_path / "p.pt", agent)) == 2
    assert "the tensor temperature belongs to no component" in capsys.readouterr().err


def _state(kept: dict[str, Any]) -> Any:
    return kept["optimizer_state_dict"]["state"]


def _group(kept: dict[str, Any]) -> Any:
    return kept["optimizer_state_dict"]["param_groups"][0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda kept: _state(kept)[0]["exp_avg"].fill_(float("nan")), "hold NaN or Inf: exp_avg of"),
        (lambda kept: _state(kept).update({0: None}), "the optimizer state of parameter 0 is no dict"),
        (lambda kept: _state(kept).update({99: {}}), "a state of parameter 99, which none of its groups has"),
        (lambda kept: _state(kept)[0].update({(1, 2): 3}), "an entry (1, 2), whose name is no text"),
        (lambda kept: _group(kept)["params"].__setitem__(1, 0), "the optimizer counts parameter 0 twice"),
        (lambda kept: _group(kept).pop("params"), "holds no state of a torch optimizer"),
        (lambda kept: kept["optimizer_state_dict"].update(param_groups=[3]), "holds no state of a torch optimizer"),
        (lambda kept: _group(kept).update(lr=torch.ones(1)), "'lr' of the parameter group cannot be kept: a Tensor"),
    ],
)
def test_a_trainer_state_that_adam_cannot_go_on_from_is_refused_by_its_file(
    tmp_path: Path, capsys: Any, change: Any, message: str
) -> None:
    agent = policies.old_agent()
    optimizer = policies.adam(agent)
    policies.train(agent, optimizer, [0])
    trainer = policies.write_trainer_state(tmp_path / "trainer.pt", optimizer)
    content = torch.load(trainer)
    change(content)
    torch.save(content, trainer)
    old = policies.write_old(tmp_path / "policy.pt", agent)
    assert run(old, "--trainer-state", trainer) == 2
    told = capsys.readouterr().err.replace("\n", " ")
    assert message in told
    assert "trainer.pt" in told
    assert {path.name for path in tmp_path.iterdir()} == {"policy.pt", "trainer.pt"}


def test_weights_with_nan_are_refused(tmp_path: Path, capsys: Any) -> None:
    agent = policies.old_agent()
    with torch.no_grad():
        agent.components["fc"].weight_net.bias[2] = float("nan")
    assert run(policies.write_old(tmp_path / "nan.pt", agent)) == 2
    assert "1 of 23 tensors hold NaN or Inf: components.fc._net.0.bias (1 values)" in capsys.readouterr().err


def test_an_attribute_that_no_rule_knows_is_refused(tmp_path: Path, capsys: Any) -> None:
    agent = policies.old_agent()
    agent.components["fc"].my_temperature = 0.7
    assert run(policies.write_old(tmp_path / "p.pt", agent)) == 2
    err = capsys.readouterr().err
    assert "component 'fc': metta.agent.lib.nn_layer_library.Linear has attribute(s) that its rule does not know" in err
    assert "my_temperature\n  -> if they matter, teach migrate/rules/linear.py" in err


def test_an_agent_attribute_of_ones_own_is_kept_for_the_way_back(tmp_path: Path, capsys: Any) -> None:
    agent = policies.old_agent()
    agent.my_note = "hello"
    assert run(policies.write_old(tmp_path / "p.pt", agent)) == 0
    assert "agent attribute 'my_note' is unknown to the old stack" in capsys.readouterr().err
    assert run(tmp_path / "p.safetensors", "--to", "legacy", "-o", tmp_path / "b.pt") == 0
    assert (tmp_path / "b.pt").read_bytes() == (tmp_path / "p.pt").read_bytes()


class MyLayer(nn.Module):  # stands for a user's subclass of LayerBase
    pass


MyLayer.__module__, MyLayer.__qualname__ = "my_project.layers", "MyLayer"


def test_a_class_of_ones_own_is_refused_by_name(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("my_project.layers")
    module.MyLayer = MyLayer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_project", ModuleType("my_project"))
    monkeypatch.setitem(sys.modules, "my_project.layers", module)
    agent = policies.old_agent()
    agent.components["core_relu"] = MyLayer()
    assert run(policies.write_old(tmp_path / "p.pt", agent)) == 2
    err = capsys.readouterr().err
    assert "p.pt: component 'core_relu': no rule for the class my_project.layers.MyLayer\n  -> write" in err


def test_a_state_dict_alone_is_not_enough(tmp_path: Path, capsys: Any) -> None:
    torch.save(policies.old_agent().state_dict(), tmp_path / "weights.pt")
    assert run(tmp_path / "weights.pt") == 2
    err = capsys.readouterr().err
    assert "a state dict alone: it does not say which embedding row is which action" in err
    assert "-> give the policy file that the trainer wrote (model_NNNN.pt)" in err


def test_a_record_without_an_agent_and_other_objects_are_refused(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "empty.pt").write_bytes(save_record(legacy.PolicyRecord(None, "x", "y", {}), Era("E4d"), {}))
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "damaged.safetensors").write_bytes(b"hello")
    files = [tmp_path / name for name in ("empty.pt", "list.pt", "text.pt", "damaged.safetensors")]
    assert run(*files) == 2
    err = capsys.readouterr().err
    assert "the policy record holds no agent" in err
    assert "this is no policy of the old stack but a list" in err
    assert "damaged.safetensors: not a policy of the new stack" in err
    assert "mistake of this program" not in err
    assert sorted(tmp_path.iterdir()) == sorted(files)


class Hostile:
    def __reduce__(self) -> Any:
        return os.system, ("touch hacked",)


def test_a_hostile_pickle_is_refused_by_the_name_of_its_reference(
    tmp_path: Path, policy: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    agent = policies.old_agent()
    old = Path(shutil.copy(policy, tmp_path / "model_0007.pt"))
    agent.evil = Hostile()
    bad = policies.write_old(tmp_path / "bad.pt", agent)
    assert run(bad) == 3
    assert "posix.system" in capsys.readouterr().err
    assert run(old, bad) == 3
    assert run(old, "--trainer-state", bad, "-o", tmp_path / "x.safetensors") == 3
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["bad.pt", "model_0007.pt", "model_0007.safetensors"]


def test_a_damaged_agent_is_refused_in_our_words(tmp_path: Path, capsys: Any) -> None:
    agent = policies.old_agent()
    agent.agent_attributes = {**agent.agent_attributes, "obs_shape": 5, "clip_range": "none"}
    del agent.action_max_params
    assert run(policies.write_old(tmp_path / "p.pt", agent)) == 2
    assert "the agent lacks clip_range, agent_attributes.obs_shape, action_max_params" in capsys.readouterr().err


TOLD_OBJECTS = "components were told `num_objects`: since E1 (2025-02-20), before E5a (2025-05-30)"
KEPT_THEM = "`agent_attributes`: since 2025-05-19"
MAXIMA = "`actions_max_params`: since E4a (2025-05-01), before E4b (2025-05-10)"


@pytest.mark.parametrize(
    ("change", "readings"),
    [
        ({"components_with_memory": []}, ("`components_with_memory`: since E8 (2025-08-07b)", TOLD_OBJECTS)),
        ({"original_feature_mapping": {}}, ("`original_feature_mapping`: since 2025-07-01", TOLD_OBJECTS)),
        ({"actions_max_params": [1]}, (KEPT_THEM, MAXIMA)),
        ({"agent_attributes": None}, (KEPT_THEM, "the agent does not keep what it told its components: since E1")),
    ],
)
def test_parts_of_different_eras_are_refused_with_both_readings(
    tmp_path: Path, capsys: Any, change: dict[str, Any], readings: tuple[str, str]
) -> None:
    agent = policies.old_agent()
    for name, value in change.items():
        setattr(agent, name, value)
    assert run(policies.write_old(tmp_path / "p.pt", agent)) == 2
    err = capsys.readouterr().err
    assert f"its parts are of different eras: the agent has {readings[0]}" in err
    assert readings[1] in err
    assert "-> if you know the era, give --era NAME; none describes a run that went on" in err
    assert [path.name for path in tmp_path.iterdir()] == ["p.pt"]


def test_an_agent_that_forgot_what_it_was_told_is_refused(tmp_path: Path, capsys: Any) -> None:
    agent = policies.old_agent()
    agent.agent_attributes = {}
    assert run(policies.write_old(tmp_path / "p.pt", agent)) == 2
    assert "the agent lacks agent_attributes.obs_shape, or has something else there" in capsys.readouterr().err


def test_an_agent_of_the_new_stack_that_was_pickled_whole_is_told_so(
    migrated: Path, tmp_path: Path, capsys: Any
) -> None:
    torch.save(migrate.load_policy(migrated, "modules"), tmp_path / "whole.pt")
    assert main([str(tmp_path / "whole.pt")]) == 2
    err = capsys.readouterr().err
    assert "holds an agent of the new stack, which was pickled whole\n  -> save it with modules.save_agent or" in err
