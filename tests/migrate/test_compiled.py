"""Policies of trainings with `torch.compile`, which marks tensors and, saved whole, wraps the agent (trap 45)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import migrate
from migrate.archive import read_checkpoint
from migrate.errors import UnsafeFileError, UnusableFileError
from tests.migrate._eras import BOX, Policy, from_box, from_token_box
from tests.modules.interop._compiling import TORCH_OF_ITSELF
from tests.traps import _late as late

IMAGES = torch.arange(2 * 5 * 4 * 3).reshape(2, *BOX.obs_shape).to(torch.uint8)
TOKENS = late.token_rows([(0, 1, 9), (17, 2, 200)], [(1, 0, 3)])


def marked(agent: nn.Module) -> nn.Module:
    """The agent as a first compiled pass leaves it."""
    for tensor in [*agent.parameters(), *agent.buffers()]:
        torch._dynamo.mark_static_address(tensor, guard=False)
    return agent


@pytest.mark.filterwarnings(TORCH_OF_ITSELF)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("date", "encoder", "obs"),
    [("2025-02-20", from_box, IMAGES), ("2025-06-13", from_token_box, TOKENS), ("2025-08-14", from_token_box, TOKENS)],
)
def test_a_policy_that_was_compiled_is_migrated(
    date: str, encoder: Any, obs: torch.Tensor, *, compiled: bool, tmp_path: Path
) -> None:
    policy = late.made(date, encoder)
    agent = marked(policy.agent)
    whole = torch.compile(agent) if compiled else agent
    old, new = late.both(Policy(policy.era, whole, policy.optimizer, policy.config), tmp_path)
    assert old.state_dict().keys() == agent.state_dict().keys()
    assert late.alike(old, new, obs)
    assert late.alike(agent, new, obs)


@pytest.mark.parametrize(
    ("tensor", "kind"), [(torch.ones(2), "tensor"), (nn.Parameter(torch.ones(2)), "parameter")], ids=str
)
def test_attributes_of_other_names_are_refused(tensor: torch.Tensor, kind: str, tmp_path: Path) -> None:
    tensor.seen_by = "a team's own code"  # type: ignore[attr-defined]
    torch.save(tensor, tmp_path / "policy.pt")
    with pytest.raises(UnusableFileError, match=rf"a {kind} with attributes seen_by"):
        read_checkpoint(tmp_path / "policy.pt")


class Method:
    """Pickles as the method of an object that compiles nothing."""

    def __reduce__(self) -> Any:
        return getattr, (nn.Identity(), "forward")


def test_methods_of_other_objects_are_refused(tmp_path: Path) -> None:
    torch.save(Method(), tmp_path / "policy.pt")
    with pytest.raises(UnsafeFileError, match=r"calls (__builtin__|builtins)\.getattr on <Record .*Identity>"):
        read_checkpoint(tmp_path / "policy.pt")


class Called:
    """Pickles as a call of what a module that was compiled drags along."""

    def __reduce__(self) -> Any:
        return torch._dynamo.eval_frame.OptimizedModule, (b"no module", None)


def test_a_wrapper_around_no_module_is_refused(tmp_path: Path) -> None:
    torch.save(Called(), tmp_path / "policy.pt")
    with pytest.raises(UnusableFileError, match="OptimizedModule has arguments"):
        read_checkpoint(tmp_path / "policy.pt")


@pytest.mark.filterwarnings(TORCH_OF_ITSELF)
@pytest.mark.parametrize("stack", ["legacy", "modules"])
def test_a_compiled_agent_is_saved_as_the_agent_that_it_is(stack: str, tmp_path: Path) -> None:
    path = late.file_of(late.made("2025-06-13", from_token_box), tmp_path)
    agent = migrate.load_policy(path, stack)
    compiled: Any = torch.compile(agent)
    optimizer = torch.optim.Adam(compiled.parameters())
    files = migrate.save_policy(tmp_path / "saved.pt", compiled, optimizer.state_dict())
    assert late.alike(migrate.load_policy(files[0], stack), agent, TOKENS)
    assert migrate.parameter_names(compiled) == migrate.parameter_names(agent)
