"""Mistakes that components of one kind share: weights, actors, merges, pools, norms, attention, tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from equivalence.mutant import Mutant, computing, setting
from equivalence.plants import (
    calling,
    changing,
    instead,
    on_input,
    on_output,
    on_tensor,
    overriding,
    with_tensors,
    within,
)

# N rows, A actions, H hidden, E embedding, K bilinear outputs

WEIGHT: dict[str, Any] = {
    "nonlinearity": "nn.Tanh", "clip_scale": 0.02, "l2_init_scale": 1.5, "l2_norm_scale": 2.0, "analyze_weights": True
}  # fmt: skip
"""Options of a component with one weight, from E4 on, that differ from every default."""
EARLY_WEIGHT: dict[str, Any] = {key: value for key, value in WEIGHT.items() if key != "analyze_weights"}
"""Until E3."""


def weight_mutants(rank: int = 2) -> tuple[Mutant, ...]:
    """Of components with one weight, whose host has a Tanh behind it, a limit, an anchor and both L2 scales.

    Args:
        rank: dimensions of the output.
    """

    def late(right: Callable[..., Any], module: Any, x: Tensor) -> Any:
        bias = module.bias.view(1, -1, *[1] * (rank - 2))
        return right(x - bias) + bias

    return (
        Mutant("no nonlinearity", overriding("_activate", lambda _, __, x: x)),
        Mutant("the nonlinearity that was the default", overriding("_activate", lambda _, __, x: torch.relu(x))),
        Mutant("the nonlinearity twice", overriding("_activate", lambda right, _, x: right(right(x)))),
        Mutant("the bias behind the nonlinearity", overriding("_activate", late)),
        Mutant("weights are not clipped", overriding("clip_weights", lambda *_: None), level="training"),
        Mutant("biases are clipped, too", overriding("clip_weights", _clip_all), level="training"),
        Mutant("no limit", setting(clip_value=0), level="attributes"),
        Mutant("the anchor is what was trained", _anchor_at_present, level="attributes"),
    )


@torch.no_grad()
def _clip_all(right: Callable[[], None], module: Any) -> None:
    right()
    module.bias.clamp_(-module.clip_value, module.clip_value)


def _anchor_at_present(module: Any) -> None:
    module.initial_weights = module.weight.detach().clone()


def actor_mutants() -> tuple[Mutant, ...]:
    """Of actors with bilinear scores."""
    return (
        Mutant("no tanh", calling("tanh", lambda _, x: x)),
        Mutant("another nonlinearity", calling("tanh", lambda _, x: torch.relu(x))),
        Mutant("tanh of the scores", overriding("_scores", lambda right, _, *x: torch.tanh(right(*x)))),
        Mutant("the product with the weight once per state", overriding("_scores", _once_per_state), level="gradients"),
        Mutant("the bias subtracted", with_tensors(lambda name, t: -t if name == "bias" else t)),
        Mutant("scaled as attention is", on_output(lambda y: y / 5**0.5)),
        *action_mutants(),
    )


def action_mutants() -> tuple[Mutant, ...]:
    """Of everything that scores actions."""
    return (
        Mutant("the embedding of the action before", on_input(lambda e: e.roll(1, 1), 1)),
        Mutant("rows and actions exchanged", on_output(lambda y: y.reshape(y.shape[1], y.shape[0]).T)),
    )


def _once_per_state(_: Callable[..., Any], module: Any, hidden: Tensor, embeds: Tensor) -> Any:
    query_NKE = torch.tanh(torch.einsum("nh,khe->nke", hidden, module.W))
    return torch.einsum("nke,nae->nak", query_NKE, embeds).flatten(0, 1) + module.bias


def merge_mutants() -> tuple[Mutant, ...]:
    """Of merges, whose host has three slices of three sources, or two of two, along the first of two dimensions."""
    early = changing("slices", lambda slices: ((slices[0][0] - 1, slices[0][1] - 1), *slices[1:]))
    return (
        Mutant("a slice one too early", early),
        Mutant("slices of the next source", changing("slices", lambda slices: (*slices[1:], slices[0]))),
        Mutant("whole sources", changing("slices", lambda slices: (None,) * len(slices))),
        Mutant("slices along the dimension behind", setting(dim=2)),
    )


def window_mutants() -> tuple[Mutant, ...]:
    """Of pools with windows, whose host has a stride, a padding and a last window over the end."""
    return (
        Mutant("a smaller window", changing("kernel_size", lambda size: size - 1)),
        Mutant("windows side by side", lambda module: setattr(module, "stride", module.kernel_size)),
        Mutant("no padding", setting(padding=0)),
        Mutant("no window over the end", setting(ceil_mode=False)),
    )


def batch_norm_mutants() -> tuple[Mutant, ...]:
    """Of batch norms."""
    return (
        Mutant("another epsilon", within("norm", changing("eps", lambda eps: eps * 10))),
        Mutant("running statistics stay", within("norm", setting(momentum=0.0))),
        Mutant("running statistics are forgotten", within("norm", setting(momentum=1.0))),
        Mutant("the biased variance is kept", computing(_keep_biased)),
        Mutant("no learned scale", with_tensors(lambda name, t: torch.ones_like(t) if name == "norm.weight" else t)),
        Mutant("running means of the next channel", on_tensor("norm.running_mean", lambda t: t.roll(1, 0))),
    )


def _keep_biased(right: Callable[..., Any], module: Any, x: Tensor) -> Any:
    before = module.norm.running_var.clone()
    result = right(x)
    if module.training:
        number = x.numel() / x.shape[1]
        gained = module.norm.running_var - before
        module.norm.running_var.data.copy_(before + gained * (number - 1) / number)
    return result


def dropout_mutants() -> tuple[Mutant, ...]:
    """Of dropouts, whose host has p = 0.3."""
    return (
        Mutant("p is what stays", setting(p=0.7)),
        Mutant("p of the default", setting(p=0.5)),
        Mutant("a generator of its own", computing(_fork)),
    )


def _fork(right: Callable[..., Any], _: Any, x: Tensor) -> Any:
    with torch.random.fork_rng(devices=[]):
        return right(x)


def attention_mutants() -> tuple[Mutant, ...]:
    """Of attention over tokens with a mask."""
    return (
        Mutant("the mask turned around", on_input(lambda mask: ~mask, 1)),
        Mutant("no mask", on_input(torch.zeros_like, 1)),
        Mutant("attention over the queries", calling("softmax", lambda right, x, dim: right(x, dim=-2 + 0 * dim))),
        Mutant("scores not scaled", calling("softmax", lambda right, x, dim: right(x * 6**0.5, dim=dim))),
        Mutant("a norm left out", calling("layer_norm", lambda _, x, *__, **___: x, at=0)),
        Mutant(
            "another epsilon", calling("layer_norm", lambda right, x, size, **o: right(x, size, **{**o, "eps": 1e-6}))
        ),
    )


def head_mutants() -> tuple[Mutant, ...]:
    """Of attention with several heads."""
    return (
        Mutant("the scale of all heads together", changing("_scale", lambda scale: scale / 2**0.5)),
        Mutant("heads laid out the other way", overriding("_by_head", _other_heads)),
        Mutant("attention over the heads", calling("softmax", lambda right, x, dim: right(x, dim=1 + 0 * dim))),
    )


def _other_heads(_: Callable[..., Tensor], module: Any, x: Tensor) -> Tensor:
    return x.reshape(*x.shape[:2], -1, module.num_heads).permute(0, 3, 1, 2)


def token_mutants() -> tuple[Mutant, ...]:
    """Of everything that reads tokens (cell, feature, value)."""
    return (
        Mutant("feature and value exchanged", on_input(lambda x: x[..., [0, 2, 1]])),
        Mutant("cell and feature exchanged", on_input(lambda x: x[..., [1, 0, 2]])),
        Mutant("row and column exchanged", on_input(_turned)),
        Mutant("tokens in reverse", on_input(lambda x: x.flip(1))),
    )


def _turned(x: Tensor) -> Tensor:
    return torch.cat([(x[..., :1] % 16 * 16 + x[..., :1] // 16).to(x.dtype), x[..., 1:]], dim=-1)


def divisor_mutants() -> tuple[Mutant, ...]:
    """Of tokenizers that divide values."""
    return (
        Mutant("divisors one feature on", on_tensor("divisors", lambda d: d.roll(1, 0))),
        Mutant("nothing is divided", with_tensors(lambda name, t: torch.ones_like(t) if name == "divisors" else t)),
        Mutant("the mask is of padding", setting(mask="padding")),
        Mutant("another row is padding", setting(padding_row=0), level="gradients", gradient=True),
        Mutant("the mask turned around", computing(_turn_mask)),
    )


def _turn_mask(right: Callable[..., Any], _: Any, x: Tensor) -> Any:
    output, mask = right(x)
    return output, ~mask


def embedding_mutants(at: int) -> tuple[Mutant, ...]:
    """Of tables in which padding has a row.

    Args:
        at: which of the embeddings it is, in the order of `compute`.
    """
    trained = calling("embedding", lambda right, index, weight, **_: right(index, weight), at=at)
    return (Mutant("padding is trained", trained, level="gradients", gradient=True),)


def wrong_function(name: str, function: Callable[[Tensor], Tensor]) -> Mutant:
    """Another function than the activation that a component is."""
    return Mutant(name, instead(lambda _, x: function(x)))
