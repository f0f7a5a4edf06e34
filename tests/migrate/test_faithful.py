"""A live agent can be changed after it was built; a migration that reads its config alone would lose that silently."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import migrate
import modules
from equivalence.pairs import pair_of_files
from equivalence.proof import prove
from migrate.checkpoint import main
from migrate.plan import same_tensor
from modules.policy_file import read_policy_file, write_atomically
from tests.migrate._policies import CONFIG, adam, changed, old_agent, train, write_old, write_trainer_state

Change = Callable[[Any], None]


def _set(path: str, attribute: str, value: Any) -> Change:
    def change(agent: Any) -> None:
        setattr(agent.get_submodule(path), attribute, value)

    return change


def _in_dict(path: str, attribute: str, make: Callable[[Any], Any]) -> Change:
    def change(agent: Any) -> None:
        agent.get_submodule(path).__dict__[attribute] = make(agent)

    return change


def _rewire(agent: Any) -> None:
    agent.components["critic_1"]._source_components["core_relu"] = agent.components["_core_"]


def _tie(agent: Any) -> None:
    agent.components["_core_"]._net.weight_hh_l1 = agent.components["_core_"]._net.weight_hh_l0


def _share_memory(agent: Any) -> None:
    net = agent.components["_core_"]._net
    net.weight_hh_l1.data = net.weight_hh_l0.data


def _overlap_memory(agent: Any) -> None:
    net = agent.components["_core_"]._net
    first, second = net.weight_hh_l0, net.weight_hh_l1
    both = torch.cat([first.data.view(-1), second.data.view(-1)[1:]])
    first.data, second.data = both[: first.numel()].view(first.shape), both[first.numel() - 1 :].view(second.shape)


def _other_memory_order(agent: Any) -> None:
    net = agent.components["cnn-1"]._net[0]
    net.weight.data = net.weight.data.to(memory_format=torch.channels_last)


REFUSED: dict[str, tuple[Change, str]] = {
    "a nonlinearity replaced": (_set("components.fc._net", "1", nn.LeakyReLU()), "LeakyReLU"),
    "a layer appended": (_set("components.fc._net", "2", nn.Tanh()), "_modules of components.fc._net"),
    "an activation component replaced": (_set("components.core_relu", "_net", nn.GELU()), "GELU"),
    "the actor's tanh replaced": (
        _set("components._action_", "_tanh", nn.ReLU()),
        "class of components._action_._tanh",
    ),
    "a convolution's padding mode": (_set("components.cnn-1._net.0", "padding_mode", "circular"), "circular"),
    "a dropout in the LSTM": (
        _set("components._core_._net", "dropout", 0.5),
        "dropout of components._core_._net is 0.5",
    ),
    "an embedding with a maximum norm": (_set("components._action_embeds_._net", "max_norm", 1.0), "max_norm"),
    "another weight to clip": (
        _in_dict("components.fc", "weight_net", lambda agent: copy.deepcopy(agent.components["fc"].weight_net)),
        "weight_net of components.fc is module outside of the agent",
    ),
    "a rewired source": (_rewire, "_source_components of components.critic_1"),
    "fewer recurrent layers read": (_set("", "core_num_layers", 1), "core_num_layers of the agent is 1"),
    "a flipped action table": (
        lambda agent: setattr(agent, "action_index_tensor", agent.action_index_tensor.flip(0)),
        "action_index_tensor",
    ),
    "a hook": (lambda agent: agent.components["_value_"].register_forward_hook(nn.Identity()), "_forward_hooks"),
    "tied weights": (_tie, "share memory: the weights are tied"),
    "weights in one memory": (_share_memory, "share memory: the weights are tied"),
    "weights that share a number": (_overlap_memory, "share memory: the weights are tied"),
    "channels last": (_other_memory_order, "is not contiguous"),
    "modes that differ": (lambda agent: agent.components["fc"].eval(), "some modules are in training mode"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_config_cannot_say_is_refused(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, message = REFUSED[what]
    agent = old_agent()
    change(agent)
    old = write_old(tmp_path / "policy.pt", agent)
    assert main([str(old)]) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
    assert [path.name for path in tmp_path.iterdir()] == ["policy.pt"]


def _written(folder: Path, agent: Any) -> tuple[Path, Path]:
    old, new = write_old(folder / "policy.pt", agent), folder / "policy.safetensors"
    assert main([str(old), "-o", str(new)]) == 0
    return old, new


def test_the_mode_is_carried(tmp_path: Path) -> None:
    old, new = _written(tmp_path, old_agent().eval())
    assert not modules.load_agent(new).training
    assert not migrate.load_policy(new, "legacy").training
    assert prove(pair_of_files(old, new), levels=["attributes"])[0].equal


def test_frozen_parameters_stay_frozen_both_ways(tmp_path: Path) -> None:
    agent = old_agent()
    agent.components["fc"]._net[0].weight.requires_grad_(False)
    old, new = _written(tmp_path, agent)
    frozen = [name for name, p in modules.load_agent(new).named_parameters() if not p.requires_grad]
    assert frozen == ["components.fc.weight"]
    assert not migrate.load_policy(new, "legacy").get_parameter("components.fc._net.0.weight").requires_grad
    assert all(result.equal for result in prove(pair_of_files(old, new), examples=3))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_other_precisions_come_back_as_they_were(tmp_path: Path, dtype: torch.dtype) -> None:
    agent = old_agent().to(dtype)
    _, new = _written(tmp_path, agent)
    modules.save_agent(modules.load_agent(new), tmp_path / "again.safetensors")
    back = migrate.load_policy(tmp_path / "again.safetensors", "legacy")
    assert all(torch.equal(back.state_dict()[key], value) for key, value in agent.state_dict().items())
    assert {p.dtype for p in back.parameters()} == {dtype}


def _one_buffer(agent: Any) -> None:
    """What `flatten_parameters` does on a GPU: every weight of an LSTM is a view into one storage."""
    parameters = list(agent.components["_core_"]._net.parameters())
    buffer, start = torch.cat([p.data.view(-1) for p in parameters]), 0
    for p in parameters:
        p.data = buffer[start : start + p.numel()].view(p.shape)
        start += p.numel()


def test_training_is_kept_on_the_way_back_where_tensors_shared_a_storage(tmp_path: Path) -> None:
    agent = old_agent()
    _one_buffer(agent)
    old, new = _written(tmp_path, agent)
    assert main([str(new), "--to", "legacy", "-o", str(tmp_path / "same.pt")]) == 0
    assert (tmp_path / "same.pt").read_bytes() == old.read_bytes()
    content = read_policy_file(new)
    key = "components._core_.weight_hh_l1"
    content.tensors[key] = content.tensors[key] + 1
    write_atomically({new: content.to_bytes()})
    assert main([str(new), "--to", "legacy", "-o", str(tmp_path / "back.pt")]) == 0
    back = migrate.load_policy(tmp_path / "back.pt", "legacy")
    assert torch.equal(back.components["_core_"]._net.weight_hh_l1, content.tensors[key])


def test_moved_anchors_go_into_the_old_file_as_weights_do(tmp_path: Path) -> None:
    agent = old_agent()
    agent.my_note = "hello"
    old, new = _written(tmp_path, agent)
    content = read_policy_file(new)
    moved = content.tensors["attributes.fc.initial_weights"] + 1
    content.tensors["attributes.fc.initial_weights"] = moved
    write_atomically({new: content.to_bytes()})
    assert main([str(new), "--to", "legacy", "-o", str(tmp_path / "back.pt")]) == 0
    back = migrate.load_policy(tmp_path / "back.pt", "legacy")
    assert torch.equal(back.components["fc"].initial_weights, moved)
    assert back.my_note == "hello"
    assert (tmp_path / "back.pt").stat().st_size == old.stat().st_size


def test_changed_trainer_values_are_kept_on_the_way_back(tmp_path: Path) -> None:
    agent = old_agent()
    optimizer = adam(agent)
    train(agent, optimizer, range(2))
    old, state = write_old(tmp_path / "policy.pt", agent), write_trainer_state(tmp_path / "state.pt", optimizer)
    new = tmp_path / "policy.safetensors"
    assert main([str(old), "-o", str(new), "--trainer-state", str(state)]) == 0
    content = read_policy_file(new)
    content.extra["trainer"]["rest"]["agent_step"] = 999
    write_atomically({new: content.to_bytes()})
    back = tmp_path / "back.pt"
    assert main([str(new), "--to", "legacy", "-o", str(tmp_path / "p.pt"), "--trainer-state", str(back)]) == 0
    told, before = (torch.load(path, weights_only=True) for path in (back, state))
    assert told["agent_step"] == 999
    moments = [each["optimizer_state_dict"]["state"] for each in (told, before)]
    assert moments[0].keys() == moments[1].keys()
    assert all(torch.equal(each["exp_avg"], moments[1][number]["exp_avg"]) for number, each in moments[0].items())


def test_several_parameter_groups_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = old_agent()
    first, *rest = agent.parameters()
    optimizer = torch.optim.Adam([{"params": rest}, {"params": [first]}])
    old, state = write_old(tmp_path / "policy.pt", agent), write_trainer_state(tmp_path / "state.pt", optimizer)
    assert main([str(old), "--trainer-state", str(state)]) == 2
    assert "2 parameter groups" in capsys.readouterr().err


def test_a_component_named_like_a_result_does_not_hide_it(tmp_path: Path) -> None:
    config = changed(CONFIG, fc={"_target_": "metta.agent.lib.nn_layer_library.Linear"})
    components = config["components"]
    config["components"] = {("value" if name == "critic_1" else name): each for name, each in components.items()}
    config["components"]["_value_"]["sources"] = [{"name": "value"}]
    old, new = _written(tmp_path, old_agent(config))
    assert all(result.equal for result in prove(pair_of_files(old, new), examples=3))


def test_an_attribute_that_no_old_code_read_is_no_reason_to_refuse(tmp_path: Path) -> None:
    agent = old_agent(changed(CONFIG, _action_embeds_={"initialization": "whatever"}))
    old, new = _written(tmp_path, agent)
    assert all(result.equal for result in prove(pair_of_files(old, new), examples=3))


def test_the_case_of_an_initialization_meant_nothing(tmp_path: Path) -> None:
    agent = old_agent(changed(CONFIG, fc={"initialization": "XAVIER"}, critic_1={"initialization": "orthogonal"}))
    old, new = _written(tmp_path, agent)
    assert all(result.equal for result in prove(pair_of_files(old, new), examples=3))


def test_the_prefix_of_a_nonlinearity_meant_nothing(tmp_path: Path) -> None:
    agent = old_agent(changed(CONFIG, fc={"nonlinearity": "torch.ReLU"}, critic_1={"nonlinearity": "my.Tanh"}))
    old, new = _written(tmp_path, agent)
    assert all(result.equal for result in prove(pair_of_files(old, new), examples=3))


@pytest.mark.parametrize(
    "other",
    [torch.tensor([-0.0, 1.0]), torch.tensor([0.0, 1.0]).view(torch.int32), torch.tensor([[0.0, 1.0]])],
    ids=str,
)
def test_tensors_are_the_same_by_type_shape_and_bits(other: torch.Tensor) -> None:
    assert same_tensor(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1.0]))
    assert not same_tensor(torch.tensor([0.0, 1.0]), other)
