"""`OldPolicy`: what an old checkpoint says, read off its inert graph; no object of the old stack is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from migrate import eras
from migrate.archive import Checkpoint
from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.pickle_reader import Record, TensorRef
from migrate.pickle_records import DAMAGED
from migrate.plain import plain
from migrate.registry import rules, stem_of_old
from migrate.rule import PARAMS, REQUIRED, Rule, equal, in_force
from migrate.translate import nest

MODULE_INTERNALS = frozenset(vars(nn.Module()))
LAYER_INTERNALS = MODULE_INTERNALS | {
    *("_name", "_sources", "_nn_params", "_net", "_ready"),
    *("_source_components", "_in_tensor_shapes", "_out_tensor_shape"),
}


@dataclass(frozen=True)
class OldComponent:
    """One component of an old agent.

    Attributes:
        stem: of its rule.
        path: its old class.
        config: the old config that builds it, without defaults.
        attributes: what its rule carries along, still inert.
    """

    stem: str
    path: str
    config: dict[str, Any]
    attributes: dict[str, Any]

    @property
    def rule(self) -> Rule:
        """Its rule."""
        return rules()[self.stem]


@dataclass(frozen=True)
class OldPolicy:
    """An old checkpoint, by its parts.

    Attributes:
        era: with the evidence for it.
        components: in registration order, which is parameter order.
        agent: attributes of the agent besides, plain.
        record: attributes of the policy record besides, plain; empty for a bare agent.
        state_dict: key -> tensor, in state-dict order.
        parameters: keys of the parameters, in optimizer order.
        training: the mode that the agent was saved in.
        unused: agent attributes that no old code of the era read.
    """

    era: Era
    components: dict[str, OldComponent]
    agent: dict[str, Any]
    record: dict[str, Any]
    state_dict: dict[str, TensorRef]
    parameters: tuple[str, ...]
    training: bool
    unused: tuple[str, ...] = field(default=())

    @property
    def config(self) -> dict[str, Any]:
        """The agent config, rebuilt from what the objects kept."""
        return {
            "_target_": self.era.agent,
            "observations": {"obs_key": self.agent["agent_attributes"]["obs_key"]},
            "clip_range": self.agent["clip_range"],
            "components": {name: component.config for name, component in self.components.items()},
        }


AGENT_ATTRIBUTES = (
    *("hidden_size", "core_num_layers", "clip_range", "agent_attributes", "_total_params", "device"),
    *("action_max_params", "action_names", "active_actions", "cum_action_max_params", "action_index_tensor"),
)


def read_old_policy(checkpoint: Checkpoint, era: str | None = None) -> OldPolicy:
    """Takes an old checkpoint apart.

    Args:
        checkpoint: the file, safely read.
        era: forces the era instead of recognising it.

    Raises:
        UnusableFileError: no policy, an unsupported era, a class without rule, an attribute that no rule knows.
    """
    where = checkpoint.path
    record, agent = find_agent(checkpoint.root, where)
    attributes = {name: value for name, value in agent.attributes.items() if name not in MODULE_INTERNALS}
    values = {name: plain(value) for name, value in attributes.items() if not isinstance(value, TensorRef)}
    records = _components(agent, where)
    classes = {name: component.path for name, component in records.items()}
    found = eras.named(era, where) if era else eras.of_agent(values, classes, where)
    _check_values(values, where)
    tensors = dict(_walk(agent, ""))
    return OldPolicy(
        era=found,
        components={name: _component(name, component, found, where) for name, component in records.items()},
        agent=values,
        record={name: plain(value) for name, value in record.items() if name != "_policy"},
        state_dict={name: ref for name, (ref, _) in tensors.items()},
        parameters=_distinct({name: ref for name, (ref, is_parameter) in tensors.items() if is_parameter}),
        training=_mode(agent, where),
        unused=tuple(name for name in attributes if name not in AGENT_ATTRIBUTES),
    )


def _check_values(agent: Mapping[str, Any], where: object) -> None:
    told = agent.get("agent_attributes")
    told = told if isinstance(told, Mapping) else {}
    checks = {
        "clip_range": isinstance(agent.get("clip_range"), int | float),
        "agent_attributes.obs_key": isinstance(told.get("obs_key"), str),
        "agent_attributes.obs_shape": _all(int, told.get("obs_shape")),
        "agent_attributes.grid_features": _all(str, told.get("grid_features")),
    }
    if "action_names" in agent:
        checks["action_names"] = _all(str, agent["action_names"])
        checks["action_max_params"] = _all(int, agent.get("action_max_params"))
    if wrong := [name for name, is_right in checks.items() if not is_right]:
        raise UnusableFileError(
            f"the agent lacks {', '.join(wrong)}, or has something else there", where=where, fix=DAMAGED
        )


def _all(kind: type, values: Any) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(value, kind) for value in values)


def find_agent(root: Any, where: object) -> tuple[dict[str, Any], Record]:
    """The record's attributes and the agent inside it.

    Raises:
        UnusableFileError: a state dict alone, a trainer state, or something else that is no policy.
    """
    if isinstance(root, Record) and root.path in eras.RECORDS:
        agent = root.attributes.get("_policy")
        if isinstance(agent, Record) and agent.path in eras.AGENTS:
            return root.attributes, agent
        raise UnusableFileError("the policy record holds no agent", where=where, fix="give the policy's own file")
    if isinstance(root, Record) and root.path in eras.AGENTS:
        return {}, root
    if isinstance(root, Mapping) and "optimizer_state_dict" in root:
        raise UnusableFileError(
            "this is a trainer state, not a policy",
            where=where,
            fix="give policy.pt, and this file with --trainer-state",
        )
    if isinstance(root, Mapping) and any(isinstance(value, TensorRef) for value in root.values()):
        raise UnusableFileError(
            "this is a state dict alone: it does not say which embedding row is which action, nor the architecture",
            where=where,
            fix="give the policy file that the trainer wrote (model_NNNN.pt); the whole agent is in it",
        )
    kind = root.path if isinstance(root, Record) else type(root).__name__
    raise UnusableFileError(f"this is no policy of the old stack but a {kind}", where=where, fix="give a policy file")


def _components(agent: Record, where: object) -> dict[str, Record]:
    container = agent.attributes.get("_modules", {}).get("components")
    records = container.attributes.get("_modules") if isinstance(container, Record) else None
    if not records or not all(isinstance(record, Record) for record in records.values()):
        raise UnusableFileError("the agent has no components", where=where, fix="give a policy of the old stack")
    return dict(records)


def _component(name: str, record: Record, era: Era, where: object) -> OldComponent:
    place = f"{where}: component {name!r}"
    stem = stem_of_old(record.path, place)
    rule, attributes = rules()[stem], record.attributes
    carried = {attribute.old for attribute in rule.attributes}
    config_attributes = {a for k in rule.keys for a in k.attribute if not a.startswith(PARAMS)}
    known = LAYER_INTERNALS | rule.derived | rule.unread | carried | config_attributes
    if unknown := [attribute for attribute in attributes if attribute not in known]:
        raise UnusableFileError(
            f"{record.path} has attribute(s) that its rule does not know: {', '.join(unknown)}",
            where=place,
            fix=f"if they matter, teach migrate/rules/{stem}.py; if not, name them in its `derived`",
        )
    config = {"_target_": record.path, "sources": _sources(attributes.get("_sources"))}
    config.update(nest(_config_values(rule, attributes, era)))
    return OldComponent(stem, record.path, config, {key: attributes[key] for key in carried if key in attributes})


def _sources(value: Any) -> list[dict[str, Any]] | None:
    entries = plain(value)
    if entries is None:
        return None
    return [{key: item for key, item in entry.items() if key != "_slice_params"} for entry in entries]


def _config_values(rule: Rule, attributes: Mapping[str, Any], era: Era) -> dict[str, Any]:
    """Constructor values that the object kept, as far as they differ from the defaults of its era."""
    params = {f"{PARAMS}{key}": value for key, value in (plain(attributes.get("_nn_params")) or {}).items()}
    params = {key: value for key, value in params.items() if key not in rule.derived}
    values: dict[str, Any] = {}
    for k in rule.keys:
        for old, default, attribute in zip(k.old, k.old_default, k.attribute, strict=True):
            default_here = in_force(default, era)
            if old in params:
                value = params.pop(old)
            elif attribute.startswith(PARAMS) or attribute not in attributes:
                continue
            else:
                value = plain(attributes[attribute])
            if default_here is REQUIRED or not equal(value, default_here):
                values[old] = value
    return {**values, **params}


def _walk(record: Record, prefix: str) -> Iterator[tuple[str, tuple[TensorRef, bool]]]:
    """`(key, (tensor, is a parameter))` in the order of `nn.Module.state_dict`."""
    attributes = record.attributes
    hidden = attributes.get("_non_persistent_buffers_set") or ()
    for kind in ("_parameters", "_buffers"):
        for name, value in attributes.get(kind, {}).items():
            if isinstance(value, TensorRef) and not (kind == "_buffers" and name in hidden):
                yield f"{prefix}{name}", (value, kind == "_parameters")
    for name, child in attributes.get("_modules", {}).items():
        if isinstance(child, Record):
            yield from _walk(child, f"{prefix}{name}.")


def _mode(agent: Record, where: object) -> bool:
    """Training or evaluation; a policy file says it once for the whole agent.

    Raises:
        UnusableFileError: "some modules are in training mode ...".
    """
    modes = {name: bool(module.attributes.get("training", True)) for name, module in _modules(agent, "")}
    if len(set(modes.values())) > 1:
        off = [name for name, mode in modes.items() if not mode]
        raise UnusableFileError(
            f"some modules are in training mode and some are not: {', '.join(off[:3])}",
            where=where,
            fix="save the policy after agent.train() or agent.eval()",
        )
    return modes[""]


def _modules(record: Record, path: str) -> Iterator[tuple[str, Record]]:
    yield path, record
    for name, child in record.attributes.get("_modules", {}).items():
        if isinstance(child, Record):
            yield from _modules(child, f"{path}.{name}".lstrip("."))


def _distinct(parameters: Mapping[str, TensorRef]) -> tuple[str, ...]:
    """The first name of every parameter, as `named_parameters` gives them."""
    first: dict[int, str] = {}
    for name, ref in parameters.items():
        first.setdefault(id(ref), name)
    return tuple(first.values())
