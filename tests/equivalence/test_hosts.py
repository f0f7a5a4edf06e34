"""Every component has an agent around it that runs it, and whose weights hide no mistake."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from equivalence.case import Setup, Source, cases
from equivalence.finding import Pair
from equivalence.graphs import RefusedError
from equivalence.hosts import WITHOUT_HOST, host, host_graph, hosts, subject, usual_setup
from equivalence.proof import prove
from equivalence.stirring import stir
from equivalence.strategies import Draw, Inputs
from equivalence.tracing import Trace, trace
from migrate.recognise import CLASSES
from migrate.registry import rules, stem_of_new

BATCH, TIME = 3, 2


def passed(agent: nn.Module, pair: Pair, seed: int = 0) -> Trace:
    inputs = Inputs(Draw(BATCH, TIME, "small", "normal", train=False, seed=seed), pair.sizes)
    torch.manual_seed(seed)
    return trace(agent, inputs.sequence_obs(), action=inputs.action(), state=inputs.state())


def weights(agent: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in agent.state_dict().items() if value.is_floating_point()}


def test_every_component_has_a_host_or_a_reason_to_have_none() -> None:
    assert {*hosts(), *WITHOUT_HOST} == set(cases())
    assert not set(hosts()) & set(WITHOUT_HOST)


@pytest.mark.parametrize("stem", WITHOUT_HOST)
def test_a_component_that_no_old_agent_could_run_is_refused_by_name(stem: str) -> None:
    with pytest.raises(LookupError, match=f"{stem}: no "):
        host(stem)


@pytest.mark.parametrize("stem", hosts())
def test_both_sides_of_a_host_run_its_component_and_agree(stem: str) -> None:
    pair = host(stem)
    config = pair.new.get_submodule("components")
    assert stem_of_new(f"{type(config[subject(stem)]).__module__}.{rules()[stem].new}", stem) == stem  # type: ignore[index]
    results = prove(deepcopy(pair), levels=["weights", "inference", "gradients"], examples=3)
    assert not [difference for result in results for difference in result.differences]
    assert subject(stem) in passed(pair.new, pair).components


@pytest.mark.parametrize("stem", [stem for stem in hosts() if stem != "action_embedding"])  # which reads nothing
def test_the_component_of_a_host_depends_on_what_is_observed_and_decides_what_comes_out(stem: str) -> None:
    pair = host(stem)
    outputs = [passed(pair.new, pair, seed).components[subject(stem)] for seed in (0, 1)]
    assert outputs[0].shape != outputs[1].shape or not torch.equal(*outputs)
    assert outputs[0].numel() >= 5


@pytest.mark.parametrize("stem", hosts())
def test_no_weight_of_a_host_is_left_at_a_value_that_hides_mistakes(stem: str) -> None:
    pair = host(stem)
    for name, parameter in pair.new.named_parameters():
        assert len(set(parameter.flatten().tolist())) == parameter.numel(), name
        assert parameter.all(), name
    for name, value in weights(pair.new).items():
        if name.endswith("running_var"):
            assert (value > 0).all()
        if name.endswith("running_mean"):
            assert value.all()


def test_a_host_of_another_setup_has_that_setup() -> None:
    other = host("linear", Setup({"nn_params": {"out_features": 3, "bias": False}}, (Source("x", (4,)),), era="E9"))
    assert other.new.get_parameter(f"components.{subject('linear')}.weight").shape == (3, 4)
    assert "policy." in next(iter(other.names.values()))


def test_a_setup_that_no_agent_can_have_is_refused() -> None:
    usual = usual_setup("flatten")
    with pytest.raises(RefusedError, match="Linear should be 1d"):
        host_graph("linear", replace(usual_setup("linear"), sources=usual.sources))


def test_a_component_that_was_removed_during_its_era_is_hosted_as_of_its_last_day() -> None:
    removed = CLASSES[rules()["puffer_actor"].old].before
    assert host_graph("puffer_actor", usual_setup("puffer_actor")).era.date < removed


class TestStir:
    def test_the_same_seed_gives_both_sides_the_same_values(self) -> None:
        one, two = deepcopy(host("batch_norm1d")), deepcopy(host("batch_norm1d"))
        before = weights(deepcopy(one.new))
        for pair in (one, two):
            stir(pair, seed=7)
        for name, value in weights(one.new).items():
            assert torch.equal(value, two.new.state_dict()[name])
            assert torch.equal(value, one.old.state_dict()[one.names[name]])
            assert not torch.equal(value, before[name])

    def test_another_seed_gives_other_values(self) -> None:
        one, two = deepcopy(host("linear")), deepcopy(host("linear"))
        stir(one, seed=7)
        stir(two, seed=8)
        assert not any(torch.equal(value, two.new.state_dict()[name]) for name, value in weights(one.new).items())

    def test_indices_stay(self) -> None:
        pair = deepcopy(host("action_embedding"))
        before = pair.new.state_dict()["components._action_embeds_.active_indices"].clone()
        stir(pair, seed=7)
        assert torch.equal(pair.new.state_dict()["components._action_embeds_.active_indices"], before)

    def test_one_tensor_under_many_names_is_moved_once(self) -> None:
        pair = deepcopy(host("action_type", replace(usual_setup("action_type"), era="E1")))
        stir(pair, seed=7)
        assert prove(pair, levels=["weights"], examples=1)[0].equal
