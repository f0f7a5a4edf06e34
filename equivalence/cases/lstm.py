"""`lstm`: layers and sizes, with a state of the caller's or a memory of its own; the state comes with the draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from equivalence.case import EVER, Case, Setup, Source, in_eras, sizes, vector
from equivalence.mutant import Mutant, computing, setting
from equivalence.plants import calling, exchanging, on_inputs, with_tensors

LAYERS = st.fixed_dictionaries({"num_layers": st.integers(1, 3)}, optional={"bias": st.booleans()})
WITH_STATE = st.builds(
    lambda source, hidden, params: Setup({"output_size": hidden, "nn_params": params}, source),
    vector(),
    sizes(),
    LAYERS,
)
WITH_MEMORY = st.builds(
    lambda source, hidden, params: Setup({"nn_params": {"hidden_size": hidden, **params}}, source),
    vector(),
    sizes(),
    LAYERS,
)


def _gates(tensor: Tensor, order: Sequence[int]) -> Tensor:
    parts = tensor.chunk(4)
    return torch.cat([parts[i] for i in order])


def _exchanged(right: Callable[..., Any], _: Any, *inputs: Tensor) -> Any:
    y, h, c = right(*inputs)
    return y, c, h


def _remembering(name: str, tensor: Tensor) -> Tensor:
    gate = torch.arange(len(tensor)) // 6 == 1
    return tensor + gate if name.startswith("bias_ih") else tensor


def _time_major(right: Callable[..., Any], _: Any, x: Tensor, h: Tensor, c: Tensor) -> Any:
    batch, rows = h.shape[1], x.shape[0]
    return right(x.reshape(rows // batch, batch, -1).transpose(0, 1).reshape(rows, -1), h, c)


def _dropped(right: Callable[..., Any], module: Any, *inputs: Tensor) -> Any:
    y, h, c = right(*inputs)
    return F.dropout(y, 0.3, module.training), h, c


CASE = Case(
    setups=st.one_of(in_eras(WITH_STATE, EVER[:9]), in_eras(WITH_MEMORY, ("2025-08-13", *EVER[9:]))),
    host=Setup({"output_size": 6, "nn_params": {"num_layers": 2, "dropout": 0.3}}, (Source("hidden", (7,)),)),
    mutants=(
        Mutant("gates in another order", with_tensors(lambda _, t: _gates(t, (0, 1, 3, 2)))),
        Mutant("gates in the order of Keras", with_tensors(lambda _, t: _gates(t, (0, 1, 2, 3)[::-1]))),
        Mutant("input and forget gate exchanged", with_tensors(lambda _, t: _gates(t, (1, 0, 2, 3)))),
        Mutant("hidden and cell state exchanged on the way in", on_inputs(lambda x, h, c: (x, c, h))),
        Mutant("hidden and cell state exchanged on the way out", computing(_exchanged)),
        Mutant("states of the layers exchanged", on_inputs(lambda x, h, c: (x, h.flip(0), c.flip(0)))),
        Mutant("weights of the layers exchanged", exchanging("weight_hh_l0", "weight_hh_l1")),
        Mutant("one of the two biases", with_tensors(lambda name, t: t * 0 if name.startswith("bias_hh") else t)),
        Mutant("one more for the forget gate", with_tensors(_remembering)),
        Mutant("rows in the order of time", computing(_time_major), level="forward"),
        Mutant("dropout between layers in evaluation", calling("lstm", lambda right, *a: right(*a[:6], True, *a[7:]))),
        Mutant("dropout behind the last layer", computing(_dropped)),
        Mutant("no dropout", setting(dropout=0.0)),
        Mutant("the state is forgotten", on_inputs(lambda x, h, c: (x, h * 0, c * 0))),
        Mutant("the old state is handed on", computing(lambda right, _, x, h, c: (right(x, h, c)[0], h, c))),
        Mutant("the state keeps its history", calling("detach", lambda _, x: x), level="gradients", gradient=True),
    ),
)
