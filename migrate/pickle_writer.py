"""Writes objects of `legacy` as a checkpoint that names the real old classes, as the old trainer would have."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from types import FunctionType, SimpleNamespace
from typing import Any, ClassVar

import torch

import legacy
from migrate.eras import Era
from migrate.registry import legacy_versions, old_path, part_paths, rules
from migrate.revive import AGENT_CONFIG, SPACES

PROTOCOL = 2
METADATA = "metta.agent.policy_metadata.PolicyMetadata"
# The pickler in C cannot be told to write other class paths; this one, its documented equal, can.
_PythonPickler: Any = vars(pickle)["_Pickler"]


def real_paths(era: Era, policy: str = "") -> dict[str, str]:
    """Path of our class -> path of the old class that it stands for; `policy` is that of the agent's policy."""
    layers = {path: old_path(stem, era) for stem in rules() for path in legacy_versions(stem)}
    layers |= part_paths(era)
    agent = legacy.agent_class(era.date)
    others = {agent: era.agent, legacy.PolicyMetadata: METADATA, legacy.AgentConfig: AGENT_CONFIG}
    others |= {space: path for path, space in SPACES.items()}
    others |= dict.fromkeys((legacy.PolicyRecord, legacy.PolicyRecordE6c), era.record)
    if hasattr(agent, "policy_class"):
        others[agent.policy_class] = policy
    return {**layers, **{f"{cls.__module__}.{cls.__qualname__}": path for cls, path in others.items()}}


def save_record(record: Any, era: Era, config: Mapping[str, Any]) -> bytes:
    """The bytes of a checkpoint with `record` in it, for an agent with this config."""
    paths = real_paths(era, str(config.get("policy", "")))

    class Pickler(_RenamingPickler):
        renamed = paths

    buffer = io.BytesIO()
    module = SimpleNamespace(Pickler=Pickler, __name__="renaming_pickle")
    torch.save(record, buffer, pickle_module=module, pickle_protocol=PROTOCOL)
    return buffer.getvalue()


class _RenamingPickler(_PythonPickler):  # type: ignore[misc]  # untyped
    renamed: ClassVar[Mapping[str, str]] = {}

    def save_global(self, obj: Any, name: str | None = None) -> None:
        path = self.renamed.get(f"{getattr(obj, '__module__', '')}.{getattr(obj, '__qualname__', '')}")
        if path is None:
            super().save_global(obj, name)
            return
        module, _, attribute = path.rpartition(".")
        self.write(pickle.GLOBAL + f"{module}\n{attribute}\n".encode())
        self.memoize(obj)

    def save_type(self, obj: Any) -> None:
        # pickle dispatches classes here, and functions by its own table, past `save_global` of subclasses.
        if obj in (type(None), type(NotImplemented), type(...)):
            super().save_type(obj)
        else:
            self.save_global(obj)

    dispatch: ClassVar[dict[Any, Any]] = {
        **_PythonPickler.dispatch,
        type: save_type,
        FunctionType: save_global,
    }
