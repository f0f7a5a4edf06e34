"""`obs_vanilla_attn`: outputs of the source's size and of others, with and without a mask."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, shapes_of, sizes

OPTIONS = st.fixed_dictionaries({"out_dim": sizes(4)}, optional={"use_mask": st.booleans()})

CASE = Case(
    setups=st.builds(
        lambda source, options, era: Setup(options, source, era=era),
        *(shapes_of(2), OPTIONS, st.sampled_from(["E5a", "E5b", "E5c", "E5d", "E5e"])),
    ),
    refused=(
        Setup({}, (Source("tokens", (3, 4)),), era="E5e"),
        Setup({"out_dim": 4}, (Source("vector", (3,)),), era="E5e"),
    ),
)
