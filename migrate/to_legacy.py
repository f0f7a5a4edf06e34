"""The way back: from a new policy to the old stack's agent, and to the old stack's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor

import legacy
from legacy.spaces import Box, MultiDiscrete
from migrate import config_rules, provenance
from migrate.agent_rules import era_of_config
from migrate.archive import checkpoint_of
from migrate.config_rules import CORE
from migrate.eras import Era
from migrate.errors import UnsafeFileError, UnusableFileError
from migrate.old_names import component_tensors, parameter_names_of, plain_key_in
from migrate.old_tables import table_of
from migrate.pickle_writer import save_record
from migrate.plan import as_bytes
from migrate.registry import legacy_target, rules, stem_of_new, stem_of_old
from migrate.revive import revive
from migrate.rule import Rule
from migrate.shell import join
from modules import Environment
from modules.errors import MettaError
from modules.policy_file import ATTRIBUTE, PolicyFile


class LegacyEnvironment:
    """An environment as the `make_policy` of an era reads one."""

    def __init__(self, environment: Environment, era: Era) -> None:
        self.single_observation_space = Box(environment.obs_shape)
        self.single_action_space = MultiDiscrete(environment.action_nvec)
        self.grid_features = list(environment.feature_names or names_for(environment.feature_normalizations, era))
        self.obs_width, self.obs_height = environment.obs_width, environment.obs_height
        divisors = dict(zip(environment.ids, environment.feature_normalizations, strict=True))
        self.feature_normalizations = divisors if era.is_since("E5e") else list(divisors.values())


def names_for(divisors: Sequence[float], era: Era) -> list[str]:
    """Features with these divisors, for the eras that kept no names, as far as the old table has such divisors."""
    if era.is_since("E4a"):
        return []
    name_of = {divisor: name for name, divisor in table_of(era).items()}
    return [name_of[divisor] for divisor in divisors if divisor in name_of]


SETTINGS = ("policy", "analyze_weights_interval")
REQUIRED_METADATA = {"agent_step": 0, "epoch": 0, "generation": 0, "train_time": 0.0}
"""What a `PolicyMetadata` has in any case, as its old constructor saw to."""


def legacy_agent(config: Mapping[str, Any], environment: Environment, where: object, era: Era) -> Any:
    """A fresh agent of the old stack from an old config.

    Raises:
        UnsafeFileError: a value that Hydra would act on.
        UnusableFileError: a class without rule, a key that the old agent needs, features that the old table of divisors
            does not have, or whatever the old stack itself says of the config.
    """
    missing = [key for key in ("clip_range",) if key not in config]
    if "obs_key" not in (config.get("observations") or {}):
        missing.append("observations.obs_key")
    if CORE not in config["components"] and not era.is_since("E8"):
        missing.append(f"components.{CORE}")
    if missing:
        raise UnusableFileError(
            f"lacks {', '.join(missing)}, which the old agent needs", where=where, fix="add it, or use `stack: modules`"
        )
    components = {}
    for name, component in config["components"].items():
        place = config_rules.component_place(where, name)
        stem = stem_of_old(str(component.get("_target_")), place)
        options = {key: value for key, value in component.items() if key != "_target_"}
        _refuse_instructions(options, place)
        components[name] = {**options, "_target_": legacy_target(stem, era)}
    if not era.is_since("E5b"):
        _check_features(LegacyEnvironment(environment, era).grid_features, environment, era, where)
    # Only what the old agent reads: the rest was never resolved, and may not be resolvable here.
    read = {"observations": {"obs_key": config["observations"]["obs_key"]}, "clip_range": config["clip_range"]}
    read |= {key: config[key] for key in SETTINGS if key in config and era.is_since("E9")}
    agent_cfg = OmegaConf.create({"agent": {**read, "components": components}, "device": "cpu"})
    try:
        return legacy.make_policy(LegacyEnvironment(environment, era), agent_cfg, era.date)
    except Exception as error:
        cause = error.__cause__ or error
        what = f"KeyError: {cause}" if isinstance(cause, KeyError) else cause
        raise UnusableFileError(
            f"the old stack refuses the config: {what}",
            where=where,
            fix="correct the config, or use `stack: modules`",
        ) from error


def _refuse_instructions(value: Any, place: str) -> None:
    """Hydra calls what a nested `_target_` names and resolves interpolations, and the config may be a checkpoint's.

    Raises:
        UnsafeFileError: "... would make Hydra ...".
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if str(key).startswith("_") and str(key).endswith("_"):
                raise UnsafeFileError(f"{key}: {inner!r} would make Hydra call it", where=place, fix="remove it")
            _refuse_instructions(inner, place)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_instructions(inner, place)
    elif isinstance(value, str) and "${" in value:
        raise UnsafeFileError(f"{value!r} would make Hydra resolve it", where=place, fix="write the value itself")


def _check_features(names: Sequence[str], environment: Environment, era: Era, where: object) -> None:
    if len(environment.obs_shape) != 3:
        return
    unknown = [name for name in names if name not in table_of(era)]
    if len(names) != environment.obs_shape[-1] or unknown:
        raise UnusableFileError(
            f"the old stack looks divisors up by feature name and cannot for {tuple(names)!r}"
            + (f": unknown are {', '.join(unknown)}" if unknown else ""),
            where=where,
            fix=f"name {environment.obs_shape[-1]} features of the old table (legacy/normalizations.py)",
        )


def legacy_agent_from(content: PolicyFile, where: object) -> Any:
    """The agent of a new policy file, in the old stack, with weights, attributes and active actions.

    Raises:
        UnusableFileError: what the old stack cannot express.
    """
    era = era_of_config(content.config)
    if content.otherwise:
        named = ", ".join(content.otherwise)
        what = f"component(s) {named} are in another mode than the agent, which the old stack says once for all"
        raise UnusableFileError(what, where=where, fix="call agent.train() or agent.eval(), or stay on .safetensors")
    environment = Environment.from_dict(content.environment)
    old_config = config_rules.to_old_agent(content.config, era, where)
    with torch.random.fork_rng(devices=[]):
        agent = legacy_agent(old_config, environment, where, era)
    for name, component in content.config["components"].items():
        rule = rules()[stem_of_new(component["_target_"], where)]
        _restore(agent, name, rule, component, content, era)
    if content.actions is not None:
        agent.activate_actions(content.actions["names"], list(content.actions["max_params"]), "cpu")
    for name, pairs in (content.features or {}).items():
        setattr(agent, name, dict(pairs))
    old_names = parameter_names_of(content.config)
    for name in content.frozen:
        agent.get_parameter(old_names[name]).requires_grad_(False)
    return agent.train(content.training)


def _restore(agent: Any, name: str, rule: Rule, config: Mapping[str, Any], content: PolicyFile, era: Era) -> None:
    target: Any = agent.components[name]
    for old_key, new_key in component_tensors(name, rule, config, content.tensors).items():
        _put_tensor(agent, plain_key_in(era, old_key), content.tensors[new_key])
    resolved = rule.resolved(config)
    for attribute in rule.attributes:
        reference = f"{ATTRIBUTE}{name}.{attribute.new}"
        if reference in content.tensors:
            setattr(target, attribute.old, content.tensors[reference].clone())
        elif attribute.new in content.attributes.get(name, {}):
            value = content.attributes[name][attribute.new]
            setattr(target, attribute.old, attribute.backward(value, resolved))


def _put_tensor(agent: torch.nn.Module, key: str, value: Tensor) -> None:
    path, _, leaf = key.rpartition(".")
    module = agent.get_submodule(path)
    if leaf in module._buffers:
        module._buffers[leaf] = value.clone()
    else:
        # Into the same parameter, but in the type of the value: a policy may be of half or double precision.
        module.get_parameter(leaf).data = value.clone()


def legacy_bytes(content: PolicyFile, where: object, metadata: Mapping[str, Any] | None = None) -> bytes:
    """The old stack's checkpoint of a new policy.

    Where nothing but tensor values changed since the migration, it is the original file with the present values in
    place of the old ones, so an untouched policy comes back byte for byte. Otherwise the file is written anew.

    Args:
        content: the policy.
        where: its file.
        metadata: what the old record says otherwise than that which the policy was migrated from.

    Raises:
        UnusableFileError: what the old stack cannot express.
    """
    shell = provenance.shell_of(content, provenance.POLICY)
    if shell is not None and not metadata and provenance.is_unchanged(content, provenance.POLICY):
        payloads = provenance.payloads_of(content, provenance.POLICY)
        return join(shell, {key: as_bytes(content.tensors[name]) for key, name in payloads.items()})
    era = era_of_config(content.config)
    kept = provenance.record_of(content)
    agent = legacy_agent_from(content, where)
    metadata = {**provenance.metadata_of(content), **(metadata or {})}
    if content.actions is not None and ("action_names" in metadata or not era.is_since("E6c")):
        metadata["action_names"] = list(content.actions["names"])
    numbers = (content.features or {}).get("original_feature_mapping")
    if numbers is not None and "original_feature_mapping" in metadata:
        metadata["original_feature_mapping"] = dict(numbers)
    name = kept.get("run_name") or kept.get("name") or "model.pt"
    path = kept.get("_local_path") or name
    # A config that was never in a checkpoint does not say the class of its policy, which E9 and later files name.
    settings = {"policy": getattr(agent, "policy_path", ""), **content.config}
    record = record_of(agent, era, name, kept.get("uri", f"file://{path}"), metadata, path)
    return _readable(save_record(record, era, settings), era, where)


def _readable(data: bytes, era: Era, where: object) -> bytes:
    """The bytes of an old file that was made anew, once they are known to give an old agent.

    Raises:
        UnusableFileError: "the old file that was made of it cannot be read ...".
    """
    try:
        revive(checkpoint_of(data, Path("policy.pt")), era)
    except MettaError as error:
        what = f"the old file that was made of it cannot be read, so it is not written: {error}"
        raise UnusableFileError(what, where=where, fix="report this, with the policy") from error
    return data


def record_of(agent: Any, era: Era, name: str, uri: str, metadata: Mapping[str, Any], path: str) -> Any:
    """The agent as the trainer of an era saved it: in a record, or from E11 on alone."""
    if era.is_since("E11"):
        return agent
    if era.is_since("E6c"):
        required = legacy.PolicyMetadata({**REQUIRED_METADATA, **metadata})
        later = legacy.PolicyRecordE6c(None, name, uri, required, agent)
        if not era.is_since("E7a"):
            vars(later)["name"] = vars(later).pop("run_name")
        return later
    record = legacy.PolicyRecord(None, name, uri, dict(metadata))
    record._local_path, record._policy = path, agent
    return record
