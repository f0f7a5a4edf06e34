from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.prune import l1_unstructured

from modules.errors import ConfigError, InputError
from modules.layers.lstm import LSTMModule

Sizes = tuple[int, int, int]


def weight_norm_of_hidden(module: nn.Module) -> None:
    weight_norm(module, "weight_hh_l0")


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 2), st.booleans())
def test_it_is_torchs_lstm_on_rows_that_are_batch_major(batch: int, time: int, layers: int, bias: bool) -> None:
    ours = LSTMModule(3, 5, layers, bias=bias)
    theirs = nn.LSTM(3, 5, layers, bias=bias, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    x, h, c = torch.randn(batch * time, 3), torch.randn(layers, batch, 5), torch.randn(layers, batch, 5)
    data = ours({"input": x, "lstm_h": h, "lstm_c": c})
    output, (next_h, next_c) = theirs(x.reshape(batch, time, 3), (h, c))
    torch.testing.assert_close(data["output"], output.reshape(batch * time, 5))
    torch.testing.assert_close(data["next_lstm_h"], next_h)
    torch.testing.assert_close(data["next_lstm_c"], next_c)


def test_the_new_state_carries_no_graph_but_the_output_does() -> None:
    lstm = LSTMModule(3, 5)
    h, c = lstm.initial_state(2, torch.zeros(1))
    data = lstm({"input": torch.randn(2, 3), "lstm_h": h, "lstm_c": c})
    assert data["output"].requires_grad
    assert not data["next_lstm_h"].requires_grad
    assert not data["next_lstm_c"].requires_grad


def test_biases_start_at_one_and_weights_are_orthogonal() -> None:
    weights = dict(LSTMModule(4, 4).named_parameters())
    assert torch.equal(weights["bias_ih_l0"], torch.ones(16))
    gram = weights["weight_hh_l0"].T @ weights["weight_hh_l0"]
    torch.testing.assert_close(gram, torch.eye(4))


def test_the_initial_state_has_the_precision_of_the_weights() -> None:
    h, c = LSTMModule(3, 5, 2).double().initial_state(4, torch.zeros(1))
    assert h.shape == c.shape == (2, 4, 5)
    assert h.dtype == c.dtype == torch.float64
    assert not h.any()


@pytest.mark.parametrize("dropout", [-0.1, 1.5])
def test_a_dropout_that_is_no_probability_is_refused(dropout: float) -> None:
    with pytest.raises(ConfigError, match="dropout must be between 0 and 1, got"):
        LSTMModule(3, 5, dropout=dropout)


@pytest.mark.parametrize("numerics", ["exact", "fast"])
@pytest.mark.parametrize(
    ("x", "h", "c"),
    [
        ((4, 5), (2, 4, 5), (2, 4, 5)),
        ((8, 6), (2, 2, 5), (2, 2, 5)),
        ((4, 3), (2, 4, 5), (2, 1, 5)),
        ((4, 3), (3, 4, 5), (3, 4, 5)),
        ((4, 3), (2, 4, 6), (2, 4, 6)),
    ],
)
def test_sizes_that_do_not_fit_are_refused(x: tuple[int, int], h: Sizes, c: Sizes, numerics: str) -> None:
    """torch's kernel would read, and write, outside of its memory."""
    lstm = LSTMModule(3, 5, 2, numerics=numerics)
    message = f"takes 'input' [B * T, 3] and two states [2, B, 5], got {list(x)}, {list(h)}, {list(c)}"
    with pytest.raises(InputError, match=re.escape(message)):
        lstm.compute(torch.ones(x), torch.ones(h), torch.ones(c))


@pytest.mark.parametrize("change", [partial(l1_unstructured, name="weight_hh_l0", amount=0.5), weight_norm_of_hidden])
@pytest.mark.parametrize("numerics", ["exact", "fast"])
def test_its_weights_can_be_pruned_and_parametrised(change: Callable[[nn.Module], object], numerics: str) -> None:
    ours, theirs = LSTMModule(3, 5, numerics=numerics), nn.LSTM(3, 5)
    theirs.load_state_dict(ours.state_dict())
    change(ours)
    change(theirs)
    x, h = torch.randn(4, 3), torch.randn(1, 4, 5)
    found = ours({"input": x, "lstm_h": h, "lstm_c": h})["output"]
    torch.testing.assert_close(found, theirs(x.unsqueeze(0), (h, h))[0][0])
