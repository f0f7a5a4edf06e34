"""The passes of a golden file, in the words of each era: tuples until E7, entries of a mapping from E8 on."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import equivalence
from equivalence.tracing import Trace
from migrate.eras import Era
from tests.real._golden_inputs import Environment, actions, perturbation

Record = dict[str, Any]
State = tuple[Tensor, Tensor]
FIVE = ("action", "log_prob", "entropy", "value", "log_probs")
ENTRIES = {"action": "actions", "log_prob": "act_log_prob", "log_probs": "full_log_probs", "entropy": "entropy"}
SCRATCH = ("_BxTT_", "_TT_", "_B_", "_batch_size_", "_num_actions_", "bptt", "batch", "obs_mask")
"""What components told each other beside their outputs; that outputs agree tells what they were."""


def describe(tensor: Tensor) -> Record:
    """What a golden says of a tensor."""
    data = tensor.detach().contiguous().numpy()
    return {
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "sha256": hashlib.sha256(data.tobytes()).hexdigest()[:16],
        "abssum": abs(data.astype(float)).sum().item(),
        "first": data.astype(float).flatten()[:3].tolist(),
    }


@dataclass
class Passes:
    """The passes of one agent, as recorded in `era`."""

    agent: nn.Module
    environment: Environment
    era: Era

    def inference(self) -> Record:
        """Two steps, the second with the state of the first."""
        one, two = self._steps()
        record = {"step1": self._results(one), "step2": self._results(two)}
        if self._has_five:
            record |= {"state1": _state(one), "state2": _state(two)}
        return record

    def training(self) -> Any:
        """One pass over sequences, with given actions."""
        torch.manual_seed(125)  # not in the specification; the masks of dropout tell it
        trace = self._train()
        return {"out": self._results(trace), "state": _state(trace)} if self._has_five else self._results(trace)

    def perturbed(self, parameters: Sequence[nn.Parameter]) -> Record:
        """The same with the weights replaced, and with the output of every component."""
        for i, parameter in enumerate(parameters):
            parameter.data = perturbation(i, tuple(parameter.shape)).clone()
        one, two = self._steps()
        train = self._train()
        record = {"inf1": self._results(one), "inf2": self._results(two), "train": self._results(train)}
        record |= {"inf1_components": self._components(one), "train_components": self._components(train)}
        return {**record, "state2": _state(two)} if self._has_five else record

    @property
    def _has_five(self) -> bool:
        return self.era.is_since("E4a") and not self.era.is_since("E8")

    def _steps(self) -> tuple[Trace, Trace]:
        obs = self.environment.observations(3)
        torch.manual_seed(123)
        one = equivalence.trace(self.agent, obs)
        torch.manual_seed(124)
        return one, equivalence.trace(self.agent, obs, state=(one.outputs["lstm_h"], one.outputs["lstm_c"]))

    def _train(self) -> Trace:
        action = actions(self.era)
        trace = equivalence.trace(self.agent, self.environment.observations(2, 3), action=action)
        trace.outputs.setdefault("action", action if self.era.is_since("E4a") else action.view(-1, 2))
        return trace

    def _results(self, trace: Trace) -> Any:
        if self._has_five:
            return [describe(trace.outputs[key]) for key in FIVE]
        return _entries(trace, joined=False) if self.era.is_since("E8") else self._tuple(trace)

    def _tuple(self, trace: Trace) -> list[Any]:
        """E1 to E3: no reward without `e3b`, and from E2c on the log-probabilities of both heads."""
        heads = [describe(trace.outputs[f"log_probs_{i}"]) for i in (0, 1)]
        results = [*(describe(trace.outputs[key]) for key in FIVE[:4]), _state(trace), None, None]
        return [*results, heads] if self.era.is_since("E2c") else results

    def _components(self, trace: Trace) -> Record:
        if self.era.is_since("E8"):
            return _entries(trace, joined=True)
        state = torch.cat([trace.outputs["lstm_h"], trace.outputs["lstm_c"]])
        return {**_described(trace.components), "state": describe(state)}


def _state(trace: Trace) -> list[Record]:
    return [describe(trace.outputs["lstm_h"]), describe(trace.outputs["lstm_c"])]


def _entries(trace: Trace, *, joined: bool) -> Record:
    """What the `TensorDict` held after a pass of E8 or later, with batch and time `joined` or not."""
    is_training = "entropy" in trace.outputs
    names = {**ENTRIES, "value": "value" if is_training else "values"}
    outputs = {names[key]: value for key, value in trace.outputs.items() if key in names}
    if not is_training:
        return _described({**trace.components, **outputs})
    del outputs["actions"]  # given, so not written
    if joined:
        return _described({**trace.components, **{key: value.flatten(0, 1) for key, value in outputs.items()}})
    apart = {key: value.reshape(2, 3, *value.shape[1:]) for key, value in trace.components.items()}
    return _described({**apart, **outputs})


def _described(tensors: Mapping[str, Tensor]) -> Record:
    return {name: describe(value) for name, value in tensors.items()}


def bits(record: Any) -> Any:
    """A record as far as bits decide it."""
    if isinstance(record, dict) and "sha256" in record:
        return {key: record[key] for key in ("shape", "dtype", "sha256")}
    if isinstance(record, dict):
        return {key: bits(value) for key, value in record.items()}
    return [bits(value) for value in record] if isinstance(record, list) else record


def without_scratch(record: Any) -> Any:
    """A record without what components only told each other."""
    if isinstance(record, dict):
        return {key: without_scratch(value) for key, value in record.items() if key not in SCRATCH}
    return [without_scratch(value) for value in record] if isinstance(record, list) else record


def outcome(agent: Any, method: str) -> Record:
    """The number that a method gave, or how it failed."""
    try:
        with warnings.catch_warnings(action="ignore"):  # until E4a a tensor was made of a tensor
            number: Tensor = getattr(agent, method)()
            return {**describe(number), "sum": number.item()}
    except Exception as error:  # noqa: BLE001 - whatever the old code raised is a fact
        return {"ERROR": f"{type(error).__name__}: {error}"}
