"""`Plan`: what a migration of one checkpoint will do, as data that is checked, printed and hashed before it is done."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import modules
from migrate import config_rules
from migrate.archive import Checkpoint, check_finite
from migrate.errors import UnusableFileError
from migrate.library_values import is_library_value, library_value
from migrate.old_names import component_tensors
from migrate.old_policy import FEATURE_ATTRIBUTES, OldPolicy, read_old_policy
from migrate.open_questions import notes_of, open_questions
from migrate.pickle_reader import TensorRef
from migrate.plan_checks import REPORT, check_complete, check_layout, check_order
from migrate.rule import Attribute
from modules.checkpoint import agent_from
from modules.policy_file import ATTRIBUTE, STATE_DICT, PolicyFile
from modules.savable import check_attribute

NORMALIZER = "observation_normalizer"
NAMELESS = "features have numbers and no names here: where an environment numbers them otherwise, they are misread"
"""Policies of tokens until 2025-07-01, and those that never met an environment (trap 33)."""


@dataclass(frozen=True)
class Plan:
    """Everything that the migration of one checkpoint decides.

    Attributes:
        old: the checkpoint, taken apart.
        config: the new config.
        environment: what the old agent was told of its world.
        tensors: old state-dict key -> new one, in state-dict order.
        attributes: `(component, old name, new name)` of what stood outside the state dict.
        notes: what a careful reader should know.
    """

    old: OldPolicy
    config: dict[str, Any]
    environment: modules.Environment
    tensors: dict[str, str]
    attributes: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values, in an order that means something."""
        return {
            "era": self.old.era.name,
            "config": self.config,
            "environment": self.environment.to_dict(),
            "tensors": self.tensors,
            "attributes": [list(entry) for entry in self.attributes],
        }

    @property
    def sha256(self) -> str:
        """Hash of the decisions; equal plans do equal things."""
        return digest(self.to_dict())


def digest(values: Any) -> str:
    """SHA-256 of JSON values, in which the order of keys counts."""
    return hashlib.sha256(json.dumps(values, separators=(",", ":")).encode()).hexdigest()


def make_plan(checkpoint: Checkpoint, era: str | None = None) -> Plan:
    """Plans the migration of an old policy and checks that the plan is a bijection.

    Raises:
        UnusableFileError: a policy that cannot be migrated, tensors with NaN or Inf, a key that is left over.
    """
    where = checkpoint.path
    old = read_old_policy(checkpoint, era)
    config, dropped = config_rules.to_new_agent(old.config, old.era, where)
    components = config["components"]
    tensors: dict[str, str] = {}
    attributes: list[tuple[str, str, str]] = []
    for name, component in old.components.items():
        rule = component.rule
        tensors.update(component_tensors(name, rule, components[name], old.state_dict))
        attributes += [(name, a.old, a.new) for a in rule.attributes if a.old in component.attributes]
    check_complete(tensors, list(old.state_dict), where)
    ordered = {key: tensors[key] for key in old.state_dict}
    check_layout(old.state_dict, checkpoint)
    check_finite({key: checkpoint.tensor(ref) for key, ref in old.state_dict.items()}, where)
    check_order([tensors[key] for key in old.parameters], config, where)
    notes = [f"{name}: the old stack ignored {', '.join(keys)}" for name, keys in dropped.items()]
    notes += [f"component {name!r}: {note}" for name, each in old.components.items() for note in each.notes]
    notes += [
        f"agent attribute {name!r} is unknown to the old stack; it comes back while no more than weights change"
        for name in old.unused
    ]
    notes += [f"{what}; only the old file itself keeps it" for what in old.unsaid]
    notes += notes_of(open_questions(old.config, old.era, old.era.date, where))
    environment = environment_of(old, checkpoint)
    if len(environment.obs_shape) == 2 and not environment.feature_names:
        notes.append(NAMELESS)
    return Plan(old, config, environment, ordered, tuple(attributes), tuple(notes))


def environment_of(old: OldPolicy, checkpoint: Checkpoint) -> modules.Environment:
    """Observation shape, features and actions that the old agent was built for."""
    facts, names = old.facts, old.facts.feature_names
    told = facts.feature_normalizations
    if told is None:
        buffers = [f"{STATE_DICT}{n}.obs_norm" for n, each in old.components.items() if each.stem == NORMALIZER]
        divisors = checkpoint.tensor(old.state_dict[buffers[-1]]).flatten().tolist() if buffers else []
        ids: tuple[int, ...] = ()
    else:
        divisors, ids = list(told.values()), tuple(int(number) for number in told)
        name_of = {number: name for name, number in (old.agent.get("original_feature_mapping") or {}).items()}
        names = names or tuple(name_of[number] for number in ids if number in name_of)
    return modules.Environment(
        obs_shape=facts.obs_shape,
        feature_normalizations=tuple(float(divisor) for divisor in divisors),
        feature_names=names if not ids or len(names) == len(ids) else (),
        action_nvec=facts.action_nvec,
        feature_ids=() if ids == tuple(range(len(ids))) else ids,
        obs_width=facts.window[0],
        obs_height=facts.window[1],
    )


def features_of(old: OldPolicy) -> dict[str, Any] | None:
    """What the agent kept of the features that it met, as JSON values."""
    kept = {name: old.agent[name] for name in FEATURE_ATTRIBUTES if name in old.agent}
    pairs = {name: [list(item) for item in value.items()] for name, value in kept.items() if value is not None}
    return pairs or None


def apply_plan(plan: Plan, checkpoint: Checkpoint) -> PolicyFile:
    """The new policy file, without provenance.

    Raises:
        UnusableFileError: the new stack does not take what the plan makes, or a rule changes a tensor attribute.
    """
    content = PolicyFile(config=plan.config, environment=plan.environment.to_dict())
    for old_key, new_key in plan.tensors.items():
        content.tensors[new_key] = checkpoint.tensor(plan.old.state_dict[old_key])
    for name, old_name, new_name in plan.attributes:
        component = plan.old.components[name]
        attribute = next(a for a in component.rule.attributes if a.old == old_name)
        value = component.attributes[old_name]
        if isinstance(value, TensorRef):
            tensor = checkpoint.tensor(value)
            _check_carried(attribute, tensor, f"{checkpoint.path}: component {name!r}")
            content.tensors[f"{ATTRIBUTE}{name}.{new_name}"] = tensor
        else:
            lives = library_value(value) if is_library_value(value) else config_rules.plain_value(value)
            new_value = attribute.forward(lives)
            try:
                check_attribute(f"the attribute {new_name!r}", new_value)
            except modules.MettaError as error:
                fix = f"let the `forward` of migrate/rules/{component.stem}.py make text, numbers, lists of it"
                place = f"{checkpoint.path}: component {name!r}"
                raise UnusableFileError(str(error), where=place, fix=fix) from error
            content.attributes.setdefault(name, {})[new_name] = new_value
    facts = plan.old.facts
    if facts.action_names is not None:
        content.actions = {"names": list(facts.action_names), "max_params": list(facts.action_max_params or ())}
    content.features = features_of(plan.old)
    content.training = plan.old.training
    content.frozen = [plan.tensors[key] for key in plan.old.parameters if not plan.old.state_dict[key].requires_grad]
    check_result(content, checkpoint.path)
    return content


def check_result(content: PolicyFile, where: object) -> None:
    """Builds the agent and compares what it holds with what the file says, tensor by tensor.

    Raises:
        UnusableFileError: shapes or values that differ.
    """
    with torch.random.fork_rng(devices=[]):
        try:
            agent = agent_from(content, where)
        except modules.MettaError as error:
            raise UnusableFileError(f"the new stack refuses the result: {error}", where=where, fix=REPORT) from error
    state = agent.state_dict()
    for key, tensor in content.tensors.items():
        if key.startswith(STATE_DICT) and not same_tensor(state.get(key), tensor):
            raise UnusableFileError(f"{key} did not arrive unchanged", where=where, fix=REPORT)


def _check_carried(attribute: Attribute, tensor: Tensor, where: str) -> None:
    """Tensors cross over as they are, whatever the rule declares: what it would change is refused."""
    if not same_tensor(attribute.forward(tensor), tensor):
        raise UnusableFileError(
            f"the rule changes the tensor {attribute.old!r}, and tensors are carried as they are",
            where=where,
            fix="let the new module keep it as the old one did",
        )


def same_tensor(a: Tensor | None, b: Tensor) -> bool:
    """Equality by shape, type and bits."""
    if a is None or a.shape != b.shape or a.dtype != b.dtype:
        return False
    return as_bytes(a) == as_bytes(b)


def as_bytes(tensor: Tensor) -> bytes:
    """The values in row-major order."""
    # Not contiguous(): it keeps odd strides of dimensions of size 1, which cannot be viewed as bytes.
    plain = torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach()).view(-1)
    return plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""
