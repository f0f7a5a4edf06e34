"""Finds the agent in a checkpoint: in a record, in a package, bare, behind wrappers, and with or without a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate import eras
from migrate.errors import UnusableFileError
from migrate.pickle_reader import Record, TensorRef
from migrate.pickle_records import DAMAGED

POLICY_PATHS = ("metta.agent.component_policy.", "metta.agent.component_policies.")
WRAPPERS = {
    "metta.agent.metta_agent.DistributedMettaAgent": "module",
    "agent.metta_agent.DistributedMettaAgent": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
}
"""Class around an agent -> the name under which it holds it, which is a prefix of state-dict keys (trap 45)."""
BATCH_NORM = "torch.nn.modules.batchnorm."
SYNCHRONISED = f"{BATCH_NORM}SyncBatchNorm"
"""What the old trainer made of every batch norm from 2025-06-13 on, in runs of several processes."""
AGENT_FIELDS = ("_policy", "_cached_policy")
PACKAGED = ("policy_record/data.pkl", "policy/model.pkl")
FOREIGN = ("policy.actor.", "policy.network.", "lstm.")


@dataclass(frozen=True)
class Found:
    """An agent, and what it lay in.

    Attributes:
        record: attributes of the policy record besides the agent; empty for a bare agent.
        agent: the agent.
        kind: a key of `recognise.CONTAINERS`.
    """

    record: Mapping[str, Any]
    agent: Record
    kind: str

    @property
    def policy(self) -> Record | None:
        """What holds the components from E9 on."""
        policy = self.agent.attributes.get("_modules", {}).get("policy")
        return policy if isinstance(policy, Record) else None

    @property
    def holder(self) -> Record:
        """What holds the components."""
        return self.policy or self.agent


def find_agent(root: Any, where: object) -> Found:
    """The agent of a checkpoint.

    Raises:
        UnusableFileError: a state dict alone, a trainer state, or something else that is no policy.
    """
    if isinstance(root, Mapping) and root.keys() >= set(PACKAGED):
        record, agent = (root[name] for name in PACKAGED)
        fields = record.attributes if isinstance(record, Record) else {}
        return _unwrapped(fields, agent, "package", where)
    if isinstance(root, Record) and root.path in eras.RECORDS:
        kind = root.path.split(".")[-2]
        for field in AGENT_FIELDS:
            if isinstance(root.attributes.get(field), Record):
                return _unwrapped(root.attributes, root.attributes[field], kind, where)
        raise UnusableFileError("the policy record holds no agent", where=where, fix="give the policy's own file")
    if isinstance(root, Record) and (root.path in eras.AGENTS or root.path in WRAPPERS):
        return _unwrapped({}, root, "bare", where)
    raise _no_policy(root, where)


def _unwrapped(record: Mapping[str, Any], agent: Any, kind: str, where: object) -> Found:
    while isinstance(agent, Record) and agent.path in WRAPPERS:
        agent = agent.attributes.get("_modules", {}).get(WRAPPERS[agent.path])
    if not isinstance(agent, Record) or agent.path not in eras.AGENTS:
        found = agent.path if isinstance(agent, Record) else type(agent).__name__
        fix = "give the policy's own file; an agent of a class of your own stays on the old stack"
        what = f"the policy record holds no agent of the old stack but a {found}"
        raise UnusableFileError(what, where=where, fix=fix)
    fields = {name: value for name, value in record.items() if name not in AGENT_FIELDS}
    for _, module in modules_of(agent):
        _put_back_batch_norm(module)
    return Found(fields, agent, kind)


def _put_back_batch_norm(component: Record) -> None:
    """One process computes the same with either; the converted one refuses to learn on a CPU."""
    norm = component.attributes.get("_modules", {}).get("_net")
    if isinstance(norm, Record) and norm.path == SYNCHRONISED:
        state = {key: value for key, value in norm.attributes.items() if key != "process_group"}
        norm.path, norm.state = f"{BATCH_NORM}{component.path.rpartition('.')[2]}", state


def _no_policy(root: Any, where: object) -> UnusableFileError:
    if isinstance(root, Mapping) and ("optimizer_state_dict" in root or "optimizer" in root):
        what, fix = "this is a trainer state, not a policy", "give policy.pt, and this file with --trainer-state"
        return UnusableFileError(what, where=where, fix=fix)
    if isinstance(root, Mapping) and any(isinstance(value, TensorRef) for value in root.values()):
        if any(str(key).startswith(FOREIGN) for key in root):
            return UnusableFileError(
                "this is the state dict of a foreign policy (`puffer://`, `pytorch://`), which has no components",
                where=where,
                fix="load it with the class that its config section names; it was never an agent of the old stack",
            )
        return UnusableFileError(
            "this is a state dict alone: it does not say which embedding row is which action, nor the architecture",
            where=where,
            fix="give the policy file that the trainer wrote (model_NNNN.pt); the whole agent is in it",
        )
    kind = root.path if isinstance(root, Record) else type(root).__name__
    return UnusableFileError(f"this is no policy of the old stack but a {kind}", where=where, fix="give a policy file")


def components_of(found: Found, where: object) -> dict[str, Record]:
    """Component records by name, in registration order.

    Raises:
        UnusableFileError: "the agent has no components".
    """
    container = found.holder.attributes.get("_modules", {}).get("components")
    records = container.attributes.get("_modules") if isinstance(container, Record) else None
    if not records or not all(isinstance(record, Record) for record in records.values()):
        raise UnusableFileError("the agent has no components", where=where, fix="give a policy of the old stack")
    return dict(records)


def modules_of(record: Record, path: str = "") -> Iterator[tuple[str, Record]]:
    """Every module below a record, itself included, with its path."""
    yield path, record
    for name, child in record.attributes.get("_modules", {}).items():
        if isinstance(child, Record):
            yield from modules_of(child, f"{path}.{name}".lstrip("."))


def tensors_of(record: Record, prefix: str = "") -> Iterator[tuple[str, TensorRef, bool]]:
    """`(key, tensor, is a parameter)` in the order of `nn.Module.state_dict`, aliases included."""
    attributes = record.attributes
    hidden = attributes.get("_non_persistent_buffers_set") or set()
    if not isinstance(hidden, set):
        raise UnusableFileError(f"the buffers of {prefix or 'the agent'} that are not saved are no set", fix=DAMAGED)
    for kind in ("_parameters", "_buffers"):
        for name, value in attributes.get(kind, {}).items():
            if isinstance(value, TensorRef) and not (kind == "_buffers" and name in hidden):
                yield f"{prefix}{name}", value, kind == "_parameters"
    for name, child in attributes.get("_modules", {}).items():
        if isinstance(child, Record):
            yield from tensors_of(child, f"{prefix}{name}.")
