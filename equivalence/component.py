"""One component alone, in both stacks: build it from one seed, feed it the same inputs, compare everything."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from equivalence.case import Setup, Shape, Source, cases
from equivalence.harness import Finding
from equivalence.strategies import FLOATS, OBSERVATIONS
from legacy.normalizations import OBS_NORMALIZATIONS
from migrate.eras import Era
from migrate.registry import legacy_target, new_target, rules
from migrate.to_legacy import DEFAULT_ERA
from migrate.translate import to_new
from modules.base import BuildContext, MettaModule
from modules.builder import build_component

NAME = "tested"
Runner = Callable[[Any, Mapping[str, Tensor], "Trial"], dict[str, Tensor]]


@dataclass(frozen=True)
class Trial:
    """Data for one comparison.

    Attributes:
        batch: B.
        time: T.
        values: a key of `FLOATS`, for inputs that are activations.
        state: whether a recurrent state is given.
        train: training or evaluation mode.
        seed: of weights and data.
    """

    batch: int
    time: int
    values: str
    state: bool
    train: bool
    seed: int


class _Source(nn.Module):
    """Stands for a component whose output is on the blackboard already."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._out_tensor_shape = list(source.shape)

    def forward(self, td: dict[str, Any]) -> dict[str, Any]:
        return td


def old_config(stem: str, setup: Setup) -> dict[str, Any]:
    """The old config of a setup, with our own class as target."""
    sources = None if setup.sources is None else [{"name": s.name, **s.extra} for s in setup.sources]
    return {"_target_": legacy_target(stem), "sources": sources, **setup.config}


def build_old(stem: str, setup: Setup) -> Any:
    """The component in the old stack, set up."""
    features = [list(OBS_NORMALIZATIONS)[i % len(OBS_NORMALIZATIONS)] for i in range(setup.obs_shape[-1])]
    attributes = {
        "obs_shape": setup.obs_shape,
        "grid_features": features,
        "num_objects": setup.obs_shape[-1],
        "clip_range": setup.clip_range,
        "hidden_size": setup.config.get("output_size", 1),
        "obs_key": "grid_obs",
    }
    # Called as Hydra's instantiate would, with OmegaConf's containers, which layers rely on, but without its 10 ms.
    config = OmegaConf.create({**old_config(stem, setup), "name": NAME})
    arguments = {str(key): config[key] for key in config if key != "_target_"}
    module, _, name = config["_target_"].rpartition(".")
    arguments.update(attributes)
    component = getattr(importlib.import_module(module), name)(**arguments)
    sources = None if setup.sources is None else {s.name: _Source(s) for s in setup.sources}
    component.setup(sources)
    return component


def build_new(stem: str, setup: Setup, era: Era = DEFAULT_ERA) -> tuple[MettaModule, dict[str, Any], Shape]:
    """The component in the new stack, through its rule, its new config, and the shape that it announces."""
    config = old_config(stem, setup)
    options = to_new(rules()[stem], config, era, NAME).config
    divisors = tuple(OBS_NORMALIZATIONS.values())
    context = BuildContext(
        in_shapes=tuple(s.shape for s in setup.sources or ()),
        sources=tuple({"name": s.name, **s.extra} for s in setup.sources or ()),
        obs_shape=setup.obs_shape,
        feature_normalizations=tuple(divisors[i % len(divisors)] for i in range(setup.obs_shape[-1])),
        clip_range=setup.clip_range,
    )
    module, announced = build_component(NAME, {"_target_": new_target(stem), **options}, context)
    return module, options, announced


def inputs_of(module: MettaModule, setup: Setup, trial: Trial) -> dict[str, Tensor]:
    """Inputs by key: float activations that require gradients, observations, a state."""
    generator = torch.Generator().manual_seed(trial.seed)
    rows = trial.batch * trial.time
    inputs: dict[str, Tensor] = {}
    for source in setup.sources or ():
        shape = (rows, *(source.actual or source.shape))
        if source.below is None:
            inputs[source.name] = FLOATS[trial.values](shape, generator).requires_grad_()
        else:
            inputs[source.name] = torch.randint(0, source.below, shape, generator=generator)
    inputs["x"] = OBSERVATIONS["uniform"]((trial.batch, trial.time, *setup.obs_shape), generator)
    if hasattr(module, "initial_state"):
        shape = tuple(cast("Any", module).initial_state(trial.batch, inputs["x"])[0].shape)
        for key in ("lstm_h", "lstm_c"):
            inputs[key] = FLOATS["normal"](shape, generator) if trial.state else torch.zeros(shape)
    return inputs


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
        old_run, new_run = _run(old, _run_old, inputs, trial), _run(new, _run_new, inputs, trial)
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
        outputs = run(side, fed, trial)
    except Exception as raised:  # noqa: BLE001 - whatever the old stack raises, the new one is held to
        error = f"{type(raised).__name__}: {raised}"
    return _Pass(leaves, fed, outputs, error, torch.get_rng_state())


def _compare_state(finding: Finding, stem: str, old: Any, new: MettaModule, config: Mapping[str, Any]) -> None:
    rule = rules()[stem]
    renamed = {move.old: new.state_dict().get(move.new) for move in rule.state(rule.resolved(config))}
    state = old.state_dict()
    for key in {**state, **renamed}:
        finding.check("weight", key, state.get(key), renamed.get(key))
    for attribute in rule.attributes:
        there, here = attribute.forward(getattr(old, attribute.old)), getattr(new, attribute.new)
        if isinstance(there, Tensor):
            finding.check("weight", attribute.old, there, here)
        else:
            finding.compare_values("attribute", attribute.old, there, here)


def _run_old(component: Any, inputs: Mapping[str, Tensor], trial: Trial) -> dict[str, Tensor]:
    rows = trial.batch * trial.time
    td: dict[str, Any] = {**inputs, "_BxTT_": rows, "_TT_": trial.time, "_batch_size_": trial.batch}
    td["state"] = torch.cat([td.pop("lstm_h"), td.pop("lstm_c")]) if "lstm_h" in td else None
    component(td)
    outputs = {"output": td[NAME]}
    if td["state"] is not None:
        outputs["next_lstm_h"], outputs["next_lstm_c"] = td["state"].chunk(2)
    return outputs


def _run_new(module: MettaModule, inputs: Mapping[str, Tensor], _: Trial) -> dict[str, Tensor]:
    data = dict(module({**inputs, "x": inputs["x"].flatten(0, 1)}))
    outputs = {"output": data[NAME]}
    return outputs | {key: data[key] for key in ("next_lstm_h", "next_lstm_c") if key in data}


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
    of_old = dict(old[0].named_parameters())
    for move in rule.state(rule.resolved(config)):
        if move.old in of_old:
            finding.check("gradient", move.old, of_old[move.old].grad, of_new[move.new].grad, strides=False)
