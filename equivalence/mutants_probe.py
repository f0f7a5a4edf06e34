"""`observe`: everything that passes of one component alone show; `facts`: what mistakes could show at all in it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, nn

from equivalence.case import Setup, cases
from equivalence.compare import difference
from equivalence.fills import OBSERVATIONS, TOKENS
from equivalence.sides import Trial, build_new, inputs_of, run_new
from migrate.eras import Era
from modules.base import MettaModule

TRIALS = (
    (Trial(3, 2, "normal", state=True, train=False, seed=0), "uniform", "uniform"),
    (Trial(3, 2, "normal", state=True, train=True, seed=1), "uniform", "uniform"),
    (Trial(3, 2, "normal", state=True, train=False, seed=2), "floats", "repeated"),
    (Trial(1, 1, "normal", state=False, train=False, seed=3), "sparse", "small"),
    (Trial(4, 2, "edges", state=True, train=True, seed=4), "edges", "full"),
    (Trial(4, 1, "edges", state=False, train=False, seed=5), "edges", "zeros"),
    (Trial(2, 1, "tiny", state=True, train=False, seed=6), "tiny floats", "uniform"),
)
"""Trials, and how observations are filled: boxes, and tokens. Together they are what a proof draws, in small."""


@dataclass(frozen=True)
class Pass:
    """One pass of a component.

    Attributes:
        outputs: by name, as they came.
        shown: everything else that it shows: inputs afterwards, gradients, the generator, state; an error.
    """

    outputs: dict[str, Tensor]
    shown: dict[str, Any]


def _host(stem: str) -> Setup:
    setup = cases()[stem].host
    if setup is None:
        raise LookupError(f"{stem} has no host")
    return setup


@cache
def _original(stem: str) -> MettaModule:
    setup = _host(stem)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = build_new(stem, setup)[0]
        for names in (setup.actions[::-1], setup.actions) if setup.actions else ():
            cast("Any", module).activate(names)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
        for buffer in module.buffers():
            if buffer.is_floating_point():
                noise = torch.randn(buffer.shape, generator=generator)
                buffer.copy_(buffer * (noise / 4).exp() if buffer.any() else noise)
    return module


def lone_component(stem: str) -> MettaModule:
    """A new component as its case's host has it, with weights none of which is 0.

    Raises:
        LookupError: "... has no host".
    """
    return copy.deepcopy(_original(stem))


def observe(stem: str, module: MettaModule, *, train: bool | None = None) -> Iterator[Pass]:
    """Passes of a component through all trials, one after the other; `train` overrides their modes."""
    for number, (trial, _, __) in enumerate(TRIALS):
        with torch.random.fork_rng(devices=[]):
            now = trial if train is None else replace(trial, train=train)
            yield _pass(module, _inputs(stem, number), now)


@cache
def _inputs(stem: str, number: int) -> dict[str, Tensor]:
    setup, (trial, box, tokens) = _host(stem), TRIALS[number]
    inputs = inputs_of(_original(stem), setup, trial)
    generator = torch.Generator().manual_seed(trial.seed)
    for key in ("x", *(source.name for source in setup.sources or () if source.tokens)):
        fill = TOKENS[tokens] if setup.has_tokens else OBSERVATIONS[box]
        inputs[key] = fill(tuple(inputs[key].shape), generator)
    if "obs_mask" in inputs:
        inputs["obs_mask"][0] = trial.train
    return inputs


def _pass(module: MettaModule, inputs: dict[str, Tensor], trial: Trial) -> Pass:
    module.train(trial.train)
    module.zero_grad(set_to_none=True)
    leaves = {key: value.detach().clone().requires_grad_(value.requires_grad) for key, value in inputs.items()}
    fed = {key: value.clone() for key, value in leaves.items()}
    torch.manual_seed(trial.seed)
    try:
        outputs = run_new(module, fed)
        shown: dict[str, Any] = {"generator": torch.get_rng_state(), **{f"input {k}": v for k, v in fed.items()}}
        shown |= {f"state {key}": value.clone() for key, value in module.state_dict().items()}
        _backward(outputs["output"], trial)
    except Exception as error:  # noqa: BLE001 - a mistake may end in any error
        return Pass({}, {"error": f"{type(error).__name__}: {error}"})
    shown |= {f"gradient of {key}": leaf.grad for key, leaf in leaves.items()}
    shown |= {f"gradient of {name}": parameter.grad for name, parameter in module.named_parameters()}
    return Pass(outputs, shown)


def _backward(output: Tensor, trial: Trial) -> None:
    if output.requires_grad:
        weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(trial.seed + 1))
        torch.autograd.backward((output * weights).sum())


@cache
def _behaviour(stem: str) -> frozenset[str]:
    found = {"source"} if any(s.below is None and not s.tokens for s in _host(stem).sources or ()) else set[str]()
    passes = list(observe(stem, lone_component(stem)))
    for one, (trial, _, __) in zip(passes, TRIALS, strict=True):
        if "output" in one.outputs:
            output = one.outputs["output"]
            found |= _special(stem, trial, output.detach()) if output.is_floating_point() else set()
            found |= {"differentiable"} if output.requires_grad else set()
            found |= {"strided"} if output.stride() != output.contiguous().stride() else set()
    modes = (observe(stem, lone_component(stem), train=mode) for mode in (True, False))
    return frozenset(found | ({"modal"} if any(unlike(*each) for each in zip(*modes, strict=True)) else set()))


def _special(stem: str, trial: Trial, output: Tensor) -> set[str]:
    """Numbers that come out, where they can come in: from E6 on agents saw bytes, and few read what they see."""
    setup = _host(stem)
    if setup.has_tokens or Era(setup.era).is_since("E6a"):
        return {"float"}
    tiny = (output != 0) & (output.abs() < torch.finfo(output.dtype).tiny)
    special = {"NaN": output.isnan(), "-0.0": (output == 0) & output.signbit(), "subnormal": tiny}
    reaching = special if setup.sources is None or trial.values == "normal" else {"NaN": special["NaN"]}
    return {"float", *(name for name, where in reaching.items() if where.any())}


def unlike(one: Pass, other: Pass) -> str:
    """The first thing in which two passes differ; empty if they do not."""
    for key in {**one.outputs, **other.outputs}:
        if found := difference("output", key, one.outputs.get(key), other.outputs.get(key)):
            return str(found)
    for key in {**one.shown, **other.shown}:
        there, here = one.shown.get(key), other.shown.get(key)
        if isinstance(there, str) or isinstance(here, str):
            if there != here:
                return f"{key}: {there!r} became {here!r}"
        elif found := difference("shown", key, there, here, strides=False):
            return str(found)
    return ""


def facts(stem: str, component: nn.Module) -> frozenset[str]:
    """What a component is and does, in the words of `Generic.needs`."""
    parameters, buffers = list(component.parameters()), list(component.buffers())
    held = {
        "parameter": bool(parameters),
        "weight": any(p.dim() >= 2 for p in parameters),
        "square": any(p.dim() >= 2 and p.shape[-1] == p.shape[-2] for p in parameters),
        "bias": any("bias" in name for name, _ in component.named_parameters()),
        "buffer": any(buffer.numel() for buffer in buffers),
        "attributes": bool(getattr(component, "saved_attributes", ())),
    }
    return _behaviour(stem) | {name for name, has in held.items() if has}
