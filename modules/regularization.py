"""The L1 and L2 losses of regularised modules, each parameter counted once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

REGULARIZATION_LOSS = "regularization_loss"
"""The key that losses are added up in. It is no output of any component: many add to it."""


class Regularizer(Protocol):
    """A module that says how much its parameters cost."""

    l2_scale: float
    l1_scale: float
    training: bool

    def parameters(self) -> Iterator[nn.Parameter]:
        """Those that may cost something."""
        ...


def regularization_loss(regularizers: Iterable[Regularizer]) -> Tensor | None:
    """Scalar: `l2_scale * sum(w ** 2) + l1_scale * sum(|w|)`; None if no parameter needs a gradient.

    Args:
        regularizers: inner ones first, of which those in training mode count. A parameter that several of them hold
            costs what the first says, once.
    """
    counted: set[int] = set()
    losses: list[Tensor] = []
    for each in regularizers:
        if not each.training:
            continue
        for parameter in each.parameters():
            if not needs_gradient(parameter) or id(parameter) in counted:
                continue
            counted.add(id(parameter))
            # Sums of squares leave the range of half precision where the loss itself does not.
            w = parameter.float() if parameter.dtype.itemsize < 4 else parameter
            if each.l2_scale:
                losses.append(each.l2_scale * w.square().sum())
            if each.l1_scale:
                losses.append(each.l1_scale * w.abs().sum())
    return torch.stack(losses).sum() if losses else None


def needs_gradient(parameter: Tensor) -> bool:
    """Whether it is trained, also where `torch.vmap` batches it, whose own tensors say that they are not."""
    functorch = torch._C._functorch
    while not torch.compiler.is_compiling() and functorch.is_functorch_wrapped_tensor(parameter):
        if parameter.requires_grad:
            return True
        parameter = functorch.get_unwrapped(parameter)
    return parameter.requires_grad


def add_regularization(data: MutableMapping[str, Any], regularizers: Iterable[Regularizer]) -> None:
    """Adds the loss to what `data` has of it already; in a `TensorDict` once per row, since its entries have rows."""
    loss = regularization_loss(regularizers)
    if loss is not None:
        loss = loss.expand(getattr(data, "batch_size", ()))
        # A TensorDict has no `in`.
        before = data[REGULARIZATION_LOSS] if REGULARIZATION_LOSS in data.keys() else None  # noqa: SIM118
        data[REGULARIZATION_LOSS] = loss if before is None else before + loss
