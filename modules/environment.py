"""`Environment`: what an agent must know of the world it acts in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from modules.errors import ConfigError
from modules.shapes import positive

ALWAYS = ("obs_shape", "feature_normalizations", "feature_names", "action_nvec")


def _number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


@dataclass(frozen=True)
class Environment:
    """Observation, features and actions of an environment.

    Attributes:
        obs_shape: `(H, W, F)` of one observation, or `(M, 3)` of a list of tokens (cell, feature id, value).
        feature_normalizations: one divisor per feature; or a mapping from the features' ids to theirs.
        feature_names: one name per feature, where known.
        action_nvec: sizes of the two action dimensions: number of action types, largest parameter + 1.
        feature_ids: the number that tokens have for each feature; 0, 1, ... if none are given.
        obs_width: cells that tokens may lie in; 0 where observations are boxes.
        obs_height: likewise.

    Raises:
        ConfigError: an observation shape that is none, a text for a list, ids for another number of features or twice.
    """

    obs_shape: tuple[int, ...]
    feature_normalizations: tuple[float, ...]
    feature_names: tuple[str, ...] = ()
    action_nvec: tuple[int, ...] = ()
    feature_ids: tuple[int, ...] = ()
    obs_width: int = 0
    obs_height: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.feature_normalizations, Mapping):
            if self.feature_ids:
                raise ConfigError("feature_normalizations by id and feature_ids say the same: give one of them")
            object.__setattr__(self, "feature_ids", tuple(self.feature_normalizations))
            object.__setattr__(self, "feature_normalizations", tuple(self.feature_normalizations.values()))
        for name, values in vars(self).copy().items():
            if isinstance(values, str):
                raise ConfigError(f"{name} must be a list, got {values!r}")
            # Lists and numpy numbers come from an environment's spaces; JSON and comparisons need Python's own.
            object.__setattr__(self, name, tuple(map(_number, values)) if isinstance(values, Iterable) else values)
        if not self.obs_shape or not isinstance(self.obs_shape, tuple):
            raise ConfigError(f"obs_shape must be sizes such as (11, 11, 34), got {self.obs_shape or 'none'}")
        if not isinstance(self.feature_normalizations, tuple):
            raise ConfigError(f"feature_normalizations must be a list, got {self.feature_normalizations!r}")
        positive(**{f"obs_shape[{i}]": size for i, size in enumerate(self.obs_shape)})
        if self.feature_ids and len(self.feature_ids) != len(self.feature_normalizations):
            numbers = f"{len(self.feature_ids)} feature_ids and {len(self.feature_normalizations)} divisors"
            raise ConfigError(f"got {numbers}; give one of each per feature")
        if len(set(self.feature_ids)) != len(self.feature_ids):
            raise ConfigError(f"feature_ids must be different numbers, got {list(self.feature_ids)}")

    @property
    def ids(self) -> tuple[int, ...]:
        """The number of each feature."""
        return self.feature_ids or tuple(range(len(self.feature_normalizations)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Environment:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: a missing or unknown key.
        """
        try:
            return cls(**values)
        except (AttributeError, TypeError) as error:
            known = ", ".join(field.name for field in fields(cls))
            raise ConfigError(f"not an environment: {error}; its keys are {known}") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; sizes of tokens only where there are some."""
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return {key: value for key, value in plain.items() if value or key in ALWAYS}


def environment_of(config: Any, environment: Any) -> Environment:
    """The environment that an agent is given, or that its config has.

    Raises:
        ConfigError: none, or what is no environment; a config that is no mapping, or one of a job.
    """
    if not isinstance(config, Mapping):
        raise ConfigError(f"the config of an agent must be a mapping with `components`, got {config!r:.100}")
    if "components" not in config and isinstance(config.get("agent"), Mapping):
        raise ConfigError("this is a job around an agent: give its `agent`, or the whole to migrate.build_agent")
    if environment is None:
        if "environment" not in config:
            raise ConfigError("give an Environment, or a config with the key 'environment'")
        return Environment.from_dict(config["environment"])
    if not isinstance(environment, Environment):
        found = type(environment).__name__
        raise ConfigError(f"environment must be an Environment, as Environment.from_dict makes one; got {found}")
    return environment
