"""Keeps the candidate's parameters and buffers equal to the control's, at the cost of a look at each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

Place = tuple[nn.Module, str]
"""A module, and the name of a parameter or buffer in it; the tensor there may be exchanged at any time."""


class Followed:
    """Pairs of tensors of which the first one leads.

    Buffers are copied whenever they are asked for: they are small, and torch does not count what a batch norm does to
    them. Whether a parameter has changed is told by torch's count of changes in place, by where its numbers lie, and by
    steps of optimizers, since fused ones are not counted. Changes through `.data` of a parameter that stays where it is
    are not seen; `forget` makes everything count as changed.

    Args:
        control: the agent that leads.
        candidate: the agent that follows.
        names: pairs of names of the same tensor in both.
    """

    def __init__(self, control: nn.Module, candidate: nn.Module, names: Iterable[tuple[str, str]]) -> None:
        self._pairs: dict[str, tuple[Place, Place]] = {}
        for name, other in names:
            leads, follows = _place(control, name), _place(candidate, other)
            if leads is not None and follows is not None:
                self._pairs[name] = leads, follows
        self._seen: dict[str, Any] = {}
        self._steps = -1

    @property
    def names(self) -> list[str]:
        """The names, in the control, of what is followed."""
        return list(self._pairs)

    def forget(self) -> None:
        """Makes everything count as changed."""
        self._seen.clear()

    def changed(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Buffers of both sides, and parameters that the control has changed since they were copied, by its names."""
        return {
            name: (_at(leads), _at(follows))
            for name, (leads, follows) in self._pairs.items()
            if (stamp := _stamp(_at(leads))) is None or stamp != self._seen.get(name)
        }

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def copy(self) -> None:
        """Copies what the control has changed."""
        if self._steps != (steps := _counted_steps()[0]):
            self._steps = steps
            self.forget()
        for name, (leads, follows) in self._pairs.items():
            source, target = _at(leads), _at(follows)
            stamp = _stamp(source)
            if stamp is not None and self._seen.get(name) == stamp:
                continue
            if (source.shape, source.dtype, source.device) == (target.shape, target.dtype, target.device):
                target.copy_(source)
            else:
                target.data = source.detach().clone()
            if target.requires_grad != source.requires_grad:
                target.requires_grad_(source.requires_grad)
            self._seen[name] = stamp


@cache
def _counted_steps() -> list[int]:
    """How often any optimizer of this process made a step since this was first asked."""
    steps = [0]

    def count(*_: Any) -> None:
        steps[0] += 1

    register_optimizer_step_post_hook(count)
    return steps


def _place(agent: nn.Module, name: str) -> Place | None:
    path, _, leaf = name.rpartition(".")
    try:
        module = agent.get_submodule(path)
    except AttributeError:
        return None
    return (module, leaf) if isinstance(getattr(module, leaf, None), Tensor) else None


def _at(place: Place) -> Tensor:
    tensor: Tensor = getattr(*place)
    return tensor


def _stamp(tensor: Tensor) -> tuple[Any, ...] | None:
    """What changes when a tensor does; None where nothing might, and it must count as changed."""
    if not isinstance(tensor, nn.Parameter) or tensor.is_inference():
        return None
    return tensor._version, tensor.data_ptr(), tensor.shape, tensor.requires_grad
