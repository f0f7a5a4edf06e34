"""What an agent does to its weights between forward passes: clip them, pull them towards an anchor, measure them."""

from __future__ import annotations

from collections.abc import Iterator
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


def l2_reg_loss(components: nn.ModuleDict, order: str | None = None) -> Tensor:
    """Scalar: the squared weights, each times its `l2_norm_scale`; without gradient. For `order` see `_sum`."""
    modules = [module for _, module in weight_modules(components)]
    losses = [_squares(module.weight.detach(), module.l2_norm_scale) for module in modules]
    return _sum(losses, components, order)


def l2_init_loss(components: nn.ModuleDict, order: str | None = None) -> Tensor:
    """Scalar: the squared distances to the anchors, each times its `l2_init_scale`; otherwise as `l2_reg_loss`."""
    modules = [module for _, module in weight_modules(components)]
    losses = [_squares(_way_from_anchor(module), module.l2_init_scale) for module in modules]
    return _sum(losses, components, order)


@torch.no_grad()
def move_anchors(components: nn.ModuleDict, alpha: float) -> None:
    """`alpha * anchor + (1 - alpha) * w` for each anchor."""
    for _, module in weight_modules(components):
        if module.initial_weights is not None:
            present = module.weight.detach().to(module.initial_weights.device)
            module.initial_weights = module.initial_weights * alpha + present * (1 - alpha)


def _way_from_anchor(module: Any) -> Tensor:
    weight: Tensor = module.weight.detach()
    anchor: Tensor | None = module.initial_weights
    return torch.zeros_like(weight) if anchor is None else weight - anchor.to(weight.device)


def _squares(x: Tensor, scale: float | None) -> Tensor:
    return (x**2).sum() * scale if scale else x.new_zeros(())


def _sum(losses: list[Tensor], components: nn.ModuleDict, order: str | None) -> Tensor:
    """The sum as the old stack rounded it: over a stack, in which layers without a loss count as 0, or `in_order`."""
    if order == "in_order" or not losses:
        return sum(losses, torch.zeros((), device=next(components.parameters()).device))
    return torch.stack(losses).sum()
