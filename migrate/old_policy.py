"""`OldPolicy`: what an old checkpoint says, read off its inert graph; no object of the old stack is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from migrate import clues, eras, recognise
from migrate.archive import Checkpoint
from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.found import Found, components_of, find_agent, modules_of, tensors_of
from migrate.json_values import to_json, without_unsayable
from migrate.old_component import OldComponent, read_component
from migrate.old_facts import Facts, facts_of
from migrate.pickle_reader import Record, TensorRef
from migrate.plain import is_plain, plain

MODULE_INTERNALS = frozenset(vars(nn.Module()))
COMPONENTS = "components."


@dataclass(frozen=True)
class OldPolicy:
    """An old checkpoint, by its parts.

    Attributes:
        era: with the evidence for it.
        components: in registration order, which is parameter order.
        agent: attributes of the agent besides, plain.
        facts: what the agent knew of its environment.
        record: attributes of the policy record besides, as `json_values` says them; empty for a bare agent.
        state_dict: `components.<name>.<key>` -> tensor, without the aliases and prefixes of some eras.
        parameters: keys of the parameters, in optimizer order.
        training: the mode that the agent was saved in.
        unsaid: what of the agent and its record a policy file cannot hold.
        unused: agent attributes that no old code of the era read.
        settings: entries of the agent's config besides, such as the class of its policy.
    """

    era: Era
    components: dict[str, OldComponent]
    agent: dict[str, Any]
    facts: Facts
    record: dict[str, Any]
    state_dict: dict[str, TensorRef]
    parameters: tuple[str, ...]
    training: bool
    unsaid: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        """The agent config, rebuilt from what the objects kept."""
        return {
            "_target_": self.era.agent,
            "observations": {"obs_key": self.facts.obs_key},
            "clip_range": self.facts.clip_range,
            **self.settings,
            "components": {name: component.config for name, component in self.components.items()},
        }


AGENT_ATTRIBUTES = (
    *("hidden_size", "core_num_layers", "clip_range", "agent_attributes", "_total_params", "device"),
    *("action_max_params", "actions_max_params", "action_names", "active_actions", "cum_action_max_params"),
    *("cfg", "config", "obs_space", "obs_width", "obs_height", "action_space", "action_index_tensor"),
    *("components_with_memory", "analyze_weights_interval"),
)
FEATURE_ATTRIBUTES = (
    *("active_features", "feature_id_to_name", "feature_normalizations", "original_feature_mapping"),
    "feature_id_remap",
)
"""What the agent keeps of the features of the environments that it met."""
KNOWN = MODULE_INTERNALS.union(AGENT_ATTRIBUTES, FEATURE_ATTRIBUTES)


def read_old_policy(checkpoint: Checkpoint, era: str | None = None) -> OldPolicy:
    """Takes an old checkpoint apart.

    Args:
        checkpoint: the file, safely read.
        era: given by the user instead of being recognised; of a range such as `E5`, the file says the rest.

    Raises:
        UnusableFileError: no policy, an unsupported era, a class without rule, an attribute that no rule knows.
    """
    where = checkpoint.path
    found = find_agent(checkpoint.root, where)
    records = components_of(found, where)
    era_found = era_of(found, records, where, era)
    attributes = _attributes(found)
    spare = [name for name, value in attributes.items() if is_spare(name, value)]
    attributes = {name: value for name, value in attributes.items() if name not in spare}
    values = {name: plain(value) for name, value in attributes.items() if not isinstance(value, TensorRef)}
    state_dict = {
        f"{COMPONENTS}{name}.{key}": ref for name, record in records.items() for key, ref in own_tensors(record).items()
    }
    unsayable: list[str] = []
    return OldPolicy(
        era=era_found,
        components={name: read_component(name, record, era_found, where) for name, record in records.items()},
        agent=values,
        facts=facts_of(values, records, where),
        record=to_json(without_unsayable(found.record, "", unsayable)),
        state_dict=state_dict,
        parameters=_parameters(found, state_dict, where),
        training=_mode(found, where),
        unsaid=(
            *(f"of the agent, {name}: not a value" for name in spare),
            *(f"of the record, {what}" for what in unsayable),
        ),
        unused=tuple(name for name in attributes if name not in AGENT_ATTRIBUTES + FEATURE_ATTRIBUTES),
        settings=_settings(found),
    )


def is_unknown(name: str, value: Any) -> bool:
    """Whether an attribute of the agent is none of those that any old code had."""
    return name not in KNOWN and not isinstance(value, TensorRef)


def is_spare(name: str, value: Any) -> bool:
    """Whether it is one, and no value that could be kept."""
    return is_unknown(name, value) and not is_plain(value)


def era_of(found: Found, records: Mapping[str, Record], where: object, told: str | None = None) -> Era:
    """The era of an agent, by everything in the file that tells it.

    Args:
        found: the agent.
        records: its components.
        where: the file.
        told: given by the user instead; of a range such as `E5`, the file says the rest.

    Raises:
        UnusableFileError: parts of different eras.
    """
    if told and not eras.is_range(told):
        return eras.named(told, where)
    attributes = _attributes(found)
    readable = {name: plain(value) if name == "agent_attributes" else value for name, value in attributes.items()}
    classes = {name: record.path for name, record in records.items()}
    kept = attributes.get("agent_attributes")
    raw = {**attributes, "agent_attributes": kept if isinstance(kept, dict) else plain(kept)}
    return recognise.era_from(
        [
            *([recognise.of_user(told, where)] if told else []),
            *recognise.of_agent(readable, found.agent.path, found.kind),
            *recognise.of_policy(found.policy.path if found.policy else None),
            *recognise.of_classes(classes),
            *clues.of_records(records),
            *clues.of_values(raw),
        ],
        where,
    )


def _attributes(found: Found) -> dict[str, Any]:
    """Attributes of the agent and, from E9 on, of its policy."""
    both = [found.policy.attributes if found.policy else {}, found.agent.attributes]
    return {name: value for part in both for name, value in part.items() if name not in MODULE_INTERNALS}


def _settings(found: Found) -> dict[str, Any]:
    if found.policy is None:
        return {}
    interval = found.policy.attributes.get("analyze_weights_interval")
    kept = {} if interval is None else {"analyze_weights_interval": interval}
    return {"policy": found.policy.path, **kept}


REGISTERED_SOURCES = ("input_source_component", "weight_net")
"""Children that E1 and E2a registered a second time (trap 44)."""


def own_tensors(record: Record) -> dict[str, TensorRef]:
    """A component's tensors under the keys that later eras had, without those of registered sources."""
    own = {}
    for key, ref, _ in tensors_of(record):
        first = key.partition(".")[0]
        if first not in REGISTERED_SOURCES:
            own[f"_{key}" if first == "net" else key] = ref
    return own


def _parameters(found: Found, state_dict: Mapping[str, TensorRef], where: object) -> tuple[str, ...]:
    """The keys of parameters in the file's order.

    Raises:
        UnusableFileError: tensors that no component holds.
    """
    key_of = {id(ref): key for key, ref in state_dict.items()}
    parameters: dict[str, None] = {}
    for name, ref, is_parameter in tensors_of(found.agent):
        key = key_of.get(id(ref))
        if key is None:
            raise UnusableFileError(
                f"the tensor {name} belongs to no component", where=where, fix="keep this policy on the old stack"
            )
        if is_parameter:
            parameters.setdefault(key)
    return tuple(parameters)


def _mode(found: Found, where: object) -> bool:
    """Training or evaluation; a policy file says it once for the whole agent.

    From E9 on the agent around the policy computed nothing, and its own flag could differ from all others (trap 60).

    Raises:
        UnusableFileError: "some modules are in training mode ...".
    """
    agent = found.policy or found.agent
    modes = {name: bool(module.attributes.get("training", True)) for name, module in modules_of(agent)}
    if len(set(modes.values())) > 1:
        off = [name for name, mode in modes.items() if not mode]
        raise UnusableFileError(
            f"some modules are in training mode and some are not: {', '.join(off[:3])}",
            where=where,
            fix="save the policy after agent.train() or agent.eval()",
        )
    return modes[""]
