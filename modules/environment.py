"""`Environment`: what an agent must know of the world it acts in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from modules.errors import ConfigError
from modules.shapes import positive


@dataclass(frozen=True)
class Environment:
    """Observation, features and actions of an environment.

    Attributes:
        obs_shape: `(H, W, F)` of one observation.
        feature_normalizations: one divisor per feature.
        feature_names: one name per feature, where known.
        action_nvec: sizes of the two action dimensions: number of action types, largest parameter + 1.

    Raises:
        ConfigError: an observation shape that is none.
    """

    obs_shape: tuple[int, ...]
    feature_normalizations: tuple[float, ...]
    feature_names: tuple[str, ...] = ()
    action_nvec: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, values in vars(self).copy().items():
            # Lists and numpy numbers come from an environment's spaces; JSON and comparisons need Python's own.
            numbers = tuple(value.item() if hasattr(value, "item") else value for value in values)
            object.__setattr__(self, name, numbers)
        if not self.obs_shape:
            raise ConfigError("obs_shape must be sizes such as (11, 11, 34), got none")
        positive(**{f"obs_shape[{i}]": size for i, size in enumerate(self.obs_shape)})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Environment:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: a missing or unknown key.
        """
        try:
            return cls(**{key: tuple(value) for key, value in values.items()})
        except (AttributeError, TypeError) as error:
            raise ConfigError(f"not an environment: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, for JSON."""
        return {key: list(value) for key, value in asdict(self).items()}
