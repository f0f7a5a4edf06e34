"""One component alone, in both stacks: build it from one seed, feed it the same inputs, compare everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any, cast

import torch
from torch import Tensor, nn

from equivalence.case import Setup, Shape, cases
from equivalence.finding import Finding
from equivalence.sides import Trial, build_new, build_old, inputs_of, own_tensors, run_new, run_old
from migrate.eras import Era
from migrate.registry import rules
from modules.base import MettaModule

__all__ = [
    "Built",
    "Trial",
    "build",
    "build_new",
    "build_old",
    "compare_built",
    "compare_component",
    "compare_state",
    "inputs_of",
]

Runner = Callable[[Any, Mapping[str, Tensor]], dict[str, Tensor]]


@dataclass(frozen=True)
class Built:
    """One component, built in both stacks from one seed.

    Attributes:
        stem: its name.
        setup: how it was built.
        old: in the old stack.
        new: in the new one.
        config: its new config.
        announced: the shape of its output, as the new stack announces it.
        moves: the rule's old and new names of its tensors.
    """

    stem: str
    setup: Setup
    old: Any
    new: MettaModule
    config: Mapping[str, Any]
    announced: Shape
    moves: tuple[tuple[str, str], ...]

    @cached_property
    def held(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """All parameters of the old side and of the new one, as they are at the first pass; asking modules costs."""
        return list(self.old.parameters()), list(self.new.parameters())

    @cached_property
    def parameters(self) -> list[tuple[str, Tensor, Tensor]]:
        """Those that the rule moves: old name, on the old side, on the new one."""
        new = dict(self.new.named_parameters())
        old = own_tensors(dict(self.old.named_parameters(remove_duplicate=False)))
        return [(there, old[there], new[here]) for there, here in self.moves if there in old]


def build(stem: str, setup: Setup, seed: int, finding: Finding | None = None) -> Built:
    """Builds both sides, with the setup's actions active.

    Args:
        stem: which component.
        setup: how.
        seed: of the weights.
        finding: whether both sides drew the same random numbers goes here.
    """
    torch.default_generator.manual_seed(seed)
    old = build_old(stem, setup)
    after_old = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    new, config, announced = build_new(stem, setup)
    if finding is not None:
        finding.check("generator", "after building", after_old, torch.get_rng_state())
    if setup.actions:
        old.activate_actions(setup.actions[::-1], "cpu")
        old.activate_actions(setup.actions, "cpu")
        for names in (setup.actions[::-1], setup.actions):
            cast("Any", new).activate(names)
    rule = rules()[stem]
    moves = tuple((move.old, move.new) for move in rule.state(rule.resolved(config)))
    return Built(stem, setup, old, new, config, announced, moves)


def compare_component(stem: str, setup: Setup, trial: Trial) -> Finding:
    """One component: weights, buffers, attributes and generator before and after a pass, outputs, state, gradients.

    An error is an observation too: both sides must raise it, in the same words.
    """
    finding = Finding()
    with torch.random.fork_rng(devices=[]):
        built = build(stem, setup, trial.seed, finding)
        compare_state(finding, built)
        compare_built(finding, built, trial)
        compare_state(finding, built)
    return finding


def compare_built(finding: Finding, built: Built, trial: Trial) -> None:
    """A pass of a component that is built already: outputs, gradients, generator, and whatever it wrote into."""
    inputs = inputs_of(built.new, built.setup, trial)
    as_then = partial(run_old, trial=trial, era=Era(built.setup.era))
    old, new = _run(built.old, as_then, inputs, trial), _run(built.new, run_new, inputs, trial)
    finding.check("generator", "after the pass", old.generator, new.generator)
    finding.compare_values("error", "forward", old.error, new.error)
    if not any(part in old.error for part in cases()[built.stem].errors):
        finding.compare_values("error", "which the case does not list", "", old.error)
    finding.check_all("output", old.outputs, new.outputs, ())
    finding.check_all("input", old.fed, new.fed, ())
    if old.outputs and new.outputs:
        actual = tuple(new.outputs["output"].shape[1:])
        finding.compare_values("shape", "announced", _filled(built.announced, actual), actual)
        _compare_gradients(finding, built, old, new, trial)


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
    if side.training is not trial.train:
        side.train(trial.train)
    leaves = {key: value.detach().clone().requires_grad_(value.requires_grad) for key, value in inputs.items()}
    fed = {key: value.clone() for key, value in leaves.items()}
    outputs: dict[str, Tensor] = {}
    error = ""
    torch.default_generator.manual_seed(trial.seed)
    try:
        outputs = run(side, fed)
    except Exception as raised:  # noqa: BLE001 - whatever the old stack raises, the new one is held to
        error = f"{type(raised).__name__}: {raised}"
    return _Pass(leaves, fed, outputs, error, torch.get_rng_state())


def compare_state(finding: Finding, built: Built) -> None:
    """Tensors and what the rule keeps besides them, under the old names."""
    held = built.new.state_dict()
    renamed = {old: held.get(new) for old, new in built.moves}
    state = own_tensors(built.old.state_dict())
    for key in {**state, **renamed}:
        finding.check("weight", key, state.get(key), renamed.get(key))
    for attribute in rules()[built.stem].attributes:
        there, here = attribute.forward(getattr(built.old, attribute.old)), getattr(built.new, attribute.new)
        if isinstance(there, Tensor):
            finding.check("weight", attribute.old, there, here)
        else:
            finding.compare_values("attribute", attribute.old, there, here)


def _compare_gradients(finding: Finding, built: Built, old: _Pass, new: _Pass, trial: Trial) -> None:
    outputs = [side.outputs["output"] for side in (old, new)]
    if not all(output.requires_grad for output in outputs) or outputs[0].shape != outputs[1].shape:
        return
    for parameter in chain(*built.held):
        parameter.grad = None
    weights = torch.randn(outputs[0].shape, generator=torch.Generator().manual_seed(trial.seed + 1))
    for output in outputs:
        torch.autograd.backward(output, weights.to(output.dtype))
    for key, value in old.leaves.items():
        finding.check("gradient", f"input {key}", value.grad, new.leaves[key].grad, strides=False)
    for name, there, here in built.parameters:
        finding.check("gradient", name, there.grad, here.grad, strides=False)
