"""What becomes of mistakes that any component could make in single ones: `EQUIVALENT`, `ELSEWHERE`."""

WIDE, NARROW = "computed in float64 and rounded", "computed in bfloat16"
MOVED = "it moves numbers and computes none"
ONE_STEP = "it is one operation, and float64 is so much wider that rounding twice gives what rounding once does"
MAXIMUM = "a maximum is one of the numbers, and no number is in more than two windows, so no gradient is rounded twice"
BYTES = "it places bytes, which every type of floats holds"

EQUIVALENT: dict[tuple[str, str], str] = {
    ("batch_reshape", "a dimension of 1 squeezed"): "it squeezes them itself, as the old stack did",
    **{
        (stem, WIDE): MOVED
        for stem in ("batch_reshape", "concat_merge", "flatten", "identity", "obs_shaper", "reshape")
    },
    **{(stem, WIDE): ONE_STEP for stem in ("observation_normalizer", "subtract_merge")},
    **{(stem, WIDE): MAXIMUM for stem in ("adaptive_max_pool1d", "max_pool1d")},
    ("relu", WIDE): "it gives a number or 0",
    ("obs_token_to_box_shaper", WIDE): BYTES,
    ("obs_token_to_box_shaper", NARROW): BYTES,
}
"""Stem and name of a generic mistake -> why nothing that can be observed changes."""

ELSEWHERE = {
    ("obs_token_pad_strip", "a buffer is zero"): "weights",  # used once an environment has other feature numbers
    ("action_embedding", "the first pass over again"): "hot_swap",  # the same rows until weights or actions change
}
"""Stem and name of a generic mistake that no single pass shows -> the level that does."""
