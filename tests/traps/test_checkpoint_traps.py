"""Traps of files: names of tensors and classes, records, what pickles drag along, packages, trainer states."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import migrate
import modules
from legacy import component_policies
from migrate import pickle_writer
from migrate.archive import read_checkpoint
from migrate.checkpoint import main
from migrate.eras import Era
from migrate.old_policy import read_old_policy
from migrate.pickle_reader import Record
from migrate.to_legacy import record_of
from modules.policy_file import read_policy_file
from tests.migrate._eras import BOX, Policy, from_box, from_late_tokens, from_token_box
from tests.traps import _late as late
from tests.traps._late import Around

IMAGES = torch.arange(2 * 5 * 4 * 3).reshape(2, *BOX.obs_shape).to(torch.uint8)
TOKENS = late.token_rows([(0, 1, 9), (17, 2, 200), (33, 3, 7)], [(1, 0, 3)])


@pytest.fixture(autouse=True)
def _own_generator() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_trap_44_one_tensor_has_up_to_22_names(tmp_path: Path) -> None:
    policy = late.made("2025-02-20", from_box)
    names = dict(policy.agent.named_parameters(remove_duplicate=False))
    own = list(policy.agent.parameters())
    assert len(names) > 3 * len(own)
    old, new = late.both(policy, tmp_path)
    assert len(list(new.parameters())) == len(own)
    translated = migrate.parameter_names(new)
    assert [id(names[translated[name]]) for name, _ in new.named_parameters()] == list(map(id, own))
    assert old.components["encoded"].weight_net is old.components["encoded"].net[0]
    assert late.alike(old, new, IMAGES)


def test_trap_45_keys_have_prefixes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = late.made("2025-08-14", from_token_box)
    _, new = late.both(policy, tmp_path)
    keys = list(policy.agent.state_dict())
    assert all(key.startswith("policy.components.") for key in keys)
    with pytest.raises(RuntimeError, match="Missing key"):
        late.made("2025-08-08", from_token_box).agent.load_state_dict(policy.agent.state_dict())
    assert set(migrate.parameter_names(new).values()) < set(keys)
    for name, path in (
        ("module", "metta.agent.metta_agent.DistributedMettaAgent"),
        ("module", "torch.nn.parallel.distributed.DistributedDataParallel"),
        ("module", "torch.nn.parallel.data_parallel.DataParallel"),
        ("_orig_mod", "torch._dynamo.eval_frame.OptimizedModule"),
    ):
        around = Policy(policy.era, Around(name, policy.agent), policy.optimizer, policy.config)
        assert all(key.startswith(f"{name}.policy.") for key in around.agent.state_dict())
        with late.written_as(monkeypatch, {Around: path}):
            wrapped = migrate.load_policy(late.file_of(around, tmp_path), "modules")
        assert late.alike(wrapped, new, TOKENS)
        assert wrapped.state_dict().keys() == new.state_dict().keys()


@pytest.mark.parametrize(
    ("date", "root"), [("2025-02-20", ""), ("2025-04-15", "metta."), ("2025-05-22", "metta."), ("2025-06-10", "metta.")]
)
def test_trap_46_classes_that_a_file_names_are_gone(date: str, root: str, tmp_path: Path) -> None:
    path = late.file_of(late.made(date, from_box), tmp_path)
    agent = read_checkpoint(path).root.attributes["_policy"]
    components = agent.attributes["_modules"]["components"].attributes["_modules"]
    assert agent.path == f"{root}agent.metta_agent.MettaAgent"
    assert components["_obs_"].path == f"{root}agent.lib.obs_shaper.ObsShaper"
    with pytest.raises((ModuleNotFoundError, AttributeError, pickle.UnpicklingError)):
        torch.load(path, weights_only=False)
    old, new = (migrate.load_policy(path, stack) for stack in ("legacy", "modules"))
    assert late.alike(old, new, IMAGES)


@pytest.mark.parametrize("date", ["2025-05-22", "2025-08-14"])
def test_trap_47_a_record_says_metadata_and_name_under_other_names(date: str, tmp_path: Path) -> None:
    policy = late.made(date, from_box if date < "2025-06" else from_token_box)
    path = late.file_of(policy, tmp_path)
    before = read_checkpoint(path).root.attributes
    early = date < "2025-06"
    name, metadata, agent = ("name", "metadata", "_policy") if early else ("run_name", "_metadata", "_cached_policy")
    assert {name, metadata, agent} <= before.keys()
    assert not {"run_name", "_metadata", "_cached_policy"} & before.keys() if early else "metadata" not in before
    new = migrate.load_policy(path, "modules")
    assert new.provenance["migration"]["record"][name] == "run"
    assert new.provenance["migration"]["record"][metadata]["epoch"] == 3
    modules.save_agent(new, tmp_path / "p.safetensors")
    assert run(tmp_path / "p.safetensors", "--to", "legacy", "-o", tmp_path / "back.pt") == 0
    assert (
        read_old_policy(read_checkpoint(tmp_path / "back.pt")).record == read_old_policy(read_checkpoint(path)).record
    )


def test_trap_48_agents_of_august_call_themselves_fast_whatever_they_are(tmp_path: Path) -> None:
    policy = late.made("2025-08-20", from_late_tokens)
    old, new = late.both(policy, tmp_path)
    assert old.policy_path.endswith(".Fast")
    by_name = component_policies.components("fast", "2025-08-20")
    assert by_name["_obs_"]["_target_"].endswith("ObsTokenToBoxShaper")
    assert new.config["components"]["_obs_"]["_target_"].endswith("ObsTokenPadStripModule")
    assert late.alike(old, new, TOKENS)
    assert new.config["policy"] == old.policy_path  # which a file of the old stack says again


def test_trap_49_configs_inside_of_a_pickle_drag_the_whole_config_along(tmp_path: Path) -> None:
    policy = late.made("2025-08-08", from_token_box)
    path = late.file_of(policy, tmp_path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    components = read_checkpoint(path).root.attributes["_cached_policy"].attributes["_modules"]["components"]
    node = components.attributes["_modules"]["critic"].attributes["_nn_params"]
    assert node.path == "omegaconf.dictconfig.DictConfig"
    above = node
    while isinstance(above.attributes.get("_parent"), Record):
        above = above.attributes["_parent"]
    assert above is not node
    assert len(above.attributes["_content"]) > 1
    new = migrate.load_policy(path, "modules")
    assert json.loads(json.dumps(new.config)) == new.config
    assert new.config["components"]["critic"]["out_features"] == 5
    assert "omegaconf" not in json.dumps(new.config)


def test_trap_52_a_trainer_state_holds_what_was_never_restored(tmp_path: Path) -> None:
    policy = late.made("2025-05-22", from_box)
    path, trainer = policy.write(tmp_path)
    extras = {"average_reward": 0.25, "stopwatch_state": {"total": 3.5}}
    torch.save({**torch.load(trainer, weights_only=True), **extras}, trainer)
    assert run(path, "--trainer-state", trainer) == 0
    new = tmp_path / "policy.safetensors"
    rest = read_policy_file(new).extra["trainer"]["rest"]
    assert {"agent_step", "epoch", *extras} == rest.keys()  # the old loader took the first two alone
    assert {key: rest[key] for key in extras} == extras
    agent = modules.load_agent(new)
    again = migrate.save_policy(tmp_path / "again.pt", agent, policy.optimizer.state_dict(), trainer=rest)
    saved = torch.load(again[-1], weights_only=True)
    assert {key: saved[key] for key in extras} == extras


def test_trap_54_numpy_scalars_stand_where_numbers_should(tmp_path: Path) -> None:
    policy = late.made("2025-04-22", from_box)
    old, new = late.both(policy, tmp_path)
    limits = [agent.components["encoded"].clip_value for agent in (old, new)]
    assert (type(limits[0]), type(limits[1])) == (np.float64, float)
    torch.save(limits[0], tmp_path / "limit.pt")
    with pytest.raises(pickle.UnpicklingError, match="numpy"):
        torch.load(tmp_path / "limit.pt", weights_only=True)
    assert limits[0] == limits[1]
    assert isinstance(old.components["_action_type_"]._output_size, np.integer)
    modules.save_agent(new, tmp_path / "p.safetensors")
    back = migrate.load_policy(tmp_path / "p.safetensors", "legacy")
    assert type(back.components["encoded"].clip_value) is np.float64
    assert isinstance(back.components["_action_type_"]._output_size, np.integer)


def packaged(policy: Policy) -> bytes:
    """A torch.package as the trainer of E6b wrote it: a record and an agent, each pickled alone."""
    record = record_of(policy.agent, policy.era, "run", "file://run/model.pt", {"epoch": 3}, "run/model.pt")
    record._policy = None
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("model/.data/version", "6")
        for entry, obj in (("policy_record/data.pkl", record), ("policy/model.pkl", policy.agent)):
            with zipfile.ZipFile(io.BytesIO(pickle_writer.save_record(obj, policy.era, policy.config))) as saved:
                root = saved.namelist()[0].partition("/")[0]
                package.writestr(f"model/{entry}", saved.read(f"{root}/data.pkl"))
                for name in saved.namelist():
                    if name.startswith(f"{root}/data/"):
                        package.writestr(f"model/.data/{Path(name).name}.storage", saved.read(name))
    return target.getvalue()


def test_trap_62_packages_name_interned_classes_and_lose_attributes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = late.made("2025-06-25", from_late_tokens)
    with late.written_as(monkeypatch, prefix="<torch_package_0>."):
        (tmp_path / "policy.pt").write_bytes(packaged(policy))
    with pytest.raises((RuntimeError, pickle.UnpicklingError)):
        torch.load(tmp_path / "policy.pt", weights_only=False)
    old, new = (migrate.load_policy(tmp_path / "policy.pt", stack) for stack in ("legacy", "modules"))
    assert Era(new.config["era"]).is_since("E6b")
    assert late.alike(old, new, TOKENS)

    torch.manual_seed(9)
    resumed = late.fresh(new)  # what a resumed run built anew, before it loaded the state dict alone
    resumed.load_state_dict(new.state_dict(), strict=False)
    limits = [agent.components["critic"].clip_value for agent in (old, new, resumed)]
    assert limits[0] == limits[1] != limits[2]
    late.forget_rows(resumed)
    old.activate_actions(["jump", "noop"], [0, 0], "cpu")
    for agent in (new, resumed):
        agent.activate_actions(["jump", "noop"], [0, 0])
    assert late.alike(old, new, TOKENS)
    assert not late.alike(old, resumed, TOKENS)
