"""`build_agent`: the rollback flag. Any config and any checkpoint in, an agent of the stack that the flag names out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

import modules
from migrate import config_rules
from migrate.agent_rules import ERA, FIXED, era_of_config, spoken
from migrate.api import STACKS, check_stack, environment_from, era_as_told, load_policy, read_policy, run_as
from migrate.composed import OF_THE_JOB, WHERE, agent_config, era_in, value_of
from migrate.config_era import config_era, evidence_of
from migrate.config_keys import check_old_keys
from migrate.config_rules import STACK
from migrate.eras import Era
from migrate.errors import UnusableFileError, UsageError
from migrate.named_agent import architecture_in, written_out
from migrate.old_sources import sources_of
from migrate.registry import rules, stem_of_new
from migrate.shadow import SHADOW, Options, shadowed
from migrate.to_legacy import legacy_agent
from modules.policy_file import PolicyFile


def build_agent(cfg: Any, env: Any, checkpoint: str | Path | None = None) -> Any:
    """The agent of the stack that the config's flag `stack: legacy | modules | shadow` names.

    Config and checkpoint may be old or new, in any combination; without the flag, the config's own stack is built.
    `shadow` builds both: one serves, the other one runs beside it (`migrate.shadow.ShadowAgent`), as the key `shadow`
    says: `{serves: legacy, every: 1, ignore: []}`.

    Args:
        cfg: an agent config, or a job config with one under `agent`; plain or OmegaConf. `stack` and `shadow` may stand
            in either. From E10 on it may name an architecture instead: `agent: fast`.
        env: see `environment_from`.
        checkpoint: a policy to load; its architecture must be that of the config, and its era the one that the config
            names, if the file leaves it open.

    Raises:
        UsageError: an unknown stack, shadow options that are none, an interpolation that is not resolved, a value that
            is missing, or a config that describes another policy than the checkpoint.
        MigrationError, MettaError: files that cannot be used, configs that cannot be built.
    """
    told = _era_told(cfg, checkpoint)
    content = None if checkpoint is None else read_policy(checkpoint, told)
    config = agent_config(_with_components(cfg, content))
    config_rules.check_agent(config, WHERE)
    new = config_rules.is_new(config)
    stack, options = config.pop(STACK, STACKS[new]), Options.from_config(config.pop(SHADOW, None), WHERE)
    check_stack(stack, WHERE, (*STACKS, SHADOW))
    era = era_of_config(config) if new else _era_of_old(config, content, era_in(cfg))
    new_config = config if new else config_rules.to_new_agent(config, era, WHERE)[0]
    environment = environment_from(env, era)
    if content is not None and checkpoint is not None:
        # What an old config decides for the whole agent is that of some day, which need not be the checkpoint's.
        check_agreement(new_config, environment, content, checkpoint, FIXED if new else ())

    def make(stack: str) -> Any:
        if checkpoint is not None:
            return run_as(new_config, load_policy(checkpoint, stack, told))
        if stack == "modules":
            return modules.MettaAgent(new_config, environment)
        return _old_agent(None if new else config, new_config, environment, era)

    return shadowed(make, options) if stack == SHADOW else make(stack)


def _era_told(cfg: Any, checkpoint: Any) -> str | None:
    """The era that the config says of a checkpoint which leaves it open.

    Raises:
        UsageError: "the checkpoint is ..., expected a path".
    """
    if not isinstance(checkpoint, str | Path | None):
        raise UsageError(f"the checkpoint is {checkpoint!r}, expected a path", where=WHERE, fix="write null for none")
    return None if checkpoint is None else era_as_told(checkpoint, era_in(cfg))


def _old_agent(
    config: dict[str, Any] | None, new_config: Mapping[str, Any], environment: modules.Environment, era: Era
) -> Any:
    """An agent of the old stack from an old config, or from the new one if it is None.

    Raises:
        MigrationError: what the old stack says; and, of a config that the new one refuses as well, its plainer words.
    """
    try:
        old_config = config_rules.to_old_agent(new_config, era, WHERE) if config is None else config
        return legacy_agent(old_config, environment, WHERE, era)
    except UnusableFileError as error:
        try:
            with torch.random.fork_rng(devices=[]):
                modules.MettaAgent(new_config, environment)
        except modules.MettaError as plainer:
            fix = f"correct it; the new stack says: {plainer}"
            raise type(error)(error.what, where=error.where, fix=fix) from error
        raise


def _era_of_old(config: dict[str, Any], content: PolicyFile | None, named: str | None) -> Era:
    """The era of an old config: the one that it or its job names, else that of the checkpoint if it can be of then."""
    config.pop(ERA, None)
    check_old_keys(config, WHERE)
    if content is None or named:
        return config_era(config, WHERE, named)[0]
    era, found = era_of_config(content.config), evidence_of(config, WHERE, habits=False)
    return era if found.earliest <= era.date <= found.date else config_era(config, WHERE)[0]


def _with_components(cfg: Any, content: PolicyFile | None) -> Any:
    """The config as it is, unless it names an architecture: then with the components of that written out."""
    raw: Any = OmegaConf.to_container(cfg, resolve=False) if isinstance(cfg, DictConfig) else cfg
    if not isinstance(raw, Mapping) or (name := architecture_in(raw)) is None:
        return cfg
    node = cfg["agent"] if "agent" in raw else cfg
    options = {} if isinstance(node, str) else {key: value_of(node, key) for key in node}
    era = None if content is None else era_of_config(content.config)
    job = {key: raw[key] for key in (*OF_THE_JOB, ERA) if key in raw}
    agent = written_out(name, {**({ERA: job[ERA]} if ERA in job else {}), **options}, era, WHERE)
    return {**job, "agent": {**agent, **({SHADOW: options[SHADOW]} if SHADOW in options else {})}}


def _differing(here: Any, there: Any) -> tuple[Any, Any]:
    """Two readings of a component without what they agree on; as they are where one says nothing at all."""
    if not here or not there:
        return here, there
    keys = [key for key in {**here, **there} if here.get(key) != there.get(key)]
    return {key: here.get(key) for key in keys}, {key: there.get(key) for key in keys}


def check_agreement(
    config: Mapping[str, Any],
    environment: modules.Environment,
    content: PolicyFile,
    where: object,
    decided: Collection[str] = (),
) -> None:
    """Refuses a config or an environment for another policy: same keys need not mean the same function (trap 7).

    Args:
        config: in the words of the new stack.
        environment: what the agent is built for.
        content: the policy.
        where: its file.
        decided: keys of the whole agent that must say the same, too.

    Raises:
        UsageError: the first component, key or size that differs, with both readings.
    """
    saved, given = content.config["components"], config["components"]
    for name in dict.fromkeys([*saved, *given]):
        here, there = (_meaning(components.get(name)) for components in (given, saved))
        if here and there and here != there:
            sides = (config, environment), (content.config, modules.Environment.from_dict(content.environment))
            here, there = (_meaning(agent["components"][name], _built(name, agent, world)) for agent, world in sides)
        if here != there:
            here, there = _differing(here, there)
            raise UsageError(
                f"component {name!r} is {here} in the config and {there} in the checkpoint",
                where=where,
                fix="use the config that the policy was trained with: the checkpoint holds it, and is of the era "
                f"{spoken(era_of_config(content.config))}, as which --era makes migrate.config read a config",
            )
    if list(saved) != list(given):
        raise UsageError(
            f"the config lists the components as {', '.join(given)}, the checkpoint as {', '.join(saved)}",
            where=where,
            fix="keep the order: optimizer state depends on it",
        )
    kept = modules.Environment.from_dict(content.environment)
    facts = {
        "clip_range": (config.get("clip_range", 0), content.config.get("clip_range", 0)),
        "the shape of observations": (environment.obs_shape, kept.obs_shape),
        **{key: (config.get(key), content.config.get(key)) for key in decided},
    }
    if environment.feature_names and kept.feature_names:
        facts["the list of features"] = (environment.feature_names, kept.feature_names)
    for what, (here, there) in facts.items():
        if here != there:
            raise UsageError(
                f"{what} is {here} here and {there} in the checkpoint",
                where=where,
                fix="use what it was trained with, or change the policy by modules.with_config and save it",
            )


def _built(name: str, config: Mapping[str, Any], environment: modules.Environment) -> Any:
    """The module that a config builds for a component; None where it cannot be built."""
    with torch.random.fork_rng(devices=[]):
        try:
            return modules.MettaAgent(config, environment).components[name]
        except modules.MettaError:
            return None


def _meaning(component: Mapping[str, Any] | None, module: Any = None) -> dict[str, Any] | None:
    """A component with its defaults written out, and its sources in full; sizes left open are those of `module`."""
    if component is None:
        return None
    full = {**component, "sources": sources_of(component)}
    if not str(component["_target_"]).startswith("modules."):
        return full
    resolved = rules()[stem_of_new(component["_target_"], WHERE)].resolved(full)
    return {option: getattr(module, option, None) if value is None else value for option, value in resolved.items()}
