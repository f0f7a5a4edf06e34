"""Repeats on an agent of either stack what the recorder of a golden file did: section 2.12 of the specification."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn

import equivalence
import migrate
from legacy.spaces import Box, MultiDiscrete
from migrate.eras import below_root
from migrate.registry import rules

SUPPORTED = {"262111993a": "E4d"}
"""Recorded commits whose numbers our stacks repeat, with their eras."""
NOT_YET = {
    "bd8ef7faa8": "E1",
    "4b9ecc2374": "E2c",
    "cf8db64623": "E3b",
    "f82ee3c0e2": "E4a",
    "af05d6ff5a": "E5a",
    "4222eb0f47": "E5b",
    "f03551d9cc": "E5d",
    "60dfbfccba": "E5e",
    "75af4fc249": "E6a",
    "8ceb8571c2": "E6c",
    "5d8147eae7": "E7a",
    "35eb131666": "E8",
    "ba04bb724c": "E8",
    "eb134de2a6": "E9",
    "2492a920f0": "E10",
    "6f57c846ec": "E11",
}
"""Recorded commits of eras that compute or sample otherwise."""

FACTORS = np.array([7, 3, 5, 11, 13, 17])
ACTIONS = (["noop", "move", "attack"], [0, 1, 2])
PAIRS = [[0, 0], [1, 0], [1, 1], [2, 0], [2, 1], [2, 2]]
OUTPUTS = ("action", "log_prob", "entropy", "value", "log_probs")
Record = dict[str, Any]


class Environment:
    """What the recorder built its agents for."""

    def __init__(self, golden: Mapping[str, Any]) -> None:
        self.grid_features = golden["grid_features"]
        self.single_observation_space = Box((11, 11, len(self.grid_features)))
        self.single_action_space = MultiDiscrete([4, 3])


def read(file: Path, config_dir: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A golden and its agent config; skips those that no stack of ours can run, naming the era or the classes."""
    golden = json.loads(file.read_text(encoding="utf-8"))
    commit, config_name = golden["commit"], golden["config"]
    if commit not in SUPPORTED:
        pytest.skip(f"era {NOT_YET.get(commit, 'unknown')}: commit {commit}")
    path = config_dir / config_name
    if not path.exists():
        pytest.skip(f"config: there is no {config_name} in --config-dir")
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    if missing := unsupported_classes(config):
        pytest.skip(f"no rule for {', '.join(missing)}: commit {commit}")
    if "override" in golden:
        key, _, value = golden["override"].partition("=")
        config[key] = float(value)
    return golden, config


def unsupported_classes(agent_config: Mapping[str, Any]) -> list[str]:
    """Names of the component classes that no rule translates."""
    known = {rule.old for rule in rules().values()}
    targets = {str(component["_target_"]) for component in agent_config["components"].values()}
    return sorted(target.rpartition(".")[2] for target in targets if below_root(target) not in known)


def replay(golden: Mapping[str, Any], config: Mapping[str, Any], stack: str) -> Record:
    """Everything that the golden records, computed anew."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = migrate.build_agent({**config, "stack": stack}, Environment(golden))
        result: Record = {"rng_after_build": torch.randint(0, 2**31 - 1, (1,)).item()}
        names = migrate.parameter_names(agent)
        new_of = {old: new for new, old in names.items()}
        result["param_order"] = list(names.values())
        state = agent.state_dict()
        result["state_dict"] = {old: describe(state[new_of.get(old, old)]) for old in golden["state_dict"]}
        result["state_keys"] = [names.get(key, key) for key in state]
        result["param_layers"] = {name: limits(agent.components[name]) for name in golden["param_layers"]}
        if stack == "legacy":
            result["shapes"] = {name: shapes(component) for name, component in agent.components.items()}
        agent.activate_actions(*ACTIONS, "cpu")
        result["inference"], result["training"] = inference(agent), training(agent)
        if "perturbed" in golden:
            result["perturbed"] = perturbed(agent, [agent.get_parameter(new_of[old]) for old in golden["param_order"]])
        before = {old: agent.get_parameter(new).detach().clone() for new, old in names.items()}
        agent.clip_weights()
        after = {old: agent.get_parameter(new).detach() for new, old in names.items()}
        result["after_clip_weights"] = {k: describe(after[k]) for k in after if not torch.equal(after[k], before[k])}
        for loss in ("l2_reg_loss", "l2_init_loss"):
            result[f"{loss}_after_clip"] = outcome(getattr(agent, loss))
        torch.manual_seed(77)
        result["weight_metrics_seed77"] = agent.compute_weight_metrics()
    return result


def describe(tensor: Tensor) -> Record:
    """What a golden says of a tensor, as far as bits decide it."""
    data = tensor.detach().contiguous().numpy()
    return {
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "sha256": hashlib.sha256(data.tobytes()).hexdigest()[:16],
    }


def bits(recorded: Any) -> Any:
    """The part of a golden's records that `describe` gives; sums and first elements follow from it."""
    if isinstance(recorded, dict) and "sha256" in recorded:
        return {key: recorded[key] for key in ("shape", "dtype", "sha256")}
    if isinstance(recorded, dict):
        return {key: bits(value) for key, value in recorded.items()}
    return [bits(value) for value in recorded] if isinstance(recorded, list) else recorded


def close(metrics: list[Record], rel: float) -> list[Record]:
    """Weight metrics whose numbers may differ by `rel`; names may not."""
    return [{k: v if isinstance(v, str) else pytest.approx(v, rel=rel) for k, v in each.items()} for each in metrics]


def limits(layer: Any) -> Record:
    return {
        key: value
        for name in ("clip_value", "largest_weight")
        for key, value in ((name, float(getattr(layer, name))), (f"{name}_type", type(getattr(layer, name)).__name__))
    }


def shapes(layer: Any) -> Record:
    return {"in": getattr(layer, "_in_tensor_shapes", None), "out": getattr(layer, "_out_tensor_shape", None)}


def outcome(call: Any) -> Any:
    try:
        return call().item()
    except Exception as error:  # noqa: BLE001 - whatever the old code raised is a fact
        return {"ERROR": f"{type(error).__name__}: {error}"}


def observations(agent: nn.Module, *leading: int) -> Tensor:
    features = agent.get_buffer(next(n for n, _ in agent.named_buffers() if n.startswith("components.obs_normalizer.")))
    index = np.indices((*leading, 11, 11, features.numel()))
    factors = FACTORS[: index.shape[0]].reshape(-1, *[1] * (index.ndim - 1))
    return torch.from_numpy((index * factors).sum(0) % 13).to(torch.uint8)


def run(agent: nn.Module, obs: Tensor, action: Tensor | None = None, state: Any = None) -> tuple[Any, Any, Any]:
    """One pass with gradients: outputs, the new state, and every component's output."""
    trace = equivalence.trace(agent, obs, action=action, state=state)
    outputs = {**({} if action is None else {"action": action}), **trace.outputs}
    new_state = (trace.outputs["lstm_h"], trace.outputs["lstm_c"])
    components = {name: describe(value) for name, value in trace.components.items()}
    components["state"] = describe(torch.cat(new_state))
    return [describe(outputs[key]) for key in OUTPUTS], new_state, components


def inference(agent: nn.Module) -> Record:
    obs = observations(agent, 3)
    torch.manual_seed(123)
    step1, state1, _ = run(agent, obs)
    torch.manual_seed(124)
    step2, state2, _ = run(agent, obs, state=state1)
    return {
        "step1": step1,
        "state1": list(map(describe, state1)),
        "step2": step2,
        "state2": list(map(describe, state2)),
    }


def training(agent: nn.Module) -> Record:
    torch.manual_seed(125)  # not in the specification; the masks of dropout tell it
    outputs, state, _ = run(agent, observations(agent, 2, 3), torch.tensor(PAIRS).view(2, 3, 2))
    return {"out": outputs, "state": list(map(describe, state))}


def perturbed(agent: nn.Module, parameters: list[nn.Parameter]) -> Record:
    for i, parameter in enumerate(parameters):
        parameter.data = perturbation(i, tuple(parameter.shape))
    obs = observations(agent, 3)
    torch.manual_seed(123)
    inf1, state1, components1 = run(agent, obs)
    torch.manual_seed(124)
    inf2, state2, _ = run(agent, obs, state=state1)
    train, _, components = run(agent, observations(agent, 2, 3), torch.tensor(PAIRS).view(2, 3, 2))
    return {
        "inf1": inf1, "inf1_components": components1, "inf2": inf2, "state2": list(map(describe, state2)),
        "train": train, "train_components": components,
    }  # fmt: skip


def perturbation(i: int, shape: tuple[int, ...]) -> Tensor:
    """The values that stand for trained weights in parameter `i`."""
    k = np.arange(int(np.prod(shape)), dtype=np.int64)
    x = ((k + 1) * 1103515245 + (i + 1) * 987654321) % 2**31
    x = ((x ^ (x >> 13)) * 1664525 + 1013904223) % 2**31
    x = ((x ^ (x >> 11)) * 22695477 + 1) % 2**31
    scale = np.sqrt(3 * shape[0] / k.size) if len(shape) >= 2 else 0.1
    return torch.from_numpy(((2 * x / 2**31 - 1) * scale).astype(np.float32).reshape(shape))
