"""One component in each stack, built from one `Setup`, and the inputs that both are given."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from equivalence.case import Setup, Shape, Source
from equivalence.fills import FLOATS, OBSERVATIONS, tokens
from legacy.normalizations import OBS_NORMALIZATIONS
from migrate.eras import Era
from migrate.old_policy import REGISTERED_SOURCES
from migrate.registry import legacy_target, new_target, rules
from migrate.translate import to_new
from modules.base import BuildContext, MettaModule
from modules.builder import build_component

NAME = "tested"
NVEC = (5, 3)
DIVISORS = tuple(OBS_NORMALIZATIONS.values())


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
    """Stands for a component whose output is on the blackboard already, in the words of every era."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._out_tensor_shape = list(source.shape)
        self.output_size = self._output_size = source.shape[0] if source.shape else None

    def forward(self, td: dict[str, Any]) -> dict[str, Any]:
        return td


def features_of(setup: Setup) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Numbers and divisors of the features of a setup."""
    ids = setup.features if setup.has_tokens else tuple(range(setup.obs_shape[-1]))
    return ids, tuple(DIVISORS[i % len(DIVISORS)] for i in range(len(ids)))


def agent_attributes(era: Era, setup: Setup) -> dict[str, Any]:
    """What the agent of an era passed to every component."""
    ids, divisors = features_of(setup)
    told: dict[str, tuple[str, str, Any]] = {
        "obs_shape": ("E1", "", setup.obs_shape),
        "clip_range": ("E1", "", setup.clip_range),
        "obs_key": ("E1", "", "grid_obs"),
        "grid_features": ("E1", "2025-06-04", [list(OBS_NORMALIZATIONS)[i % len(DIVISORS)] for i in range(len(ids))]),
        "feature_normalizations": ("E5b", "", dict(zip(ids, divisors, strict=True))),
        "num_objects": ("E1", "E5a", setup.obs_shape[-1]),
        "obs_input_shape": ("E1", "2025-05-19", setup.obs_shape[1:]),
        "hidden_size": ("E1", "E8", setup.config.get("output_size", 1)),
        "core_num_layers": ("E1", "E8", 1),
        "action_type_size": ("E1", "E4a", NVEC[0]),
        "action_param_size": ("E1", "E4a", NVEC[1]),
        "obs_width": ("E5d", "", setup.window[0]),
        "obs_height": ("E5d", "", setup.window[1]),
    }
    attributes = {
        name: value
        for name, (since, before, value) in told.items()
        if era.is_since(since) and not (before and era.is_since(before))
    }
    if "feature_normalizations" in attributes and not era.is_since("E5e"):
        attributes["feature_normalizations"] = list(divisors)
    return attributes


def old_config(stem: str, setup: Setup) -> dict[str, Any]:
    """The old config of a setup, with our own class as target."""
    sources = None if setup.sources is None else [{"name": s.name, **s.extra} for s in setup.sources]
    return {"_target_": legacy_target(stem, Era(setup.era)), "sources": sources, **setup.config}


def build_old(stem: str, setup: Setup) -> Any:
    """The component in the old stack, set up."""
    era = Era(setup.era)
    config = {**old_config(stem, setup), "name": NAME}
    if not era.is_since("E4a"):
        config = _early(config, stem)
    # Called as Hydra's instantiate would, with OmegaConf's containers, which layers rely on, but without its 10 ms.
    wrapped = OmegaConf.create(config)
    arguments = {str(key): wrapped[key] for key in wrapped if key != "_target_"}
    module, _, name = wrapped["_target_"].rpartition(".")
    arguments.update(agent_attributes(era, setup))
    component = getattr(importlib.import_module(module), name)(**arguments)
    sources = None if setup.sources is None else {s.name: _Source(s) for s in setup.sources}
    if era.is_since("E4a") or stem.endswith("_merge"):
        component.setup(sources)
    else:
        component.setup(next(iter(sources.values())) if sources else None)
    return component


def _early(config: Mapping[str, Any], stem: str) -> dict[str, Any]:
    """The same config in the words of E1 to E3."""
    sources, rest = config["sources"] or [], {key: value for key, value in config.items() if key != "sources"}
    if stem.endswith("_merge"):
        return {**rest, "sources": [{"source_name": s.pop("name"), **s} for s in map(dict, sources)]}
    return {**rest, "input_source": sources[0]["name"] if sources else None}


def build_new(stem: str, setup: Setup, era: Era | None = None) -> tuple[MettaModule, dict[str, Any], Shape]:
    """The component in the new stack, through its rule, its new config, and the shape that it announces."""
    config = old_config(stem, setup)
    options = to_new(rules()[stem], config, era or Era(setup.era), NAME).config
    ids, divisors = features_of(setup)
    context = BuildContext(
        in_shapes=tuple(s.shape for s in setup.sources or ()),
        sources=tuple({"name": s.name, **s.extra} for s in setup.sources or ()),
        obs_shape=setup.obs_shape,
        obs_width=setup.window[0] if setup.has_tokens else 0,
        obs_height=setup.window[1] if setup.has_tokens else 0,
        feature_normalizations=divisors,
        feature_ids=ids,
        action_nvec=NVEC,
        clip_range=setup.clip_range,
    )
    module, announced = build_component(NAME, {"_target_": new_target(stem), **options}, context)
    return module, options, announced


def own_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of an old component, without those that E1 and E2a had twice, under the names of later eras (trap 44)."""
    own = {key: value for key, value in tensors.items() if key.partition(".")[0] not in REGISTERED_SOURCES}
    return {f"_{key}" if key.startswith("net.") else key: value for key, value in own.items()}


def inputs_of(module: MettaModule, setup: Setup, trial: Trial) -> dict[str, Tensor]:
    """Inputs by key: float activations that require gradients, observations, a mask, a state."""
    generator = torch.Generator().manual_seed(trial.seed)
    rows = trial.batch * trial.time
    inputs: dict[str, Tensor] = {}
    for source in setup.sources or ():
        shape = (rows, *(source.actual or source.shape))
        if source.tokens:
            inputs[source.name] = tokens(shape, generator)
        elif source.below is None:
            inputs[source.name] = FLOATS[trial.values](shape, generator).requires_grad_()
        else:
            inputs[source.name] = torch.randint(0, source.below, shape, generator=generator)
        if "obs_mask" not in inputs:
            inputs["obs_mask"] = torch.rand(shape[:2], generator=generator) < 0.3
    fill = tokens if setup.has_tokens and "x" in module.in_keys else OBSERVATIONS["uniform"]
    inputs["x"] = fill((trial.batch, trial.time, *setup.obs_shape), generator)
    if hasattr(module, "initial_state"):
        shape = tuple(cast("Any", module).initial_state(trial.batch, inputs["x"])[0].shape)
        for key in ("lstm_h", "lstm_c"):
            inputs[key] = FLOATS["normal"](shape, generator) if trial.state else torch.zeros(shape)
    return inputs


def run_old(component: Any, inputs: Mapping[str, Tensor], trial: Trial, era: Era) -> dict[str, Tensor]:
    """One pass of the old component on a blackboard of its era."""
    return (_run_memory if era.is_since("E8") else _run_state)(component, inputs, trial)


def _run_state(component: Any, inputs: Mapping[str, Tensor], trial: Trial) -> dict[str, Tensor]:
    rows = trial.batch * trial.time
    td: dict[str, Any] = {**inputs, "_BxTT_": rows, "_TT_": trial.time, "_batch_size_": trial.batch}
    td["state"] = torch.cat([td.pop("lstm_h"), td.pop("lstm_c")]) if "lstm_h" in td else None
    component(td)
    outputs = {"output": td[NAME], **_mask(td, inputs)}
    if td["state"] is not None:
        outputs["next_lstm_h"], outputs["next_lstm_c"] = td["state"].chunk(2)
    return outputs


def _run_memory(component: Any, inputs: Mapping[str, Tensor], trial: Trial) -> dict[str, Tensor]:
    from tensordict import TensorDict  # here, since it takes as long to import as torch

    rows = trial.batch * trial.time
    fed = {key: value for key, value in inputs.items() if key not in ("x", "lstm_h", "lstm_c")}
    facts = {"bptt": torch.full((rows,), trial.time), "batch": torch.full((rows,), trial.batch)}
    td = TensorDict({**fed, **facts, "env_obs": inputs["x"].flatten(0, 1)}, batch_size=[rows])
    if "lstm_h" in inputs:
        component.set_memory(({0: inputs["lstm_h"]}, {0: inputs["lstm_c"]}))
    component(td)
    outputs = {"output": td[NAME], **_mask(td, inputs)}
    if "lstm_h" in inputs:
        outputs["next_lstm_h"], outputs["next_lstm_c"] = (memory[0] for memory in component.get_memory())
    return outputs


def _mask(td: Any, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The mask of a tokenizer, which is none that was given."""
    written = td["obs_mask"] if "obs_mask" in td.keys() else None  # noqa: SIM118 - a TensorDict has no `in`
    return {} if written is None or written is inputs.get("obs_mask") else {"obs_mask": written}


def run_new(module: MettaModule, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One pass of the new component."""
    data = dict(module({**inputs, "x": inputs["x"].flatten(0, 1)}))
    outputs = {"output": data[NAME], **_mask(data, inputs)}
    return outputs | {key: data[key] for key in ("next_lstm_h", "next_lstm_c") if key in data}
