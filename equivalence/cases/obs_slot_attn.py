"""`obs_slot_attn`: slots, iterations, initial distributions, with and without a mask."""

from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source, shapes_of, sizes
from equivalence.mutant import Mutant, setting
from equivalence.plants import calling, on_output, overriding, within
from equivalence.plants_shared import attention_mutants

OPTIONS = st.fixed_dictionaries(
    {"num_slots": sizes(3), "slot_dim": sizes(5), "num_iterations": sizes(3)},
    optional={
        "slot_init_mu": st.sampled_from([0.0, 0.5]),
        "slot_init_sigma": st.sampled_from([1.0, 0.1]),
        "mlp_hidden_size": st.one_of(st.none(), sizes(4)),
        "use_mask": st.booleans(),
    },
)


CASE = Case(
    setups=st.builds(
        lambda source, options, era: Setup(options, source, era=era),
        *(shapes_of(2), OPTIONS, st.sampled_from(["E5a", "E5b", "E5c", "E5d", "E5e"])),
    ),
    refused=(
        Setup({"num_slots": 2, "slot_dim": 3}, (Source("tokens", (3, 4)),), era="E5e"),
        Setup({"num_slots": 2, "slot_dim": 3, "num_iterations": 1}, (Source("vector", (3,)),), era="E5e"),
    ),
    host=Setup(
        {"num_slots": 3, "slot_dim": 5, "num_iterations": 2, "mlp_hidden_size": 4, "use_mask": True},
        (Source("tokens", (12, 6)),),
        obs_shape=(12, 3),
        era="E5e",
    ),
    mutants=(
        *attention_mutants(),
        Mutant("one iteration", setting(num_iterations=1)),
        Mutant("slots compete", setting(competing="slots")),
        Mutant("no noise in evaluation", setting(noise="in_training")),
        Mutant("the deviation for its logarithm", calling("exp", lambda _, x: x)),
        Mutant("one noise for all rows", calling("randn", lambda right, s, **o: right((1, *s[1:]), **o).expand(s))),
        Mutant("update and state exchanged", within("gru", overriding("forward", lambda right, _, x, h: right(h, x)))),
        Mutant("no residual", calling("add", lambda _, __, update: update, at=1)),
        Mutant("slots in reverse", on_output(lambda y: y.flip(1))),
    ),
)
