"""`LSTMModule`: a recurrent core whose state travels as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import (
    AT_EVERY_VISIT,
    EXACT,
    FAST,
    NUMERICS,
    BuildContext,
    MettaModule,
    Shape,
    inside_vmap,
    one_of,
    only_source,
    positive,
    probability,
)
from modules.errors import ConfigError, InputError

DRAWS = {"once": 1, "twice": 2, AT_EVERY_VISIT: 2}
"""`initialized` -> draws of initial weights when it is made."""


PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
"""Of each layer, under `nn.LSTM`'s names."""


class LSTMModule(MettaModule):
    """`[B * T, input_size]` and the state `[num_layers, B, hidden_size]` twice -> `[B * T, hidden_size]`, new state.

    Rows are ordered batch-major, `[b0 t0, b0 t1, ...]`; the number of steps T is read off the shapes. The new state is
    detached. It owns its parameters under `nn.LSTM`'s names and calls the kernel that `nn.LSTM` calls.

    Args:
        input_size: size of the input's last dimension.
        hidden_size: size of the state.
        num_layers: stacked layers.
        bias: whether the gates have biases; they start at 1 in `bias_ih` and `bias_hh`, so gates see 2.
        dropout: probability between layers, in training.
        initialized: how often the initial weights are drawn, of which the last ones stay: `once`, `twice`, or
            `at_every_visit` of the graph. Later code of the old stack did (trap 5); a seed gives its weights.
        numerics: `fast` runs a single step by the cell, layer by layer; `exact` by the kernel for sequences.

    Raises:
        ConfigError: a size that is not positive, a dropout outside [0, 1], another `initialized` or `numerics`.
    """

    fixed_in_keys = ("lstm_h", "lstm_c")
    fixed_out_keys = ("next_lstm_h", "next_lstm_c")
    io_sizes = ("input_size", "hidden_size", "num_layers")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        initialized: str = "once",
        numerics: str = EXACT,
        in_keys: Sequence[str] = ("input", "lstm_h", "lstm_c"),
        out_keys: Sequence[str] = ("output", "next_lstm_h", "next_lstm_c"),
    ) -> None:
        positive(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        probability(dropout=dropout)
        super().__init__(in_keys, out_keys)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        one_of("numerics", numerics, NUMERICS)
        self.bias, self.dropout, self.initialized, self.numerics = bias, dropout, initialized, numerics
        if initialized not in DRAWS:
            raise ConfigError(f"initialized must be {', '.join(DRAWS)}, got {initialized!r}")
        for _ in range(DRAWS[initialized]):
            self._initialize()

    def _initialize(self) -> None:
        dropout = self.dropout if self.num_layers > 1 else 0.0
        source = nn.LSTM(self.input_size, self.hidden_size, self.num_layers, bias=self.bias, dropout=dropout)
        self._weight_names = tuple(name for name, _ in source.named_parameters())
        for name, parameter in source.named_parameters():
            self.register_parameter(name, parameter)
            if name.startswith("bias"):
                nn.init.ones_(parameter)
            else:
                nn.init.orthogonal_(parameter)

    def revisit(self) -> None:
        """The builder has come by again on its way through the graph."""
        if self.initialized == AT_EVERY_VISIT:
            self._initialize()

    @property
    def draws_random_numbers(self) -> bool:
        """In training, if there is dropout between layers."""
        return self.training and self.num_layers > 1 and self.dropout > 0

    def compute(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`x` `[B * T, input_size]`, `h`, `c` `[num_layers, B, hidden_size]` -> `[B * T, hidden_size]`, `h`, `c`.

        Raises:
            InputError: "the recurrent core takes ...". torch's kernel would read beyond its memory.
        """
        if x.shape[1:].numel() != self.input_size or h.shape != c.shape or h.shape != self.state_shape(h.shape[1]):
            self._refuse(x, h, c)
        batch, rows = h.shape[1], x.shape[0]
        if inside_vmap():
            return self._unrolled(x, h, c)
        if self.numerics == FAST and rows == batch and not (self.training and self.dropout):
            return self._step(x, h, c)
        x_TBI = x.reshape(batch, rows // batch, -1).transpose(0, 1)
        weights = [self._weight(name) for name in self._weight_names]
        y_TBH, h, c = torch.lstm(
            x_TBI, (h, c), weights, self.bias, self.num_layers, self.dropout, self.training, False, False
        )
        if torch.compiler.is_compiling():  # a graph of torch 2.6 has states [L, 1, B, H]
            h, c = (state.reshape(self.state_shape(batch)) for state in (h, c))
        return y_TBH.transpose(0, 1).reshape(rows, self.hidden_size), h.detach(), c.detach()

    def _weight(self, name: str) -> Tensor:
        """A parameter, or what pruning or a parametrisation put in its place."""
        parameter = self._parameters.get(name)
        return cast(Tensor, getattr(self, name)) if parameter is None else parameter

    def _refuse(self, *inputs: Tensor) -> None:
        size = f"[{self.num_layers}, B, {self.hidden_size}]"
        got = ", ".join(str(list(each.shape)) for each in inputs)
        raise InputError(
            f"the recurrent core takes {self.in_keys[0]!r} [B * T, {self.input_size}] and two states {size}, got {got}"
        )

    def _step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step, `x` `[B, input_size]`, without the sequence kernel's preparations."""
        states = []
        for i in range(self.num_layers):
            kinds = PARAMETERS if self.bias else PARAMETERS[:2]
            x, cell = torch.lstm_cell(x, (h[i], c[i]), *(self._weight(f"{kind}_l{i}") for kind in kinds))
            states.append((x, cell))
        hs, cs = zip(*states, strict=True)
        return x, torch.stack(hs).detach(), torch.stack(cs).detach()

    def _unrolled(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The kernel's formula, step by step, of operations that `vmap` has rules for."""
        y_TBH, states = x.reshape(h.shape[1], -1, x.shape[1]).transpose(0, 1), []
        for i in range(self.num_layers):
            w_x, w_h = (self._weight(f"{kind}_l{i}") for kind in PARAMETERS[:2])
            b_x, b_h = (self._weight(f"{kind}_l{i}") if self.bias else None for kind in PARAMETERS[2:])
            if i and self.dropout:
                y_TBH = F.dropout(y_TBH, self.dropout, self.training)
            h_BH, c_BH, steps = h[i], c[i], []
            for x_BI in y_TBH.unbind():
                gates = F.linear(x_BI, w_x, b_x) + F.linear(h_BH, w_h, b_h)
                enter, forget, cell, leave = gates.chunk(4, dim=-1)
                c_BH = forget.sigmoid() * c_BH + enter.sigmoid() * cell.tanh()
                h_BH = leave.sigmoid() * c_BH.tanh()
                steps.append(h_BH)
            y_TBH = torch.stack(steps)
            states.append((h_BH, c_BH))
        hs, cs = zip(*states, strict=True)
        return y_TBH.transpose(0, 1).flatten(0, 1), torch.stack(hs).detach(), torch.stack(cs).detach()

    def state_shape(self, batch: int) -> tuple[int, int, int]:
        """`[num_layers, batch, hidden_size]`."""
        return self.num_layers, batch, self.hidden_size

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Zeros `[num_layers, batch, hidden_size]`, on the device of `like` and in the dtype of the weights."""
        dtype = self._weight(self._weight_names[0]).dtype
        zeros = torch.zeros(self.state_shape(batch), device=like.device, dtype=dtype)
        return zeros, zeros

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """The input size, which must be that of a vector."""
        return {"input_size": only_source(context, ndim=1)[0]}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(hidden_size,)`."""
        return (options["hidden_size"],)
