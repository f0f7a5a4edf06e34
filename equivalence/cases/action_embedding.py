"""`action_embedding`: tables larger than the actions, which come in two activations."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from equivalence.case import SINCE_E4, Case, Setup, in_eras, sizes
from equivalence.mutant import Mutant
from equivalence.plants import changing, instead, on_tensor

NAMES = tuple(f"{name}_{i}" for name in ("noop", "move", "attack") for i in range(3))

TABLES = st.builds(
    lambda rows, width, names: Setup(
        {"nn_params": {"num_embeddings": rows, "embedding_dim": width}}, actions=tuple(names)
    ),
    st.integers(len(NAMES) + 1, 20),
    sizes(5),
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
)


def _of_now(rows: Tensor) -> Tensor:
    return torch.arange(1, len(rows) + 1)


def _untrained(module: Any, x: Tensor) -> Tensor:
    rows = F.embedding(module.active_indices, module.weight, int(module.active_indices[0]))
    return rows.unsqueeze(0).expand(x.shape[0], -1, -1)


def _exchanged(rows: dict[str, int]) -> dict[str, int]:
    return dict(zip(reversed(rows), rows.values(), strict=True))


CASE = Case(
    setups=in_eras(TABLES, (*SINCE_E4, "2025-08-19")),
    host=Setup(
        {"nn_params": {"num_embeddings": 20, "embedding_dim": 5}}, actions=("move_1", "noop_0", "attack_2", "noop_1")
    ),
    mutants=(
        Mutant("rows one on", on_tensor("active_indices", lambda rows: rows + 1)),
        Mutant("rows start at 0", on_tensor("active_indices", lambda rows: rows - 1)),
        Mutant("rows of now, whatever was active before", on_tensor("active_indices", _of_now)),
        Mutant("actions in reverse", on_tensor("active_indices", lambda rows: rows.flip(0))),
        Mutant("one row for all", on_tensor("active_indices", lambda rows: rows[:1].expand_as(rows))),
        Mutant("the first action's row is padding", instead(_untrained), level="gradients", gradient=True),
        Mutant("rows of two names exchanged", changing("rows", _exchanged), level="attributes"),
        Mutant("which row is whose is forgotten", changing("rows", lambda _: {}), level="attributes"),
    ),
)
