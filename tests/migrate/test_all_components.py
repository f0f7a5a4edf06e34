"""One policy with the components that no recorded policy has, trained, from file to file and in both stacks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import migrate
from equivalence.pairs import pair_of_files
from equivalence.proof import prove
from migrate.checkpoint import main
from tests.migrate import _policies as policies
from tests.migrate._policies import component

# `drop` writes into what `alpha` and `average` read, so the order of execution matters.
ALL = policies.changed(
    policies.CONFIG,
    bn2=component("nn_layer_library.BatchNorm2d", "cnn-1", nn_params={"momentum": None}),
    drop2=component("nn_layer_library.Dropout2d", "bn2", nn_params={"p": 0.2, "inplace": True}),
    flat={"sources": [{"name": "drop2"}]},
    bn1=component("nn_layer_library.BatchNorm1d", "fc", nn_params={"affine": False}),
    drop=component("nn_layer_library.Dropout", "bn1", nn_params={"inplace": True}),
    alpha=component("nn_layer_library.AlphaDropout", "bn1", nn_params={"p": 0.1}),
    sum=component("merge_layer.AddMergeLayer", "drop", "alpha", "drop"),
    difference=component("merge_layer.SubtractMergeLayer", "sum", "fc"),
    same=component("nn_layer_library.Identity", "difference"),
    average=component("merge_layer.MeanMergeLayer", "same", "bn1"),
    _core_={"sources": [{"name": "average"}]},
    form=component("nn_layer_library.Bilinear", "core_relu", "average", nn_params={"out_features": 3}),
    critic_1={"sources": [{"name": "form"}]},
    _action_=component("actor.MettaActorBig", "actor_1", "_action_embeds_", bilinear_output_dim=4, mlp_hidden_dim=6),
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    agent = policies.old_agent(ALL)
    policies.train(agent, policies.adam(agent), range(3))
    return policies.write_old(tmp_path / "policy.pt", agent)


def test_both_stacks_are_equal_and_the_file_comes_back(old: Path, tmp_path: Path) -> None:
    new, back = tmp_path / "policy.safetensors", tmp_path / "back.pt"
    assert main([str(old), "-o", str(new)]) == 0
    for result in prove(pair_of_files(old, new), examples=10):
        assert result.equal, (result.level, result.blamed, result.differences)
    assert main([str(new), "--to", "legacy", "-o", str(back)]) == 0
    assert back.read_bytes() == old.read_bytes()


def test_training_goes_on_alike_in_both_stacks(old: Path) -> None:
    pair, losses = pair_of_files(old), []
    for agent in (pair.old, pair.new):
        torch.manual_seed(0)
        losses.append(policies.train(agent, policies.adam(agent), range(4)))
    assert policies.equal(*losses)
    for result in prove(pair, examples=2):  # weights, and the running statistics among them
        assert result.equal, (result.level, result.blamed, result.differences)


def test_a_policy_that_changed_is_written_anew(old: Path, tmp_path: Path) -> None:
    agent = migrate.load_policy(old, "modules")
    agent.activate_actions(*policies.OTHER_ACTIONS, "cpu")
    migrate.save_policy(tmp_path / "again.pt", agent)
    again = migrate.load_policy(tmp_path / "again.pt", "legacy")
    for each in (agent, again):
        each.eval()
    assert policies.equal(policies.rollout(again)[0], policies.rollout(agent)[0])
