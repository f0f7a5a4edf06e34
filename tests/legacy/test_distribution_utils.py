from __future__ import annotations

import torch

from legacy.distribution_utils import evaluate_actions, sample_actions

LOGITS = torch.tensor([[0.0, 1.0, 2.0], [50.0, 0.0, 0.0]])


def test_a_sample_is_one_multinomial_draw_from_the_global_generator() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        index, log_prob, entropy, log_probs = sample_actions(LOGITS)
        torch.manual_seed(5)
        expected = torch.multinomial(LOGITS.log_softmax(-1).exp(), 1).view(-1)
    assert torch.equal(index, expected)
    assert torch.equal(log_prob, log_probs[torch.arange(2), index])
    assert torch.equal(entropy, -(log_probs.exp() * log_probs).sum(-1))


def test_evaluation_gives_the_same_numbers_for_the_sampled_index() -> None:
    with torch.random.fork_rng(devices=[]):
        index, *sampled = sample_actions(LOGITS)
    assert all(torch.equal(a, b) for a, b in zip(sampled, evaluate_actions(LOGITS, index), strict=True))


def test_a_batch_of_one_stays_a_batch() -> None:
    with torch.random.fork_rng(devices=[]):
        assert sample_actions(LOGITS[:1])[0].shape == (1,)
