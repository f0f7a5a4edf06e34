"""`conv2d`: kernels that tile their input, with and without padding."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, sizes, weight_options


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


CASE = Case(
    setups=_setups(),
    refused=(
        Setup({"nn_params": {"out_channels": 2, "kernel_size": 2, "stride": 2}}, (Source("image", (1, 3, 3)),)),
        Setup({"nn_params": {"out_channels": 2, "kernel_size": 2, "stride": 2}}, (Source("vector", (4,)),)),
        Setup({"nn_params": {"out_channels": 2, "kernel_size": 2}}, (Source("image", (1, 2, 2)),)),
    ),
)
