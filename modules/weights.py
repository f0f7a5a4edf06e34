"""What an agent does to its weights between forward passes: clip them, pull them towards an anchor, measure them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from modules.base import WeightModule
from modules.weight_metrics import analyze_weights


def weight_modules(components: nn.ModuleDict) -> Iterator[tuple[str, WeightModule]]:
    """The modules with a weight, also those inside wrappers, each with the name of its component."""
    for name, component in components.items():
        for module in component.modules():
            if isinstance(module, WeightModule):
                yield name, module


def clip_weights(components: nn.ModuleDict) -> None:
    """Clamps every limited weight in place."""
    for _, module in weight_modules(components):
        module.clip_weights()


def weight_metrics(components: nn.ModuleDict, delta: float) -> list[dict[str, Any]]:
    """Statistics of the 2-D weights that ask for them, in component order; draws from the global generator."""
    return [
        {**analyze_weights(module.weight.detach(), delta), "name": name}
        for name, module in weight_modules(components)
        if module.analyze_weights and module.weight.dim() == 2
    ]


def l2_reg_loss(components: nn.ModuleDict) -> Tensor:
    """Scalar: the squared weights, each times its `l2_norm_scale`; without gradient."""
    return _sum(
        ((module.weight.detach() ** 2).sum() * module.l2_norm_scale for module in _scaled(components, "l2_norm_scale")),
        components,
    )


def l2_init_loss(components: nn.ModuleDict) -> Tensor:
    """Scalar: the squared distances to the anchors, each times its `l2_init_scale`; without gradient."""
    anchored = (module for module in _scaled(components, "l2_init_scale") if module.initial_weights is not None)
    return _sum((_distance(module) * module.l2_init_scale for module in anchored), components)


@torch.no_grad()
def move_anchors(components: nn.ModuleDict, alpha: float) -> None:
    """`alpha * anchor + (1 - alpha) * w` for each anchor."""
    for _, module in weight_modules(components):
        if module.initial_weights is not None:
            present = module.weight.detach().to(module.initial_weights.device)
            module.initial_weights = module.initial_weights * alpha + present * (1 - alpha)


def _scaled(components: nn.ModuleDict, scale: str) -> Iterator[Any]:
    return (module for _, module in weight_modules(components) if getattr(module, scale))


def _distance(module: Any) -> Tensor:
    weight: Tensor = module.weight.detach()
    anchor: Tensor = module.initial_weights.to(weight.device)
    return ((weight - anchor) ** 2).sum()


def _sum(losses: Iterable[Tensor], components: nn.ModuleDict) -> Tensor:
    terms = list(losses)
    return torch.stack(terms).sum() if terms else torch.zeros((), device=next(components.parameters()).device)
