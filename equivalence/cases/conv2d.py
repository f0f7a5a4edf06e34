"""`conv2d`: kernels that tile their input, with and without padding."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from equivalence.case import SINCE_E4, Case, Setup, Source, early_weights, in_eras, sizes, weight_options
from equivalence.mutant import Mutant, computing, setting
from equivalence.plants import on_input, with_tensors
from equivalence.plants_shared import WEIGHT, weight_mutants


@st.composite
def _setups(draw: st.DrawFn) -> Setup:
    kernel, stride, padding = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.sampled_from([None, 0, 1]))
    sides = [(draw(st.integers(1, 3)) - 1) * stride + kernel for _ in range(2)]
    height, width = (max(1, side - 2 * (padding or 0)) for side in sides)
    if any((side + 2 * (padding or 0) - kernel) % stride for side in (height, width)):
        height = width = kernel
        padding = None
    params = {"out_channels": draw(sizes(5)), "kernel_size": kernel, "stride": stride}
    if padding is not None:
        params["padding"] = padding
    config = {"nn_params": params, **draw(weight_options())}
    source = Source("image", (draw(sizes(4)), height, width))
    return Setup(config, (source,), clip_range=draw(st.sampled_from([0, 1.0])))


@st.composite
def _any_images(draw: st.DrawFn) -> tuple[Source, ...]:
    """Images that the kernels below need not tile."""
    return (Source("image", (draw(sizes(4)), draw(st.integers(3, 6)), draw(st.integers(3, 6)))),)


EARLY_PARAMS = st.fixed_dictionaries(
    {"kernel_size": st.integers(1, 3)},
    optional={"stride": st.integers(1, 3), "padding": st.integers(0, 1), "bias": st.booleans()},
)


def _repeated_border(_: Any, m: Any, x: Tensor) -> Any:
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return m._activate(F.conv2d(padded, m.weight, m.bias, m.stride))


CASE = Case(
    setups=st.one_of(in_eras(_setups(), SINCE_E4), early_weights(_any_images(), EARLY_PARAMS)),
    refused=(
        Setup({"nn_params": {"out_channels": 2, "kernel_size": 2, "stride": 2}}, (Source("image", (1, 3, 3)),)),
        Setup({"nn_params": {"out_channels": 2, "kernel_size": 2, "stride": 2}}, (Source("vector", (4,)),)),
        Setup({"nn_params": {"out_channels": 2, "kernel_size": 2}}, (Source("image", (1, 2, 2)),)),
    ),
    host=Setup(
        {**WEIGHT, "nn_params": {"out_channels": 6, "kernel_size": 3, "stride": 2, "padding": 1}},
        (Source("image", (4, 5, 7)),),
        clip_range=1.0,
    ),
    mutants=(
        *weight_mutants(rank=4),
        Mutant("each step", setting(stride=1)),
        Mutant("no padding", setting(padding=0)),
        Mutant("height and width of the kernel exchanged", with_tensors(lambda _, w: w.mT if w.dim() == 4 else w)),
        Mutant("the kernel turned around", with_tensors(lambda _, w: w.flip(2, 3) if w.dim() == 4 else w)),
        Mutant("channels in reverse", on_input(lambda x: x.flip(1))),
        Mutant("the border repeated", computing(_repeated_border)),
    ),
)
