"""The limit computes what the agents compute: modules by hand and the new stack have the same bits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from benchmarks import passes, subjects
from benchmarks.by_hand import by_hand, parameter_names
from benchmarks.by_hand.loading import own_name
from benchmarks.passes import Inputs, Workload
from benchmarks.subjects import AGENTS, Subject
from modules import PolicyState

KEYS = ("action", "log_prob", "entropy", "value", "log_probs", "h", "c")
STEP, SEQUENCE = Workload("step", 5), Workload("sequence", 2, 3)


@pytest.fixture(params=AGENTS, name="agent")
def _agent(request: pytest.FixtureRequest) -> Subject:
    return subjects.subject(request.param)


def exact_results(subject: Subject, inputs: Inputs) -> dict[str, Tensor]:
    torch.manual_seed(0)
    state = PolicyState(inputs.h, inputs.c)
    results = subject.exact(inputs.obs, state, inputs.action)
    assert state.lstm_h is not None
    assert state.lstm_c is not None
    return dict(zip(KEYS, (*results, state.lstm_h, state.lstm_c), strict=True))


def hand_results(subject: Subject, inputs: Inputs) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return dict(zip(KEYS, subject.by_hand(inputs.obs, inputs.h, inputs.c, inputs.action), strict=True))


def differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    return [key for key in KEYS if one[key].dtype != other[key].dtype or not one[key].equal(other[key])]


def gradients(agent: nn.Module, results: dict[str, Tensor]) -> dict[str, Tensor]:
    agent.zero_grad()
    loss = results["value"].square().mean() - results["log_prob"].mean() + results["log_probs"].square().mean()
    torch.autograd.backward(loss - results["entropy"].mean())
    return {name: each.grad for name, each in agent.named_parameters() if each.grad is not None}


def test_a_step_has_the_same_bits(agent: Subject) -> None:
    inputs = Inputs(agent, STEP)
    with torch.no_grad():
        assert differing(exact_results(agent, inputs), hand_results(agent, inputs)) == []


def test_a_training_step_has_the_same_bits_and_gradients(agent: Subject) -> None:
    inputs = Inputs(agent, SEQUENCE)
    exact, hand = exact_results(agent, inputs), hand_results(agent, inputs)
    assert differing(exact, hand) == []
    names, theirs = parameter_names(agent.exact), gradients(agent.by_hand, hand)
    ours = gradients(agent.exact, exact)
    assert ours.keys() == set(names), "a parameter without gradient"
    assert [name for name, gradient in ours.items() if not gradient.equal(theirs[names[name]])] == []


def test_a_changed_weight_changes_the_bits(agent: Subject) -> None:
    """The comparison above can fail: one last bit of one bias is enough."""
    inputs, bias = Inputs(agent, STEP), agent.by_hand.value.bias
    shared = bias.data
    bias.data = torch.nextafter(shared + 0.5, torch.ones(1))
    try:
        with torch.no_grad():
            assert differing(exact_results(agent, inputs), hand_results(agent, inputs)) == ["value"]
    finally:
        bias.data = shared


@pytest.mark.parametrize("workload", [STEP, SEQUENCE], ids=lambda each: each.name)
def test_every_side_reads_its_weights_in_the_same_place(agent: Subject, workload: Workload) -> None:
    """Else a side may be faster only since its weights lie better in memory."""
    places = {
        name: {each.data_ptr() for each in side.agent.parameters()}
        for name, side in passes.passes(agent, workload).items()
    }
    assert [name for name, each in places.items() if not each <= places["exact"]] == []


def test_only_equal_weights_are_shared() -> None:
    with pytest.raises(ValueError, match="only equal weights can be shared"):
        subjects.share_weights(nn.Linear(2, 2), nn.Linear(2, 2))


@pytest.mark.parametrize("workload", [STEP, SEQUENCE], ids=lambda each: each.name)
def test_every_side_does_the_same_work(agent: Subject, workload: Workload) -> None:
    sides = passes.passes(agent, workload)
    results = {}
    for name, side in sides.items():
        torch.manual_seed(0)
        results[name] = side.call()
        side.run()
    value, log_prob, _ = results.pop("by_hand")
    for name, (other_value, other_log_prob, _) in results.items():
        # `fast` is other algebra, and judged elsewhere.
        tolerance = 1e-4 if name == "fast" else 0
        assert (value.flatten() - other_value.flatten()).abs().max() <= tolerance, name
        assert (log_prob.flatten() - other_log_prob.flatten()).abs().max() <= tolerance, name


def test_observations_have_padding_and_are_within_the_window() -> None:
    agent = subjects.subject("fast")
    tokens = subjects.observations(agent, 7)
    padded = tokens[..., 0] == subjects.PADDING
    assert padded.any()
    assert not padded[:, : subjects.FULL_TOKENS[0]].any()
    assert (tokens[~padded][:, 0] >> 4).max() < subjects.SIDE
    assert (tokens[~padded][:, 0] & 15).max() < subjects.SIDE


def test_an_agent_without_actions_cannot_be_copied() -> None:
    agent = subjects.in_other_words(subjects.subject("simple").exact)
    agent.action_space = None
    with pytest.raises(ValueError, match="activate the agent's actions first"):
        by_hand("simple", agent)


def test_names() -> None:
    assert own_name("components._core_.weight_ih_l0") == "core.weight_ih_l0"
    assert own_name("components.cnn1.bias") == "cnn1.bias"
    assert own_name("components._action_embeds_.weight") == "head.embeds.weight"
