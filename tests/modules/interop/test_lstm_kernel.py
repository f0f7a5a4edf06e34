"""Our LSTM against torch's, on the same parameters: by the kernel to the bit, under `vmap` by its formula."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from modules import LSTMModule
from modules.interop import inside_vmap

BATCH, INPUT, HIDDEN = 3, 4, 5


def both(layers: int, *, bias: bool = True, dropout: float = 0.0) -> tuple[LSTMModule, nn.LSTM]:
    torch.manual_seed(0)
    ours = LSTMModule(INPUT, HIDDEN, layers, bias=bias, dropout=dropout)
    theirs = nn.LSTM(INPUT, HIDDEN, layers, bias=bias, dropout=dropout)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def inputs(layers: int, time: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    sizes = ((BATCH * time, INPUT), (layers, BATCH, HIDDEN), (layers, BATCH, HIDDEN))
    x, h, c = (torch.randn(*size, generator=generator) for size in sizes)
    return x.requires_grad_(), h, c


def torchs(lstm: nn.LSTM, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """As the old stack called it, with time first."""
    y, (h, c) = lstm(x.reshape(BATCH, -1, INPUT).transpose(0, 1), (h, c))
    return y.transpose(0, 1).reshape(x.shape[0], HIDDEN), h.detach(), c.detach()


def gradients(module: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    weight = torch.linspace(-1, 1, y.numel()).reshape(y.shape)
    return torch.autograd.grad((y * weight).sum(), [x, *module.parameters()])


@pytest.mark.parametrize("time", [1, 6])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("bias", "dropout"), [(True, 0.0), (False, 0.0), (True, 0.5)])
@pytest.mark.filterwarnings("ignore:dropout option adds dropout after all but last:UserWarning")  # torch's
def test_outputs_states_and_gradients_are_torchs_to_the_bit(time: int, layers: int, bias: bool, dropout: float) -> None:
    ours, theirs = both(layers, bias=bias, dropout=dropout)
    given = inputs(layers, time)
    results = []
    for module, compute in ((ours, ours.compute), (theirs, lambda *a: torchs(theirs, *a))):
        torch.manual_seed(2)  # dropout draws between the layers
        outputs = compute(*given)
        results.append((*outputs, *gradients(module, given[0], outputs[0])))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("time", [1, 6])
@pytest.mark.parametrize(("layers", "bias"), [(1, True), (2, True), (2, False)])
@pytest.mark.parametrize("numerics", ["exact", "fast"])
def test_a_stack_of_them_under_vmap_is_a_loop_over_torchs(time: int, layers: int, bias: bool, numerics: str) -> None:
    modules = [LSTMModule(INPUT, HIDDEN, layers, bias=bias, numerics=numerics) for _ in range(3)]
    parameters, _ = stack_module_state(modules)
    x, h, c = inputs(layers, time)

    def run(p: dict[str, Tensor]) -> tuple[Tensor, ...]:
        assert inside_vmap()
        data = functional_call(modules[0], p, ({"input": x, "lstm_h": h, "lstm_c": c},))
        return tuple(data[key] for key in modules[0].out_keys)

    batched = vmap(run)(parameters)
    for i, module in enumerate(modules):
        _, theirs = both(layers, bias=bias)
        theirs.load_state_dict(module.state_dict())
        for value, expected in zip(batched, torchs(theirs, x, h, c), strict=True):
            torch.testing.assert_close(value[i], expected)


def test_dropout_under_vmap_is_between_the_layers_and_in_training_only() -> None:
    lstm, _ = both(2, dropout=0.5)
    x, h, c = inputs(2, 4)
    given = torch.stack([x, x])

    def run() -> Any:
        return vmap(lambda each: lstm.compute(each, h, c)[0], randomness="different")(given)

    first, second = run()
    assert not torch.equal(first, second)
    lstm.eval()
    torch.testing.assert_close(run(), torch.stack([lstm.compute(x, h, c)[0]] * 2))


def test_only_vmap_is_told_from_the_outside() -> None:
    seen: list[bool] = []

    def note(x: Tensor) -> Tensor:
        seen.append(inside_vmap())
        return x.sum()

    note(torch.ones(2))
    torch.func.grad(note)(torch.ones(2))
    vmap(note)(torch.ones(2, 2))
    vmap(torch.func.grad(note))(torch.ones(2, 2))
    torch.func.grad(lambda x: vmap(note)(x).sum())(torch.ones(2, 2))
    assert seen == [False, False, True, True, True]
