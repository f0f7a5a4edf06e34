"""Runs with `optimizer.type: muon`: heavyball's state, what it keeps in its groups, and what it hangs on parameters."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import migrate
from migrate.checkpoint import main
from tests.migrate import _policies as policies

MARKER = object()


class Muon(torch.optim.Optimizer):
    """Momentum, kept as heavyball 1.7 keeps it: beside each parameter, with markers and a class among the options."""

    def __init__(self, agent: nn.Module) -> None:
        options = {"lr": 1e-3, "betas": (0.9, 0.98), "palm": MARKER, "__class__": Muon, "step": None}
        super().__init__(agent.parameters(), options)

    def of(self, parameter: nn.Parameter) -> Any:
        return self.state[parameter]

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.of(parameter)
                grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                momentum = state.setdefault("momentum", torch.zeros_like(parameter))
                state["is_initialized"] = {1} if "is_initialized" not in state else state["is_initialized"] | {1}
                parameter.data -= group["lr"] * momentum.lerp_(grad, 1 - group["betas"][0])
                parameter.vector = parameter.hessian_vector = None


class NestedMuon(Muon):
    """As heavyball 2 does: in a dict for each part of a parameter, and with more beside the groups."""

    def of(self, parameter: nn.Parameter) -> Any:
        return self.state[parameter].setdefault(0, {})

    def state_dict(self) -> Any:
        kept = super().state_dict()
        state = {number: defaultdict(dict, parts) for number, parts in kept["state"].items()}
        return {**kept, "state": state, "heavyball": {"precond_rng": b"\x80\x04N."}}


def trained(kind: type[Muon], folder: Path) -> tuple[Any, Muon]:
    """An old agent after three steps, its optimizer, and what its trainer wrote."""
    agent = policies.old_agent()
    optimizer = kind(agent)
    policies.train(agent, optimizer, range(3))
    policies.write_old(folder / "policy.pt", agent)
    policies.write_trainer_state(folder / "trainer.pt", optimizer)
    return agent, optimizer


@pytest.mark.parametrize("kind", [Muon, NestedMuon])
def test_training_goes_on_alike_and_comes_back(kind: type[Muon], tmp_path: Path) -> None:
    old, before = trained(kind, tmp_path)
    assert main([str(tmp_path / "policy.pt"), "--trainer-state", str(tmp_path / "trainer.pt")]) == 0
    new = migrate.load_policy(tmp_path / "policy.safetensors", "modules")
    after = kind(new)
    after.load_state_dict(migrate.load_optimizer_state(tmp_path / "policy.safetensors", new))
    assert policies.equal(policies.train(old, before, range(3, 6)), policies.train(new, after, range(3, 6)))
    assert after.param_groups[0]["betas"] == (0.9, 0.98)
    assert all(after.of(parameter)["is_initialized"] == {1} for parameter in new.parameters())

    written = migrate.save_policy(tmp_path / "back.pt", new, after.state_dict())
    back = migrate.load_policy(written[0], "legacy")
    again = kind(back)
    again.load_state_dict(torch.load(written[1], weights_only=False)["optimizer_state_dict"])
    assert policies.equal(policies.train(old, before, range(6, 8)), policies.train(back, again, range(6, 8)))


LEFT_OUT = "of the optimizer, '__class__', 'heavyball', 'palm' is left out"


def test_what_is_no_value_is_left_out_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    agent, optimizer = trained(NestedMuon, tmp_path)
    files = [str(tmp_path / "policy.pt"), "--trainer-state", str(tmp_path / "trainer.pt")]
    assert main([*files, "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert any(note.startswith(LEFT_OUT) for note in notes)
    state = migrate.load_optimizer_state(tmp_path / "trainer.pt", agent)
    assert state.keys() == {"state", "param_groups"}
    assert not {"__class__", "palm"} & state["param_groups"][0].keys()
    migrate.save_policy(tmp_path / "saved.safetensors", agent, optimizer.state_dict())
    assert LEFT_OUT in caplog.text


def test_every_entry_of_a_part_of_a_parameter_is_carried(tmp_path: Path) -> None:
    old, before = trained(NestedMuon, tmp_path)
    state = migrate.load_optimizer_state(tmp_path / "trainer.pt", old)["state"]
    for number, parameter in enumerate(old.parameters()):
        assert state[number][0]["is_initialized"] == {1}
        assert torch.equal(state[number][0]["momentum"], before.of(parameter)["momentum"])
