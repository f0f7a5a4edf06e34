"""`obs_cross_attn`: the four versions, each with the options that it had."""

from hypothesis import strategies as st
from torch.nn import functional as F

from equivalence.case import Case, Setup, Source, shapes_of, sizes
from equivalence.mutant import Mutant, setting
from equivalence.plants import calling, with_tensors
from equivalence.plants_shared import attention_mutants

LATER = ("2025-06-04b", "E5b", "E5c", "E5d", "E5e")
MASK = {"use_mask": st.booleans()}
# The agent told the hidden size, and took it from the core; `sides.py` looks for it under the core's key.
HIDDEN = sizes(4).map(lambda size: {"hidden_size": size, "output_size": size})
SIZES = {name: st.one_of(st.none(), sizes(4)) for name in ("query_token_dim", "qk_dim", "v_dim")}
LATEST = st.fixed_dictionaries(
    {"out_dim": sizes(4), "mlp_out_hidden_dim": sizes(4)}, optional={"num_query_tokens": sizes(3), **SIZES, **MASK}
)


CASE = Case(
    setups=st.one_of(
        st.builds(
            lambda source, options, hidden, era: Setup({**options, **hidden}, source, era=era),
            shapes_of(2),
            st.fixed_dictionaries({"out_dim": sizes(4)}, optional=MASK),
            HIDDEN,
            st.sampled_from(["E5a", "2025-06-03"]),
        ),
        st.builds(
            lambda source, options: Setup(options, source, era="2025-06-04"),
            *(shapes_of(2), st.fixed_dictionaries({"out_dim": sizes(4)}, optional=MASK)),
        ),
        st.builds(
            lambda source, options, era: Setup(options, source, era=era),
            *(shapes_of(2), LATEST, st.sampled_from(LATER)),
        ),
        # Without layers behind the attention, where the sizes allow that.
        st.builds(
            lambda source, use_mask, era: Setup({"out_dim": source[0].shape[1], "use_mask": use_mask}, source, era=era),
            *(shapes_of(2), st.booleans(), st.sampled_from(LATER)),
        ),
    ),
    refused=(
        Setup({}, (Source("tokens", (3, 4)),), era="E5e"),
        Setup({"out_dim": 5}, (Source("tokens", (3, 4)),), era="E5e"),
        Setup({"out_dim": 4}, (Source("vector", (3,)),), era="E5e"),
        Setup({"out_dim": 4}, (Source("vector", (3,)),), era="2025-06-04"),
    ),
    host=Setup(
        {
            "out_dim": 8,
            "mlp_out_hidden_dim": 7,
            "num_query_tokens": 3,
            "query_token_dim": 4,
            "qk_dim": 5,
            "v_dim": 9,
            "use_mask": True,
        },
        (Source("tokens", (12, 6)),),
        obs_shape=(12, 3),
        era="E5e",
    ),
    mutants=(
        *attention_mutants(),
        Mutant("the scale of another size", setting(qk_dim=6)),
        Mutant("the norm behind the attention left out", calling("layer_norm", lambda _, x, *__, **___: x, at=1)),
        Mutant("masked tokens score a large number", setting(masked_score="finite")),
        Mutant("queries in reverse", with_tensors(lambda name, t: t.flip(1) if name == "queries" else t)),
        Mutant("no ReLU", calling("relu", lambda _, x: x)),
        Mutant("GELU for ReLU", calling("relu", lambda _, x: F.gelu(x))),
    ),
)
