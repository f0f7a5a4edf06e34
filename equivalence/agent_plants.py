"""How mistakes outside of components are made: by calling other functions, or by changing an agent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from modules import actions, weights

Faulty = Callable[..., Any]
Plant = Callable[[Any], AbstractContextManager[None]]


def calling(owner: Any, name: str, faulty: Faulty) -> Plant:
    """Plants `faulty(right, *arguments)` for a function of a module or class."""
    right = getattr(owner, name)

    @contextmanager
    def plant(_: Any) -> Iterator[None]:
        with patch.object(owner, name, lambda *given, **named: faulty(right, *given, **named)):
            yield

    return plant


def changing(change: Callable[[Any], object]) -> Plant:
    """Plants a change of the agent itself."""

    @contextmanager
    def plant(planted: Any) -> Iterator[None]:
        change(planted)
        yield

    return plant


def first(change: Callable[[Tensor], Tensor], index: int = 0) -> Faulty:
    """Changes one of the results of a function, the first if not told."""

    def faulty(right: Faulty, *given: Any, **named: Any) -> Any:
        results = list(right(*given, **named))
        results[index] = change(results[index])
        return tuple(results)

    return faulty


def sample_once_more(right: Faulty, logits: Tensor, how: str = "log_softmax") -> Any:
    """Draws a random number that the old agent did not."""
    torch.rand(1)
    return right(logits, how)


def greedy(right: Faulty, logits: Tensor, how: str = "log_softmax") -> Any:
    """Takes the likeliest action, without a random number."""
    _, log_prob, entropy, log_probs = right(logits, how)
    return logits.argmax(-1), log_prob, entropy, log_probs


def other_softmax(right: Faulty, logits: Tensor, *given: Any) -> Any:
    """The last bits of another era."""
    return right(logits, *given[:-1], "logsumexp")


def keep_old_part(_: Faulty, container: Any, name: str, __: Any) -> Any:
    """A swap that does nothing."""
    return container[name]


def clip_first(planted: Any) -> None:
    """Weights are clipped in front of a pass, not behind the optimizer's step."""
    clip, step = planted.clip_weights, planted.step

    def clipped_step(*given: Any, **named: Any) -> Any:
        clip()
        return step(*given, **named)

    planted.step, planted.clip_weights = clipped_step, lambda: None


def with_gradient(_: Faulty, components: Any, *__: Any) -> Tensor:
    """The L2 loss with the gradient that it never had (trap 9)."""
    terms = [(m.weight**2).sum() * (m.l2_norm_scale or 0) for _, m in weights.weight_modules(components)]
    return torch.stack(terms).sum() if terms else torch.zeros(())


def reorder(planted: Any) -> None:
    """Parameters come in another order under the optimizer."""
    parts = planted.components._modules
    parts.update({name: parts.pop(name) for name in [*parts][::-1]})


def stay_in_training(planted: Any) -> None:
    """`eval()` does nothing."""
    planted.train(True)
    planted.train = lambda *_: planted


def _embedding(planted: Any) -> Any:
    return planted.components["_action_embeds_"]


def forget_rows(planted: Any) -> None:
    """Each activation numbers the rows of embeddings anew."""
    embeds = _embedding(planted)
    activate = type(embeds).activate

    def anew(self: Any, names: Any) -> None:
        self.rows, self.active_indices = {}, self.active_indices[:0]  # rows alone would be refused
        activate(self, names)

    embeds.__class__ = type(type(embeds).__name__, (type(embeds),), {"activate": anew})


def move_anchors(right: Faulty, *given: Any, **named: Any) -> Any:
    """Anchors are not saved as they are."""
    content = right(*given, **named)
    content.tensors = {
        name: value + (0.5 if name.startswith("attributes.") else 0) for name, value in content.tensors.items()
    }
    return content


def on_indices(change: Callable[[Tensor], Tensor]) -> Plant:
    """Changes which logit an action is."""
    return calling(actions.ActionSpace, "to_index", lambda right, self, action: change(right(self, action)))


def on_pairs(change: Callable[[Tensor], Tensor]) -> Plant:
    """Changes which action a logit is."""
    return calling(actions.ActionSpace, "to_action", lambda right, self, index: change(right(self, index)))


def swapped(given: dict[str, Any]) -> dict[str, Any]:
    """Hidden and cell state in each other's place."""
    return {**given, "lstm_h": given["lstm_c"], "lstm_c": given["lstm_h"]}


def rolled(given: dict[str, Any]) -> dict[str, Any]:
    """Each environment with its neighbour's state."""
    return {**given, **{key: given[key].roll(1, 1) for key in ("lstm_h", "lstm_c")}}


def stateless(data: Any) -> dict[str, Any]:
    """What the caller gives, without the state."""
    return {key: value for key, value in data.items() if not key.startswith("lstm_")}


def endless(data: Any) -> dict[str, Any]:
    """What the caller gives, without the ends of episodes."""
    return {key: value for key, value in data.items() if key not in ("dones", "truncateds")}
