"""`FeatureMap`: which number each feature had in training, and what to do in an environment that counts otherwise."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from operator import index
from typing import Any, SupportsIndex

import torch
from torch import Tensor, nn

from modules.errors import ConfigError

UNKNOWN = 255
NUM_IDS = 256
ORIGINAL = "original_feature_mapping"
Features = Mapping[str, Mapping[str, Any]]
"""Name -> `{"id": ..., "normalization": ...}`, as an environment describes its features."""


def ids_of(features: Features) -> dict[str, int]:
    """Name -> number of an environment's features.

    Raises:
        ConfigError: "feature ... needs an id from 0 to 255, got ...".
    """
    ids = {}
    for name, properties in features.items():
        number = properties.get("id")
        if not isinstance(number, SupportsIndex) or not 0 <= index(number) < NUM_IDS:
            raise ConfigError(f"feature {name!r} needs an id from 0 to {NUM_IDS - 1}, got {number!r}")
        ids[name] = index(number)
    return ids


@dataclass
class FeatureMap:
    """The features that an agent was trained on.

    Attributes:
        original: name -> number in the first environment.
        kept: what else was known of the last environment, as lists of pairs.
        is_known: whether there was a first environment; not in old policies that were only told their actions.
    """

    original: dict[str, int]
    kept: dict[str, list[list[Any]]] = field(default_factory=dict)
    is_known: bool = True

    @classmethod
    def from_dict(cls, values: Mapping[str, list[list[Any]]]) -> FeatureMap:
        """The inverse of `to_dict`."""
        rest = {key: pairs for key, pairs in values.items() if key != ORIGINAL}
        return cls(dict(values.get(ORIGINAL, [])), rest, is_known=ORIGINAL in values)

    def to_dict(self) -> dict[str, list[list[Any]]]:
        """Lists of pairs, for JSON, whose objects only have strings for keys."""
        original = {ORIGINAL: [[name, number] for name, number in self.original.items()]}
        return {**self.kept, **(original if self.is_known else {})}

    def meet(self, features: Features, *, learn: bool, keep: bool = False) -> Tensor | None:
        """Takes an environment's features in.

        Args:
            features: of the environment.
            learn: whether unknown ones are learned under the number that they have here, which may be taken; otherwise
                they become padding.
            keep: whether the last environment's table stays in force where no number differs, as in the old stack.

        Returns:
            uint8 `[256]`, the number in training of each number here; None where none differs, nor did in the last
            environment.
        """
        differed = bool(self.kept.get("feature_id_remap"))
        remap: dict[int, int] = {}
        ids = ids_of(features)
        for name, number in ids.items():
            known = self.original.get(name)
            if known is None and learn:
                self.original[name] = number
            elif known != number:
                remap[number] = UNKNOWN if known is None else known
        self.kept["feature_id_remap"] = [[new, old] for new, old in remap.items()]
        if not remap:
            return torch.arange(NUM_IDS, dtype=torch.uint8) if differed and not keep else None
        current = set(ids.values())
        table = [remap.get(i, i if i in current else UNKNOWN) for i in range(NUM_IDS)]
        return torch.tensor(table, dtype=torch.uint8)

    def divisors(self, features: Features) -> Tensor:
        """float32 `[256]`: the environment's divisor of each feature, at its number in training; 1 elsewhere."""
        result = torch.ones(NUM_IDS, dtype=torch.float32)
        for name, properties in features.items():
            if name in self.original and "normalization" in properties:
                result[self.original[name]] = properties["normalization"]
        return result


def check_names(key: str, names: Any, components: nn.ModuleDict) -> None:
    """Checks what a config says about components by name.

    Raises:
        ConfigError: no list of names, or names of no component.
    """
    if names is None:
        return
    if not isinstance(names, list):
        raise ConfigError(f"{key} must be a list of components, got {names!r}")
    if unknown := [name for name in names if name not in components]:
        raise ConfigError(f"{key} names {unknown[0]!r}, which is no component; they are: {', '.join(components)}")


def call_all(components: nn.ModuleDict, method: str, value: Any, names: Container[str] | None = None) -> None:
    """Calls a method of every module that has it, in the components `names` or in all."""
    for name, component in components.items():
        for module in component.modules() if names is None or name in names else ():
            if hasattr(type(module), method):
                getattr(module, method)(value)
