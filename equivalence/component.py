"""One component alone, in both stacks: build it from one seed, feed it the same inputs, compare everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from equivalence.case import Setup, Shape, cases
from equivalence.finding import Finding
from equivalence.sides import Trial, build_new, build_old, inputs_of, own_tensors, run_new, run_old
from migrate.eras import Era
from migrate.registry import rules
from modules.base import MettaModule

__all__ = ["Trial", "build_new", "build_old", "compare_component", "inputs_of"]

Runner = Callable[[Any, Mapping[str, Tensor]], dict[str, Tensor]]


def compare_component(stem: str, setup: Setup, trial: Trial) -> Finding:
    """One component: weights, buffers, attributes and generator before and after a pass, outputs, state, gradients.

    An error is an observation too: both sides must raise it, in the same words.
    """
    finding = Finding()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(trial.seed)
        old = build_old(stem, setup)
        after_old = torch.get_rng_state()
        torch.manual_seed(trial.seed)
        new, config, announced = build_new(stem, setup)
        finding.check("generator", "after building", after_old, torch.get_rng_state())
        if setup.actions:
            old.activate_actions(setup.actions[::-1], "cpu")
            old.activate_actions(setup.actions, "cpu")
            for names in (setup.actions[::-1], setup.actions):
                cast("Any", new).activate(names)
        _compare_state(finding, stem, old, new, config)
        inputs = inputs_of(new, setup, trial)
        as_then = partial(run_old, trial=trial, era=Era(setup.era))
        old_run, new_run = _run(old, as_then, inputs, trial), _run(new, run_new, inputs, trial)
        finding.check("generator", "after the pass", old_run.generator, new_run.generator)
        finding.compare_values("error", "forward", old_run.error, new_run.error)
        if not any(part in old_run.error for part in cases()[stem].errors):
            finding.compare_values("error", "which the case does not list", "", old_run.error)
        finding.check_all("output", old_run.outputs, new_run.outputs, ())
        finding.check_all("input", old_run.fed, new_run.fed, ())
        _compare_state(finding, stem, old, new, config)
        if old_run.outputs and new_run.outputs:
            actual = tuple(new_run.outputs["output"].shape[1:])
            finding.compare_values("shape", "announced", _filled(announced, actual), actual)
            _compare_gradients(finding, stem, (old, old_run), (new, new_run), config, trial)
    return finding


def _filled(announced: Shape, actual: Shape) -> Shape:
    """An announced shape, with what is not known before a pass, and announced as 0, taken from the actual one."""
    return tuple(size or actual[i] for i, size in enumerate(announced)) if len(announced) == len(actual) else announced


@dataclass(frozen=True)
class _Pass:
    """One side's pass.

    Attributes:
        leaves: the inputs, which gather gradients.
        fed: copies of them, which a component may have written into.
        outputs: by name; none where it failed.
        error: what was raised, as text; empty where nothing was.
        generator: state of the global generator behind the pass.
    """

    leaves: Mapping[str, Tensor]
    fed: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    error: str
    generator: Tensor


def _run(side: Any, run: Runner, inputs: Mapping[str, Tensor], trial: Trial) -> _Pass:
    side.train(trial.train)
    leaves = {key: value.detach().clone().requires_grad_(value.requires_grad) for key, value in inputs.items()}
    fed = {key: value.clone() for key, value in leaves.items()}
    outputs: dict[str, Tensor] = {}
    error = ""
    torch.manual_seed(trial.seed)
    try:
        outputs = run(side, fed)
    except Exception as raised:  # noqa: BLE001 - whatever the old stack raises, the new one is held to
        error = f"{type(raised).__name__}: {raised}"
    return _Pass(leaves, fed, outputs, error, torch.get_rng_state())


def _compare_state(finding: Finding, stem: str, old: Any, new: MettaModule, config: Mapping[str, Any]) -> None:
    rule = rules()[stem]
    renamed = {move.old: new.state_dict().get(move.new) for move in rule.state(rule.resolved(config))}
    state = own_tensors(old.state_dict())
    for key in {**state, **renamed}:
        finding.check("weight", key, state.get(key), renamed.get(key))
    for attribute in rule.attributes:
        there, here = attribute.forward(getattr(old, attribute.old)), getattr(new, attribute.new)
        if isinstance(there, Tensor):
            finding.check("weight", attribute.old, there, here)
        else:
            finding.compare_values("attribute", attribute.old, there, here)


Side = tuple[Any, _Pass]


def _compare_gradients(
    finding: Finding, stem: str, old: Side, new: Side, config: Mapping[str, Any], trial: Trial
) -> None:
    if not old[1].outputs["output"].requires_grad:
        return
    for _, side in (old, new):
        output = side.outputs["output"]
        weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(trial.seed + 1))
        torch.autograd.backward((output * weights).sum())
    for key, value in old[1].leaves.items():
        finding.check("gradient", f"input {key}", value.grad, new[1].leaves[key].grad, strides=False)
    rule = rules()[stem]
    of_new = dict(new[0].named_parameters())
    of_old = own_tensors(dict(old[0].named_parameters(remove_duplicate=False)))
    for move in rule.state(rule.resolved(config)):
        if move.old in of_old:
            finding.check("gradient", move.old, of_old[move.old].grad, of_new[move.new].grad, strides=False)
