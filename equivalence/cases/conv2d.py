"""`conv2d`: kernels that tile their input, with and without padding."""

from hypothesis import strategies as st

from equivalence.case import SINCE_E4, Case, Setup, Source, early_weights, in_eras, sizes, weight_options


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

CASE = Case(
    setups=st.one_of(in_eras(_setups(), SINCE_E4), early_weights(_any_images(), EARLY_PARAMS)),
    refused=(
        Setup({"nn_params": {"out_channels": 2, "kernel_size": 2, "stride": 2}}, (Source("image", (1, 3, 3)),)),
        Setup({"nn_params": {"out_channels": 2, "kernel_size": 2, "stride": 2}}, (Source("vector", (4,)),)),
        Setup({"nn_params": {"out_channels": 2, "kernel_size": 2}}, (Source("image", (1, 2, 2)),)),
    ),
)
