"""Mistakes that lie outside of components: in sampling, the recurrent state, training, files and activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import torch

from equivalence import agent_plants as plants
from equivalence.agent_plants import Plant, calling, changing, first
from equivalence.case import cases
from equivalence.finding import Pair
from equivalence.hosts import TESTED, host
from migrate import saving
from modules import acting, actions, agent, weights
from modules.container import ComponentContainer
from modules.features import FeatureMap
from modules.layers.lstm import LSTMModule


@cache
def _clipped() -> Pair:
    """Boxes, tight clip limits, both L2 losses."""
    setup = cases()["linear"].host
    assert setup is not None
    losses = {"l2_norm_scale": 1.0, "l2_init_scale": 0.5, "clip_scale": 0.1}
    return host("linear", replace(setup, config={**setup.config, **losses}))


HOSTS: Mapping[str, Callable[[], Pair]] = {
    "box": _clipped,
    "memory": lambda: host("actor_key_single_head"),
    "two heads": lambda: host("action_type"),
    "features": lambda: host("obs_latent_attn"),
    "strip": lambda: host("obs_token_pad_strip"),
}
"""Agents to plant in: whose caller keeps the state, that keep it themselves, have two heads, translate features, strip
tokens elsewhere than in `_obs_`.
"""


@dataclass(frozen=True)
class AgentMutant:
    """One mistake.

    Attributes:
        name: what is wrong.
        plant: makes the mistake in an agent of the new stack, for as long as it is entered.
        level: the level that is asked first.
        host: a key of `HOSTS`.
        blamed: the component to blame; empty where it is none's, None where it is several's.
        gradient: whether every value is right.
        equivalent: why nothing that can be observed changes; empty where something does.
    """

    name: str
    plant: Plant
    level: str = "inference"
    host: str = "box"
    blamed: str | None = ""
    gradient: bool = False
    equivalent: str = ""


SAMPLING = (
    AgentMutant("one random number too many", calling(acting, "sample_actions", plants.sample_once_more), "sampling"),
    AgentMutant("the likeliest action instead of a drawn one", calling(acting, "sample_actions", plants.greedy)),
    AgentMutant("log-probabilities of another era", calling(acting, "sample_actions", plants.other_softmax)),
    AgentMutant(
        "log-probabilities of another era in training",
        calling(acting, "evaluate_actions", plants.other_softmax),
        "forward",
    ),
    AgentMutant("entropy with the wrong sign", calling(acting, "evaluate_actions", first(torch.neg, 1)), "forward"),
    AgentMutant("probabilities as log-probabilities", calling(acting, "sample_actions", first(torch.exp, 3))),
    AgentMutant("log-probability without gradient", calling(actions, "_score", first(lambda x: x.detach())), "forward"),
    AgentMutant("type and parameter swapped", plants.on_pairs(lambda x: x.flip(-1))),
    AgentMutant("actions of another type", plants.on_pairs(lambda x: x.int())),
    AgentMutant("the next action's logit", plants.on_indices(lambda x: (x + 1).clamp(max=3)), "forward"),
    AgentMutant(
        "two heads summed in float64",
        calling(acting, "evaluate_two", first(lambda x: x.double())),
        "forward",
        "two heads",
    ),
    AgentMutant(
        "two heads in the other order", calling(acting, "sample_two", first(lambda x: x.flip(-1))), host="two heads"
    ),
)
STATE = (
    AgentMutant(
        "a state of ones where none is given",
        calling(LSTMModule, "initial_state", lambda right, *given: tuple(x + 1 for x in right(*given))),
        blamed="_core_",
    ),
    AgentMutant(
        "hidden and cell state swapped on the way in",
        calling(agent, "graph_inputs", lambda right, *given, **named: plants.swapped(right(*given, **named))),
        "rollout",
        blamed="_core_",
    ),
    AgentMutant(
        "the state is not carried",
        calling(
            agent, "graph_inputs", lambda right, data, *given, **named: right(plants.stateless(data), *given, **named)
        ),
        "rollout",
        blamed="_core_",
    ),
    AgentMutant(
        "ends of episodes ignored",
        calling(
            agent, "graph_inputs", lambda right, data, *given, **named: right(plants.endless(data), *given, **named)
        ),
        "rollout",
        "memory",
        "_core_",
    ),
    AgentMutant(
        "the state of the next environment",
        calling(agent, "graph_inputs", lambda right, *given, **named: plants.rolled(right(*given, **named))),
        "rollout",
        blamed="_core_",
    ),
)
TRAINING = (
    AgentMutant(
        "clip missing",
        changing(lambda planted: setattr(planted, "clip_weights", lambda: None)),
        "training",
        blamed=None,
    ),
    AgentMutant("clip before instead of after the step", changing(plants.clip_first), "training", blamed=None),
    AgentMutant("another clip range", changing(lambda planted: setattr(planted, "clip_range", 0.5)), "attributes"),
    AgentMutant(
        "L2 loss with a gradient",
        calling(weights, "l2_reg_loss", plants.with_gradient),
        "training",
        blamed=None,
        gradient=True,
    ),
    AgentMutant("parameter order changed under the optimizer", changing(plants.reorder), "attributes"),
    AgentMutant(
        "train and eval confused", changing(plants.stay_in_training), equivalent="nothing in this agent has a mode"
    ),
    AgentMutant(
        "everything frozen",
        changing(lambda planted: planted.requires_grad_(False)),
        "gradients",
        gradient=True,
        blamed=None,
    ),
)
CHANGES = (
    AgentMutant(
        "a swap that does nothing",
        calling(ComponentContainer, "replace_component", plants.keep_old_part),
        "hot_swap",
        blamed=None,
    ),
    AgentMutant(
        "each activation numbers rows anew", changing(plants.forget_rows), "activation", blamed="_action_embeds_"
    ),
    AgentMutant(
        "features keep the numbers of a new environment",
        calling(FeatureMap, "meet", lambda *_, **__: None),
        "activation",
        "features",
        None,
    ),
    AgentMutant(
        "the numbers of features in training are forgotten",
        changing(lambda planted: setattr(planted, "features", FeatureMap({"another": 0}))),
        "attributes",
        "features",
    ),
    AgentMutant(
        "components that are not `_obs_` are told the numbers of features",
        changing(lambda planted: planted.config.pop("remapped")),
        "activation",
        "strip",
        TESTED,
    ),
    AgentMutant(
        "anchors are not saved as they are",
        calling(saving, "policy_file_of", plants.move_anchors),
        "checkpoint",
        blamed=None,
    ),
)
AGENT_MUTANTS = (*SAMPLING, *STATE, *TRAINING, *CHANGES)
