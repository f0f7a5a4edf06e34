"""`WeightMonitoringModule`: a module whose weights are watched, and clipped after an optimizer step."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

from modules.errors import ConfigError, WeightWarning
from modules.weight_metrics import analyze_weights
from modules.wrappers.wrapper import Wrapper

DEAD = 1e-6
"""A unit whose incoming weights are all smaller than this does nothing."""


class WeightMonitoringModule(Wrapper):
    """Reports dead units and norms of weights, and limits them when `after_step` is called.

    Nothing is touched in `forward`: a weight that changes between forward and backward gives wrong gradients.

    Args:
        module: see `Wrapper`.
        clip_value: largest absolute value of a weight with two or more dimensions; None or 0 for no limit.
        monitor_health: whether `after_step` warns of dead units and large norms, once per parameter and cause.
        norm_limit: norm above which a weight is large.

    Raises:
        ConfigError: "clip_value must be ...".
    """

    weight_limit: float
    monitor_health: bool
    norm_limit: float
    _warned: set[tuple[str, str]]

    def __init__(
        self,
        module: nn.Module,
        clip_value: float | None = None,
        monitor_health: bool = True,
        *,
        norm_limit: float = 100.0,
    ) -> None:
        given: Any = clip_value
        if given is not None and not (isinstance(given, (int, float)) and given >= 0):
            raise ConfigError(f"clip_value must be a number >= 0 or None, got {clip_value!r}")
        super().__init__(module)
        # Not `clip_value`, which is a trained attribute of many a wrapped module.
        self.weight_limit, self.monitor_health, self.norm_limit = clip_value or 0.0, monitor_health, norm_limit
        self._warned = set()

    @torch.no_grad()
    def after_step(self) -> None:
        """Clips the weights and warns of sick ones. Call it after the optimizer step, as `agent.clip_weights()` does.

        Raises:
            ConfigError: "the weights of ... are computed ...", by a parametrisation of torch's, where they are clipped.

        Warns:
            WeightWarning: "... dead unit(s) in ...", "large norm ... of ...".
        """
        if self.weight_limit:
            if any(hasattr(module, "parametrizations") for module in self.modules()):
                way_out = f"give this {type(self).__name__} no clip_value"
                raise ConfigError(f"the weights of {self.label} are computed from others, and not clipped: {way_out}")
            for parameter in self.parameters():
                if parameter.dim() >= 2:
                    parameter.clamp_(-self.weight_limit, self.weight_limit)
        if self.monitor_health:
            for name, health in self.health().items():
                if health["dead_units"]:
                    self._warn(name, "dead", f"{health['dead_units']} dead unit(s) in {name!r}")
                if not health["weight_norm"] <= self.norm_limit:  # NaN is no number, and not small
                    self._warn(name, "norm", f"large norm {health['weight_norm']:.4g} of {name!r}")

    @torch.no_grad()
    def health(self) -> dict[str, dict[str, Any]]:
        """Per weight with two or more dimensions: `dead_units`, along the first one, and `weight_norm`."""
        return {
            name: {
                "dead_units": int((parameter.abs() < DEAD).flatten(1).all(dim=1).sum()),
                "weight_norm": parameter.norm().item(),
            }
            for name, parameter in self.named_parameters()
            if parameter.dim() >= 2
        }

    @torch.no_grad()
    def weight_metrics(self, delta: float = 0.01) -> dict[str, dict[str, Any]]:
        """The old stack's statistics of each 2-D weight (`analyze_weights`); draws from the global generator."""
        return {
            name: analyze_weights(parameter.detach(), delta)
            for name, parameter in self.named_parameters()
            if parameter.dim() == 2
        }

    def _warn(self, name: str, cause: str, text: str) -> None:
        if (name, cause) not in self._warned:
            self._warned.add((name, cause))
            warnings.warn(f"{text} of component {self.label}", WeightWarning, stacklevel=3)
