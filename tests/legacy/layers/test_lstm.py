from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.lstm import LSTM
from tests.legacy._build import OBS_SHAPE, Source, build, observations

SOURCE = Source("x_encoded", torch.randn(6, 4, generator=torch.Generator().manual_seed(0)))


def core(**config: Any) -> Any:
    return build(LSTM, SOURCE, obs_shape=list(OBS_SHAPE), hidden_size=3, nn_params={"num_layers": 2}, **config)


def board(*leading: int, state: torch.Tensor | None = None) -> dict[str, Any]:
    return {"x": observations(*leading), "state": state}


def test_every_bias_starts_at_one_in_both_places() -> None:  # trap 21
    biases = {name: p for name, p in core()._net.named_parameters() if "bias" in name}
    assert len(biases) == 4
    assert all((bias == 1).all() for bias in biases.values())


def test_every_stacked_weight_is_orthogonal() -> None:  # trap 21
    for name, weight in core()._net.named_parameters():
        if "weight" in name:
            torch.testing.assert_close(weight.T @ weight, torch.eye(weight.shape[1]), atol=1e-5, rtol=0)


def test_the_hidden_size_is_an_argument_and_output_size_is_ignored() -> None:  # trap 20
    assert core(output_size=99)._out_tensor_shape == [3]


def test_the_number_of_layers_is_required() -> None:
    with pytest.raises(Exception, match="num_layers"):
        build(LSTM, SOURCE, obs_shape=list(OBS_SHAPE), hidden_size=3, nn_params={})


def test_the_state_is_all_of_h_then_all_of_c_and_detached() -> None:  # trap 24
    layer, td = core(), board(6)
    layer(td)
    _, (h, c) = layer._net(SOURCE.value[None])
    assert torch.equal(td["state"], torch.cat([h, c]))
    assert td["state"].shape == (4, 6, 3)
    assert not td["state"].requires_grad
    assert td["tested"].requires_grad


def test_a_given_state_is_carried_on() -> None:
    layer, td = core(), board(2, 3, state=torch.ones(4, 2, 3))
    layer(td)
    expected, _ = layer._net(SOURCE.value.view(2, 3, 4).transpose(0, 1), (torch.ones(2, 2, 3), torch.ones(2, 2, 3)))
    assert torch.equal(td["tested"], expected.transpose(0, 1).reshape(6, 3))


def test_a_state_for_another_batch_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"\(5, 6\)"):
        core()(board(6, state=torch.ones(4, 5, 3)))


def test_observations_must_fit() -> None:
    with pytest.raises(ValueError, match="Invalid input tensor shape"):
        core()({"x": torch.zeros(6, 9, 9, 2), "state": None})
    with pytest.raises(ValueError, match="Invalid input tensor shape"):
        core()(board())


def test_rows_must_be_batch_times_time() -> None:
    with pytest.raises(AssertionError):
        core()(board(5))
