"""`MettaActorSingleHead` -> `ActorSingleHeadModule`: same parameters, same names."""

from migrate.rule import Move, Rule

RULE = Rule(
    old="actor.MettaActorSingleHead",
    new="ActorSingleHeadModule",
    ignores_params=True,
    state=lambda _: (Move("W", "W"), Move("bias", "bias")),
    derived=frozenset({"hidden", "embed_dim"}),
)
