"""Results as proofs give them, without running one: a policy of 16 components in each of the three verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from equivalence.compare import Difference
from equivalence.result import ComponentResult, Control, LevelResult, ProofResult
from equivalence.strategies import Draw

LEVELS = {
    "weights": "every parameter and buffer, under its old name",
    "attributes": "what the old objects kept outside of the state dict",
    "inference": "sampled actions without gradients: outputs, every component, state and generator",
    "rollout": "several steps that carry the recurrent state, with a reset in the middle",
    "gradients": "the training pass and the gradient of every parameter",
    "training": "some steps of Adam: losses, weights and moments",
}
GRAPH: list[tuple[str, str, str, list[str], int]] = [
    ("_obs_", "ObsShaper", "ObsShaperModule", [], 0),
    ("obs_normalizer", "ObservationNormalizer", "ObservationNormalizerModule", ["_obs_"], 0),
    ("cnn1", "Conv2d", "Conv2dModule", ["obs_normalizer"], 9616),
    ("cnn2", "Conv2d", "Conv2dModule", ["cnn1"], 2320),
    ("obs_flattener", "Flatten", "FlattenModule", ["cnn2"], 0),
    ("encoded_obs", "Linear", "LinearModule", ["obs_flattener"], 544),
    ("center_pixels", "CenterPixel", "CenterPixelModule", ["obs_normalizer"], 0),
    ("merged", "ConcatMerge", "ConcatMergeModule", ["encoded_obs", "center_pixels"], 0),
    ("_core_", "LSTM", "LSTMModule", ["merged"], 19968),
    ("core_norm", "LayerNorm", "LayerNormModule", ["_core_"], 64),
    ("core_relu", "ReLU", "ReLUModule", ["core_norm"], 0),
    ("critic_1", "Linear", "LinearModule", ["core_relu"], 2112),
    ("_value_", "Linear", "LinearModule", ["critic_1"], 65),
    ("actor_1", "Linear", "LinearModule", ["core_relu"], 1584),
    ("_action_embeds_", "ActionEmbedding", "ActionEmbeddingModule", [], 400),
    ("_action_", "ActorSingleHead", "ActorSingleHeadModule", ["actor_1", "_action_embeds_"], 385),
]
CONDITIONS: dict[str, Any] = {
    "environment": {
        "torch": "2.13.0+cpu",
        "python": "3.11.9",
        "machine": "x86_64",
        "cpu_capability": "AVX2",
        "threads": 1,
        "default_dtype": "float32",
        "deterministic_algorithms": False,
    },
    "noise": {"compared": 96, "differing": 0, "ulp": 0},
    "obstacles": [],
}
DRAW = Draw(batch=1, time=1, observations="small", state="none", train=False, seed=0)


def equal() -> ProofResult:
    """A policy and its migration, proved on six levels."""
    compared = dict(zip(LEVELS, (27, 94, 600, 2400, 1200, 8024), strict=True))
    levels = [
        LevelResult(
            name, purpose, 1 if compared[name] < 100 else 25, compared[name], control=control(), seconds=0.31 + index,
            steps=[0, 0, 0, 0] if name == "rollout" else [],
        )
        for index, (name, purpose) in enumerate(LEVELS.items())
    ]  # fmt: skip
    return ProofResult(
        old="policies/model_0100.pt",
        new="policies/model_0100.safetensors",
        policy="bitwise",
        seed=0,
        examples=25,
        conditions=dict(CONDITIONS),
        components=[ComponentResult(*row, compared=250) for row in GRAPH],
        levels=levels,
        reproduce="python -m equivalence policies/model_0100.pt policies/model_0100.safetensors --examples 25 --seed 0",
        seconds=84.2,
    )


def control() -> Control:
    """A control that was seen at its place."""
    return Control("critic_1.weight[17]", "critic_1", found=True, blamed="critic_1", examples=2, unseen=1)


EFFECTS: dict[str, tuple[int, int | None]] = {
    "_core_": (75, 41_297),
    "core_norm": (75, 5_214),
    "core_relu": (74, 5_214),
    "critic_1": (75, 8_192),
    "_value_": (75, 903),
    "actor_1": (75, 1_377),
    "_action_": (61, 12),
}
"""Component behind the fault -> tensors that differ, and by how much."""


def different() -> ProofResult:
    """The same policy with two gates of its LSTM swapped, found on three levels."""
    result = equal()
    result.levels[2:5] = [_failing(level) for level in result.levels[2:5]]
    result.components = [_affected(component) for component in result.components]
    result.levels[3].steps = [0, 0, 3, 5_214]
    result.bundle = "equivalence-bundles/model_0100-4f1c"
    return result


def _failing(level: LevelResult) -> LevelResult:
    step = 2 if level.level == "rollout" else None
    found = [
        *(_counted("component", name, 32, ulp, step) for name, (_, ulp) in EFFECTS.items()),
        _counted("output", "value", 1, 903, step),
        Difference("state", "lstm_h", "shape (1, 1, 32) became (1, 32)", 32, 32, step=step),
    ]
    return replace(level, differences=found, failing=DRAW, blamed="_core_", control=None)


def _counted(place: str, name: str, total: int, ulp: int | None, step: int | None) -> Difference:
    detail = f"{total} of {total} values differ, by up to {ulp} ulp (0.0031), first at [0, 0]: 0.1262 became 0.1293"
    return Difference(place, name, detail, total, total, ulp, step)


def _affected(component: ComponentResult) -> ComponentResult:
    differing, ulp = EFFECTS.get(component.name, (0, None))
    blamed = ["inference", "rollout", "gradients"] if component.name == "_core_" else []
    return replace(component, differing=differing, ulp=ulp, blamed=blamed)


def inconclusive() -> ProofResult:
    """The same policy on a machine that does not repeat itself; one control is lost, one level compared nothing."""
    result = equal()
    missed = Control("actor_1.bias[3]", "actor_1", found=False, blamed=None, examples=25)
    astray = Control("cnn1.weight[9]", "cnn1", found=True, blamed="cnn2", examples=1)
    result.levels[2].control, result.levels[4].control = missed, astray
    result.levels[3] = LevelResult("rollout", LEVELS["rollout"], examples=25, failed_alike=25)
    result.levels[5] = LevelResult("training", LEVELS["training"], skipped="the policy has no trainer state")
    result.conditions = {**CONDITIONS, "obstacles": ["the old side gives other bits when it runs twice"]}
    result.unfinished = ["gradients"]
    return result
