"""The flag decides the stack, whatever config and checkpoint are; what does not belong together is refused."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

import legacy
import migrate
import modules
from migrate import config_rules
from migrate.eras import Era
from migrate.errors import UnusableFileError, UsageError
from migrate.to_legacy import legacy_agent
from modules.agent_keys import WORDS
from modules.errors import MettaError
from tests.migrate import _eras as eras
from tests.migrate import _policies as policies

STACKS = {"legacy": legacy.MettaAgent, "modules": modules.MettaAgent}
OLD = policies.CONFIG
NEW = config_rules.to_new_agent(OLD, Era("E4d"), "test")[0]
CONFIGS = {"old": OLD, "new": NEW}


def build(config: dict[str, Any], checkpoint: Path | None = None, **flag: str) -> Any:
    return migrate.build_agent({**config, **flag}, policies.ENVIRONMENT, checkpoint)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("source", ["policy", "migrated", None])
@pytest.mark.parametrize("config", CONFIGS)
def test_the_flag_names_the_stack(
    request: pytest.FixtureRequest, policy: Path, config: str, source: str | None, stack: str
) -> None:
    checkpoint = request.getfixturevalue(source) if source else None
    agent = build(CONFIGS[config], checkpoint, stack=stack)
    assert isinstance(agent, STACKS[stack])
    if checkpoint:
        assert policies.same_policy(migrate.load_policy(policy, "legacy"), agent)


@pytest.mark.parametrize("config", CONFIGS)
def test_a_loaded_policy_is_computed_as_the_config_says(config: str, policy: Path) -> None:
    agent = build(CONFIGS[config], policy, stack="modules", numerics="fast", execution="parallel")
    assert {module.numerics for module in agent.modules() if hasattr(module, "numerics")} == {"fast"}
    assert isinstance(agent.executor, modules.ParallelDAGExecutor)
    loaded = migrate.load_policy(policy, "modules").state_dict()
    assert loaded.keys() == agent.state_dict().keys()
    assert all(torch.equal(each, loaded[name]) for name, each in agent.state_dict().items())


@pytest.mark.parametrize(("config", "stack"), [("old", "legacy"), ("new", "modules")])
def test_without_the_flag_the_config_names_the_stack(config: str, stack: str) -> None:
    assert isinstance(build(CONFIGS[config]), STACKS[stack])


@pytest.mark.parametrize("config", CONFIGS)
def test_from_one_seed_both_stacks_draw_the_same_weights_in_the_same_order(config: str) -> None:
    states = []
    for stack in STACKS:
        torch.manual_seed(5)
        agent = build(CONFIGS[config], stack=stack)
        names = migrate.parameter_names(agent)
        weights = {names[name]: parameter.detach() for name, parameter in agent.named_parameters()}
        states.append(([*weights], [*weights.values()], torch.get_rng_state()))
    assert states[0][0] == states[1][0]
    assert policies.equal(states[0][1], states[1][1])
    assert torch.equal(states[0][2], states[1][2])


def test_loading_leaves_the_generator_alone(policy: Path) -> None:
    before = torch.get_rng_state()
    for stack in STACKS:
        build(OLD, policy, stack=stack)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("flag", ["old", "", None, 1])
def test_another_flag_is_refused(flag: Any) -> None:
    with pytest.raises(UsageError, match="config: stack must be legacy, modules or shadow, got "):
        build(OLD, stack=flag)


@pytest.mark.parametrize("wrap", [lambda c: c, OmegaConf.create])
def test_a_job_config_holds_the_agent_and_perhaps_the_flag(wrap: Any) -> None:
    env = policies.ENVIRONMENT
    assert isinstance(migrate.build_agent(wrap({"agent": OLD, "stack": "modules"}), env), modules.MettaAgent)
    assert isinstance(migrate.build_agent(wrap({"agent": {**OLD, "stack": "modules"}}), env), modules.MettaAgent)
    with pytest.raises(UsageError, match="stack is 'legacy' in the job and 'modules' in its agent"):
        migrate.build_agent(wrap({"agent": {**OLD, "stack": "modules"}, "stack": "legacy"}), env)


@pytest.mark.parametrize("stack", STACKS)
def test_interpolations_are_resolved_by_omegaconf_or_refused(stack: str) -> None:
    agent = {**OLD, "clip_range": "${trainer.clip}", "track": "${env.no_such_key}", "stack": stack}
    job = {"agent": agent, "trainer": {"clip": 2}}
    assert migrate.build_agent(OmegaConf.create(job), policies.ENVIRONMENT).clip_range == 2
    with pytest.raises(
        UsageError, match=r"clip_range is '\$\{trainer\.clip\}', which is not resolved\n  -> give the composed"
    ):
        migrate.build_agent(job, policies.ENVIRONMENT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clip_range": None}, "lacks clip_range"),
        ({"observations": None}, r"lacks observations\.obs_key"),
        ({"observations": {}}, r"lacks observations\.obs_key"),
    ],
)
def test_what_the_old_agent_needs_is_asked_for_by_name(changes: dict[str, Any], message: str) -> None:
    config = {key: value for key, value in {**OLD, **changes}.items() if value is not None}
    with pytest.raises(UnusableFileError, match=message):
        migrate.build_agent(config, policies.ENVIRONMENT)
    new = {key: value for key, value in {**NEW, **changes}.items() if value is not None}
    new["observations"] = {"obs_key": "grid_obs"}
    assert migrate.build_agent({**new, "stack": "legacy"}, policies.ENVIRONMENT).clip_range == new.get("clip_range", 0)


def test_the_old_agent_needs_a_core_before_e8() -> None:
    config = deepcopy(OLD)
    config["components"] = {name.replace("_core_", "core"): each for name, each in config["components"].items()}
    for each in config["components"].values():
        for source in each["sources"] or ():
            source["name"] = source["name"].replace("_core_", "core")
    config["components"]["core"] = policies.component("nn_layer_library.Linear", "fc", nn_params={"out_features": 4})
    with pytest.raises(UnusableFileError, match=r"lacks components\._core_, which the old agent needs"):
        migrate.build_agent(config, policies.ENVIRONMENT)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), r"cannot for \(\)\n"),
        (("agent", "hp", "mood"), r"cannot for \('agent', 'hp', 'mood'\): unknown are mood\n"),
    ],
)
def test_the_old_agent_of_boxes_is_not_built_for_features_that_its_table_does_not_have(
    names: tuple[str, ...], message: str
) -> None:
    environment = replace(policies.ENVIRONMENT, feature_names=names)
    with pytest.raises(UnusableFileError, match=f"looks divisors up by feature name and {message}  -> name 3 features"):
        migrate.build_agent(OLD, environment)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    ("config", "what"),
    [
        (policies.without_relu(OLD), "'actor_1' is .*'_core_'.* in the config and .*'core_relu'.* in the checkpoint"),
        (policies.changed(OLD, critic_1={"nonlinearity": "nn.ReLU"}), "'critic_1' is .*'ReLU'.* and .*'Tanh'"),
        (
            policies.changed(OLD, critic_1={"nonlinearity": "torch.Tanh"}),
            r"'critic_1' is .*'gain': 1\.0.*'gain': 1\.41",
        ),
        (
            policies.changed(OLD, fc={"nn_params": {"out_features": 7}}),
            r"'fc' is \{'out_features': 7\} in the config and \{'out_features': \d+\} in the checkpoint",
        ),
        (policies.changed(OLD, more=OLD["components"]["core_relu"]), "'more' is .* in the config and None in"),
        ({**OLD, "clip_range": 0}, "clip_range is 0 here and 1 in the checkpoint"),
        ({**OLD, "components": dict(reversed(OLD["components"].items()))}, "lists the components as _action_, _value_"),
    ],
)
def test_a_config_for_another_policy_is_refused_with_both_readings(
    policy: Path, config: dict[str, Any], what: str, stack: str
) -> None:
    with pytest.raises(UsageError, match=rf"policy\.pt: .*{what}"):
        build(config, policy, stack=stack)


@pytest.mark.parametrize("key", ["action_dtype", "log_probs", "sequences", "l2_init_anchors", "learns"])
def test_what_a_new_config_says_of_the_whole_agent_must_be_so_in_the_checkpoint(migrated: Path, key: str) -> None:
    other = WORDS[key][-1]
    with pytest.raises(UsageError, match=f"{key} is {other} here and None in the checkpoint"):
        build({**NEW, key: other}, migrated)


def test_a_relu_behind_the_core_does_not_outweigh_the_date_of_the_checkpoint(tmp_path: Path) -> None:
    def encoder(era: Era) -> dict[str, Any]:
        return {**eras.from_late_tokens(era), "core_relu": eras.layer("nn_layer_library.ReLU", "_core_", era=era)}

    era = Era("2025-07-29")
    config = eras.config_of(era, encoder)
    config["components"]["actor_1"]["sources"] = [{"name": "core_relu"}]
    torch.manual_seed(0)
    agent = legacy_agent(config, eras.TOKENS, "test", era)
    policy, _ = eras.Policy(era, agent, torch.optim.Adam(agent.parameters()), config).write(tmp_path)
    assert isinstance(migrate.build_agent({**config, "stack": "modules"}, eras.TOKENS, policy), modules.MettaAgent)


def test_defaults_written_out_are_no_difference(migrated: Path) -> None:
    new = deepcopy(NEW)
    new["components"]["fc"].update(clip_scale=1, gain=1.0, bias=True)
    new["components"]["flat"]["sources"] = ["cnn-1"]
    del new["components"]["_obs_"]["sources"]
    assert isinstance(build(new, migrated), modules.MettaAgent)
    assert isinstance(build(new, migrated, stack="legacy"), legacy.MettaAgent)
    assert isinstance(build(new, stack="legacy"), legacy.MettaAgent)


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("obs_shape", [5, 5, 3], "the shape of observations"),
        ("feature_names", ["hp", "agent", "wall"], "the list of features"),
    ],
)
def test_an_environment_for_another_policy_is_refused(policy: Path, key: str, value: Any, what: str) -> None:
    with pytest.raises(UsageError, match=f"{what} is .* here and .* in the checkpoint"):
        migrate.build_agent(OLD, {**policies.ENVIRONMENT.to_dict(), key: value}, policy)


BROKEN: list[tuple[Any, str]] = [
    ([1], "the config is a list, expected a mapping"),
    ({"agent": "simple"}, "there is no agent with `components` in it"),
    (policies.changed(OLD, dead=OLD["components"]["core_relu"]), "dead"),
    (policies.changed(OLD, fc={"sources": [{"name": "nothing"}]}), "nothing"),
    (policies.changed(OLD, fc={"nn_params": {"out_features": "x"}}), "fc|the old stack refuses the config: "),
    (policies.changed(OLD, flat={"sources": "norm"}), "component 'flat': sources is 'norm', expected a list"),
]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(("config", "message"), BROKEN)
def test_what_cannot_be_built_is_refused_in_our_words(config: Any, message: str, stack: str) -> None:
    flagged = {**config, "stack": stack} if isinstance(config, dict) else config
    with pytest.raises(MettaError, match=message):
        migrate.build_agent(flagged, policies.ENVIRONMENT)
