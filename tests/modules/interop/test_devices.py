"""Everything follows its module to another device. `meta` stands for a GPU: it takes no operand that lies elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from equivalence.case import cases
from equivalence.sides import Trial, build_new, inputs_of, run_new
from modules import MettaAgent
from tests.modules._agents import agent
from tests.modules.interop._shipped import EXAMPLE, of_config

NEEDS_VALUES = {"obs_token_pad_strip": "it cuts rows at their longest, which is a number that the host has to know"}
STEMS = [
    pytest.param(stem, marks=[pytest.mark.skip(reason=NEEDS_VALUES[stem])] if stem in NEEDS_VALUES else [])
    for stem, case in sorted(cases().items())
    if case.host is not None
]


@pytest.mark.parametrize("numerics", ["exact", "fast"])
@pytest.mark.parametrize("stem", STEMS)
def test_a_component_computes_where_its_inputs_are(stem: str, numerics: str) -> None:
    setup: Any = cases()[stem].host
    trial = Trial(batch=2, time=3, values="normal", state=True, train=False, seed=0)
    module: Any = build_new(stem, setup)[0].eval()
    if setup.actions:
        module.activate(setup.actions)
    if hasattr(module, "numerics"):
        module.numerics = numerics
    here = {key: value.detach() for key, value in inputs_of(module, setup, trial).items()}
    expected = run_new(module, here)
    outputs = run_new(module.to("meta"), {key: value.to("meta") for key, value in here.items()})
    assert {key: (each.device.type, each.shape, each.dtype) for key, each in outputs.items()} == {
        key: ("meta", each.shape, each.dtype) for key, each in expected.items()
    }


@pytest.mark.parametrize("build", [agent, partial(of_config, EXAMPLE)], ids=["small", "example"])
def test_an_agent_samples_trains_and_counts_losses_where_its_weights_are(build: Callable[[], MettaAgent]) -> None:
    policy = build().to("meta")
    x = torch.empty(2, 3, *policy.environment.obs_shape, device="meta")
    action, log_prob, entropy, value, log_probs = policy(x)
    _, log_prob, entropy, value, log_probs = policy(x, None, action.reshape(2, 3, 2))
    loss = log_prob.sum() + entropy.sum() + value.sum() + policy.l2_reg_loss() + policy.l2_init_loss()
    loss.backward()
    policy.clip_weights()
    assert {each.device.type for each in (action, log_probs, loss)} == {"meta"}
    assert {each.grad.device.type for each in policy.parameters() if each.grad is not None} == {"meta"}
