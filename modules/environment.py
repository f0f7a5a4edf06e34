"""`Environment`: what an agent must know of the world it acts in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from modules.errors import ConfigError


@dataclass(frozen=True)
class Environment:
    """Observation, features and actions of an environment.

    Attributes:
        obs_shape: `(H, W, F)` of one observation.
        feature_normalizations: one divisor per feature.
        feature_names: one name per feature, where known.
        action_nvec: sizes of the two action dimensions: number of action types, largest parameter + 1.
    """

    obs_shape: tuple[int, ...]
    feature_normalizations: tuple[float, ...]
    feature_names: tuple[str, ...] = ()
    action_nvec: tuple[int, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Environment:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: a missing or unknown key.
        """
        try:
            return cls(**{key: tuple(value) for key, value in values.items()})
        except TypeError as error:
            raise ConfigError(f"not an environment: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, for JSON."""
        return {key: list(value) for key, value in asdict(self).items()}
