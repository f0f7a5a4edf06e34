from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing
from torch import nn

from equivalence.pairs import pair_of_configs
from migrate.config import read_agent_config
from tests.modules.interop import _ddp
from tests.modules.interop._shipped import EXAMPLE
from tests.modules.interop._steps import batch_of

BATCH_NORM = {"_target_": "metta.agent.lib.nn_layer_library.BatchNorm2d", "sources": [{"name": "cnn1"}]}


def test_two_processes_get_the_gradients_of_one_on_the_whole_batch(tmp_path: Path) -> None:
    spawn: Any = torch.multiprocessing.spawn  # type: ignore[attr-defined]
    spawn(_ddp.work, args=(tmp_path,), nprocs=_ddp.PROCESSES)
    for name in _ddp.CHANGES:
        whole = _ddp.step(_ddp.policy_of(name), slice(None))
        half = _ddp.step(_ddp.policy_of(name), slice(0, _ddp.BATCH // _ddp.PROCESSES))
        first, second = (torch.load(tmp_path / f"{name}.{rank}.pt") for rank in range(_ddp.PROCESSES))
        assert whole.keys() == first.keys() == second.keys()
        for key, expected in whole.items():
            assert torch.equal(first[key], second[key])
            torch.testing.assert_close(first[key], expected, rtol=1e-10, atol=1e-14)
        assert not torch.allclose(half["components._value_.weight"], whole["components._value_.weight"])


def converted(agent: nn.Module) -> tuple[nn.Module, list[str], list[str]]:
    """The agent with synchronised batch norms, and where they are, before and after."""
    before = [name for name, each in agent.named_modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)]
    convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
    result: nn.Module = convert(agent)
    return result, before, [name for name, each in result.named_modules() if isinstance(each, nn.SyncBatchNorm)]


def agents_with_batch_norm() -> Any:
    config = read_agent_config(EXAMPLE)
    components = {**config["components"], "cnn_norm": BATCH_NORM}
    components["cnn2"] = {**components["cnn2"], "sources": [{"name": "cnn_norm"}]}
    changed = {**config, "components": components}
    return pair_of_configs(changed, changed)


def test_batch_norms_are_synchronised_in_the_components_in_which_they_were_in_the_old_agent() -> None:
    pair = agents_with_batch_norm()
    places = []
    for agent in (pair.old, pair.new):
        names = list(agent.state_dict())
        values = [value.clone() for value in agent.state_dict().values()]
        result, before, after = converted(agent)
        assert result is agent
        assert before == after
        assert list(agent.state_dict()) == names
        assert all(torch.equal(a, b) for a, b in zip(values, agent.state_dict().values(), strict=True))
        places.append([name.split(".")[1] for name in after])
    assert places == [["cnn_norm"], ["cnn_norm"]]


def test_a_converted_agent_acts_as_before() -> None:
    agent = agents_with_batch_norm().new.eval()
    data = batch_of(agent, 3)
    expected = agent(dict(data))
    parameters = [id(parameter) for parameter in agent.parameters()]
    converted(agent)
    assert [id(parameter) for parameter in agent.parameters()] == parameters
    assert torch.equal(agent(dict(data))["value"], expected["value"])
