"""Makes the old agent of a checkpoint live again in `legacy`, object by object, without any rule of the migration.

It is the independent side of every proof: what it runs is what the file holds, not what the migration made of it.
"""

from __future__ import annotations

import importlib
import itertools
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from torch import nn

import legacy
from legacy.spaces import Box, Dict, MultiDiscrete
from migrate import eras
from migrate.archive import Checkpoint
from migrate.eras import Era, below_root
from migrate.errors import UnusableFileError
from migrate.found import POLICY_PATHS, components_of, find_agent, tensors_of
from migrate.library_values import is_library_value, library_value
from migrate.old_policy import era_of, is_spare, is_unknown
from migrate.pickle_reader import GlobalRef, Record, TensorRef
from migrate.plain import plain
from migrate.registry import has_rule, legacy_parts, legacy_target, stem_of_old

TORCH_MODULES = "torch.nn.modules."
OMEGACONF = ("omegaconf.dictconfig.DictConfig", "omegaconf.listconfig.ListConfig")
NUMPY_SCALARS = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
SPACES: dict[str, type] = {
    "gymnasium.spaces.box.Box": Box,
    "gymnasium.spaces.dict.Dict": Dict,
    "gymnasium.spaces.multi_discrete.MultiDiscrete": MultiDiscrete,
}
AGENT_CONFIG = "metta.agent.agent_config.AgentConfig"


def revive(checkpoint: Checkpoint, era: Era | str | None = None) -> Any:
    """The agent of an old checkpoint, as an object of `legacy`.

    Args:
        checkpoint: the file, safely read.
        era: of the file, as `--era` takes it or found before; recognised if not given.

    Raises:
        UnusableFileError: no policy, or a class that `legacy` does not have.
    """
    where = checkpoint.path
    found = find_agent(checkpoint.root, where)
    known = era if isinstance(era, Era) else era_of(found, components_of(found, where), where, era)
    with _room_for_recursion():
        return _Reviver(checkpoint, known).agent(found.agent)


@contextmanager
def _room_for_recursion() -> Iterator[None]:
    # Sources hold their sources, so a graph is as deep as its longest path; the reader bounds the depth.
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 10_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _alone(refs: list[TensorRef]) -> set[int]:
    """Which contiguous tensors lie in a storage with others, and share no element with them.

    So do weights that were averaged as one vector, or learned with by cuDNN. Kernels round otherwise where a tensor is
    not aligned, which is not part of a policy.
    """
    places: dict[str, list[tuple[int, int, int]]] = {}
    for ref in {id(each): each for each in refs}.values():
        size = math.prod(ref.shape)
        reach = size if ref.stride == torch.empty(ref.shape, device="meta").stride() else sys.maxsize
        places.setdefault(ref.storage, []).append((ref.offset, ref.offset + reach, id(ref)))
    found = set()
    for spans in places.values():
        spans.sort()
        if len(spans) > 1 and all(end <= begin for (_, end, _), (begin, _, _) in itertools.pairwise(spans)):
            found |= {ref for _, _, ref in spans}
    return found


class _Reviver:
    """One object of the graph, one object of the result: aliases stay aliases."""

    def __init__(self, checkpoint: Checkpoint, era: Era) -> None:
        self._checkpoint, self._era = checkpoint, era
        self._done: dict[int, Any] = {}
        self._alone: set[int] = set()

    def agent(self, record: Record) -> Any:
        self._alone = _alone([ref for _, ref, _ in tensors_of(record)])
        return self.value(record)

    def value(self, obj: Any) -> Any:
        if id(obj) in self._done:
            return self._done[id(obj)]
        if is_library_value(obj):
            return library_value(obj, self.value, self._keep)
        if isinstance(obj, Record):
            return self._record(obj)
        if isinstance(obj, TensorRef):
            return self._keep(obj, self._tensor(obj))
        if isinstance(obj, GlobalRef):
            return self._keep(obj, self._own(legacy_parts().get(below_root(obj.path)), obj.path))
        if isinstance(obj, dict):
            return self._fill(obj, type(obj)())
        if isinstance(obj, list):
            result = self._keep(obj, [])
            result.extend(self.value(item) for item in obj)
            return result
        if isinstance(obj, tuple):
            return self._keep(obj, tuple(self.value(item) for item in obj))
        return self._keep(obj, set(obj)) if isinstance(obj, set) else obj

    def _fill(self, source: dict[Any, Any], target: dict[Any, Any]) -> dict[Any, Any]:
        self._keep(source, target)
        target.update((key, self.value(item)) for key, item in source.items())
        return target

    def _keep(self, obj: Any, result: Any) -> Any:
        self._done[id(obj)] = result
        return result

    def _tensor(self, ref: TensorRef) -> torch.Tensor:
        tensor = self._checkpoint.tensor(ref)
        if id(ref) in self._alone:
            tensor = tensor.clone()
        if ref.parameter:
            return nn.Parameter(tensor, requires_grad=ref.requires_grad)
        return tensor.requires_grad_(ref.requires_grad)

    def _record(self, record: Record) -> Any:
        if record.path in OMEGACONF:
            return self._keep(record, OmegaConf.create(plain(record), flags={"allow_objects": True}))
        if record.path in SPACES:
            return self._keep(record, self._space(record))
        if record.path == AGENT_CONFIG:
            return self._keep(record, legacy.AgentConfig(**plain(record)))
        if record.path in NUMPY_SCALARS:
            return self._keep(record, np.dtype(plain(record.args[0])).type(plain(record)))
        if record.path == "torch.device":
            return self._keep(record, torch.device(plain(record)))
        cls = self._module_class(record.path)
        result = self._keep(record, cls.__new__(cls))
        if record.path in eras.AGENTS or record.path.startswith(POLICY_PATHS):
            kept = {key: item for key, item in record.attributes.items() if not is_spare(key, item)}
            state = {key: plain(item) if is_unknown(key, item) else self.value(item) for key, item in kept.items()}
        else:
            state = {key: self.value(item) for key, item in record.attributes.items()}
        result.__setstate__(state)
        return result

    def _space(self, record: Record) -> Any:
        said = next(iter(plain(record).values()))
        if SPACES[record.path] is Dict:
            return Dict({name: self.value(space) for name, space in record.attributes["spaces"].items()})
        if SPACES[record.path] is MultiDiscrete:
            return MultiDiscrete(said)
        bounds = {side: said[side] for side in ("low", "high") if not isinstance(said[side], list)}
        return Box(said["shape"], said["dtype"], **bounds)

    def _module_class(self, path: str) -> Any:
        if path in eras.AGENTS:
            return legacy.agent_class(self._era.date)
        if path.startswith(POLICY_PATHS):
            cls = legacy.agent_class(self._era.date)
            if not hasattr(cls, "policy_class"):
                what = f"the agent has a policy, a {path}, and agents of {self._era.name} had none"
                raise UnusableFileError(what, where=self._checkpoint.path, fix="give the era of the file, E9 or later")
            return cls.policy_class
        module, _, name = path.rpartition(".")
        if path.startswith(TORCH_MODULES):
            # Not all of them are names of torch.nn, such as the last layer of a MultiheadAttention.
            cls = vars(sys.modules.get(module, object)).get(name)
            if isinstance(cls, type) and issubclass(cls, nn.Module) and cls.__module__ == module:
                return cls
        target = legacy_parts().get(below_root(path))
        if target is None and has_rule(path):
            target = legacy_target(stem_of_old(path, self._checkpoint.path), self._era)
        return self._own(target, path)

    def _own(self, target: str | None, path: str) -> Any:
        """What of ours stands for a class or function of the old stack."""
        if target is not None:
            module, _, name = target.rpartition(".")
            return getattr(importlib.import_module(module), name)
        raise UnusableFileError(
            f"{path} is not part of the old stack as this project knows it",
            where=self._checkpoint.path,
            fix="a component of your own needs its files, and a rule that names its `parts` (docs/new_component.md); "
            "an agent or a policy of your own stays on the old stack",
        )
