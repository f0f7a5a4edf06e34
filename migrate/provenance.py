"""What a migrated policy file remembers of the file it came from, enough to give that file back byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch

from migrate.agent_rules import spoken
from migrate.archive import Checkpoint
from migrate.json_values import from_json
from migrate.pickle_reader import TensorRef
from migrate.plan import Plan, as_bytes, digest
from migrate.shell import Shell, split
from modules.policy_file import ATTRIBUTE, STATE_DICT, TRAINER, PolicyFile

KEY = "migration"
POLICY = "policy"
SHELL = "old."
PREFIXES = {POLICY: (STATE_DICT, ATTRIBUTE), TRAINER: ("optimizer.",)}


def attach(content: PolicyFile, plan: Plan, checkpoint: Checkpoint) -> None:
    """Adds provenance to a freshly migrated policy."""
    attributes = {
        f"{ATTRIBUTE}{name}.{new}": value
        for name, old, new in plan.attributes
        if isinstance(value := plan.old.components[name].attributes[old], TensorRef)
    }
    state = {new: plan.old.state_dict[old] for old, new in plan.tensors.items()}
    content.extra[KEY] = {
        "era": spoken(plan.old.era),
        "evidence": list(plan.old.era.evidence),
        "plan": plan.sha256,
        "notes": list(plan.notes),
        "record": plan.old.record,
        "parameters": [plan.tensors[name] for name in plan.old.parameters],
        "sources": {},
    }
    attach_shell(content, POLICY, checkpoint, {**state, **attributes})


def attach_shell(content: PolicyFile, kind: str, checkpoint: Checkpoint, tensors: Mapping[str, TensorRef]) -> None:
    """Keeps everything of an old file that the tensors of `content` do not say.

    Args:
        content: gets the tensor `old.<kind>` and an entry in its provenance.
        kind: `policy` or `trainer`.
        checkpoint: the old file.
        tensors: name in `content` -> where it stands in the old file.
    """
    payloads: dict[str, str] = {}
    for name, ref in tensors.items():
        if _is_whole_storage(ref, checkpoint) and ref.storage not in payloads:
            payloads[ref.storage] = name
    shell = split(checkpoint, payloads.keys())
    content.tensors[f"{SHELL}{kind}"] = torch.frombuffer(bytearray(shell.pieces), dtype=torch.uint8)
    content.extra[KEY]["sources"][kind] = {
        "sha256": checkpoint.sha256,
        "slots": [[position, key, nbytes, payloads[key]] for position, key, nbytes in shell.slots],
    }
    content.extra[KEY]["sources"][kind]["rest"] = fingerprint(content, kind)


def _is_whole_storage(ref: TensorRef, checkpoint: Checkpoint) -> bool:
    tensor = checkpoint.tensor(ref)
    return tensor.is_contiguous() and ref.offset == 0 and tensor.nbytes == checkpoint.storages[ref.storage].nbytes


def shell_of(content: PolicyFile, kind: str) -> Shell | None:
    """The old file without its payloads, if the policy was migrated from one."""
    source = content.extra.get(KEY, {}).get("sources", {}).get(kind)
    if source is None or f"{SHELL}{kind}" not in content.tensors:
        return None
    slots = tuple((int(position), str(key), int(nbytes)) for position, key, nbytes, _ in source["slots"])
    return Shell(as_bytes(content.tensors[f"{SHELL}{kind}"]), slots)


def payloads_of(content: PolicyFile, kind: str) -> dict[str, str]:
    """Storage of the old file -> tensor of `content` that fills it."""
    return {str(key): str(name) for _, key, _, name in content.extra[KEY]["sources"][kind]["slots"]}


def record_of(content: PolicyFile) -> dict[str, Any]:
    """Attributes of the record that the policy was migrated from, if it was."""
    record: dict[str, Any] = from_json(content.extra.get(KEY, {}).get("record", {}))
    return record


def metadata_of(content: PolicyFile) -> dict[str, Any]:
    """What that record said of the policy as it was then, such as its epoch and score."""
    record = record_of(content)
    return {**(record.get("metadata") or record.get("_metadata") or {})}


def stale_keys(content: PolicyFile) -> list[str]:
    """What that record says that more training makes untrue."""
    return sorted(metadata_of(content).keys() - {"action_names"})


def move_record(content: PolicyFile, path: str) -> None:
    """Lets that record, if there is one, say that the policy lies at `path`."""
    migration = content.extra.get(KEY, {})
    record = migration.get("record", {})
    places = {"name": path, "run_name": path, "uri": f"file://{path}", "_local_path": path}
    moved = {**record, **{key: place for key, place in places.items() if key in record}}
    if moved:
        content.extra = {**content.extra, KEY: {**migration, "record": moved}}


def fingerprint(content: PolicyFile, kind: str) -> str:
    """Hash of all that the tensors do not say which fill the old file: the old file can be reused while it holds.

    These are values that are no tensors, names, types and shapes of all tensors, and the bytes of those that were no
    storage of their own in the old file, such as views into a common one.
    """
    fillers = set(payloads_of(content, kind).values())
    tensors = [
        [key, str(tensor.dtype), list(tensor.shape), None if key in fillers and not _is_index(key) else _sha256(tensor)]
        for key, tensor in sorted(content.tensors.items())
        if key.startswith(PREFIXES[kind])
    ]
    if kind == TRAINER:
        return digest([content.extra.get(TRAINER), tensors])
    facts = [content.config, content.environment, content.attributes, content.actions, content.training, content.frozen]
    facts += [content.features, *([content.otherwise] if content.otherwise else [])]
    return digest([facts, tensors])


def _is_index(key: str) -> bool:
    """Which row is which action: it changes together with attributes, never alone."""
    return key.endswith(".active_indices")


def _sha256(tensor: torch.Tensor) -> str:
    return hashlib.sha256(as_bytes(tensor)).hexdigest()


def is_unchanged(content: PolicyFile, kind: str) -> bool:
    """Whether the old file, filled with the present tensors, says all that the policy says now."""
    source = content.extra.get(KEY, {}).get("sources", {}).get(kind)
    return bool(source) and f"{SHELL}{kind}" in content.tensors and source.get("rest") == fingerprint(content, kind)


def is_original(content: PolicyFile, data: bytes) -> bool:
    """Whether `data` is one of the files that the policy was migrated from."""
    sources = content.extra.get(KEY, {}).get("sources", {}).values()
    return hashlib.sha256(data).hexdigest() in {source["sha256"] for source in sources}
