"""`torch.export` of inference: the graph of an agent as a program that needs none of our code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export, load, save

from modules import MettaAgent, with_config
from tests.modules._agents import agent
from tests.modules.interop._compiling import COMPILING
from tests.modules.interop._shipped import EXAMPLE, of_config
from tests.modules.interop._steps import Change, batch_of, plain, wrapped

pytestmark = [*COMPILING]

KEYS = ("x", "lstm_h", "lstm_c")
OUTPUTS = ("_value_", "_action_", "next_lstm_h", "next_lstm_c")
each_mode = pytest.mark.parametrize("strict", [False, True], ids=["non-strict", "strict"])


class Inference(nn.Module):
    """One step of an agent, from tensors to tensors."""

    def __init__(self, policy: MettaAgent) -> None:
        super().__init__()
        self.components = policy.components

    def forward(self, x: Tensor, lstm_h: Tensor, lstm_c: Tensor) -> tuple[Tensor, ...]:
        data = self.components.execute({"x": x, "lstm_h": lstm_h, "lstm_c": lstm_c}, outputs=OUTPUTS)
        return tuple(data[key] for key in OUTPUTS)


class Acting(nn.Module):
    """The agent's own call, with given actions."""

    def __init__(self, policy: MettaAgent) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, data: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        results = self.policy(dict(data))
        return results["value"], results["log_prob"]


def inputs(policy: MettaAgent, batch: int, seed: int = 0) -> tuple[Tensor, ...]:
    data = batch_of(policy, batch, seed=seed)
    return tuple(data[key] for key in KEYS)


def check_same(
    program: ExportedProgram, module: nn.Module, policy: MettaAgent, *batches: int, tolerance: float = 0
) -> None:
    """On inputs of other numbers than those it was exported with."""
    for batch in batches:
        given = inputs(policy, batch, seed=7)
        for value, expected in zip(program.module()(*given), module(*given), strict=True):
            torch.testing.assert_close(value, expected, rtol=0, atol=tolerance)


@each_mode
@pytest.mark.parametrize("change", [plain, wrapped])
@torch.no_grad()
def test_the_example_is_exported_with_its_bits(strict: bool, change: Change) -> None:
    policy = change(of_config(EXAMPLE)).eval()
    module = Inference(policy)
    check_same(export(module, inputs(policy, 4), strict=strict), module, policy, 4)


@each_mode
@pytest.mark.parametrize("numerics", ["exact", "fast"])
@torch.no_grad()
def test_a_program_with_a_free_batch_size_runs_any(strict: bool, numerics: str) -> None:
    policy = with_config(agent(), {"numerics": numerics}).eval()
    module, batch = Inference(policy), Dim("batch", min=1, max=1024)
    shapes = {"x": {0: batch}, "lstm_h": {1: batch}, "lstm_c": {1: batch}}
    program = export(module, inputs(policy, 3), dynamic_shapes=shapes, strict=strict)
    # A program chooses a convolution's way for all batches.
    check_same(program, module, policy, 1, 2, 3, 17, tolerance=0 if numerics == "exact" else 1e-6)


@each_mode
def test_the_agents_own_call_is_exported(strict: bool) -> None:
    policy = agent().eval()
    data = batch_of(policy, 2, 3)
    program = export(Acting(policy), (data,), strict=strict)
    other = batch_of(policy, 2, 3, seed=5)
    for value, expected in zip(program.module()(other), Acting(policy)(other), strict=True):
        assert torch.equal(value, expected)


def test_a_program_keeps_the_names_of_the_state_dict() -> None:
    policy = agent().eval()
    program = export(Inference(policy), inputs(policy, 2), strict=False)
    assert set(policy.components.state_dict()) <= {name.removeprefix("components.") for name in program.state_dict}


def test_a_saved_program_runs_after_loading(tmp_path: Path) -> None:
    policy = agent().eval()
    module = Inference(policy)
    file = tmp_path / "policy.pt2"
    save(export(module, inputs(policy, 2), strict=False), file)
    check_same(load(file), module, policy, 2)


def test_an_exported_safe_component_stops_at_nan() -> None:
    policy = wrapped(agent()).eval()
    program = export(Inference(policy), inputs(policy, 2), strict=False)
    x, h, c = inputs(policy, 2)
    with pytest.raises(RuntimeError, match="NaN or Inf detected in input 'lstm_h' of component '_core_'"):
        program.module()(x, h / 0, c)
