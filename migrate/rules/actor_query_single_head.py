"""`MettaActorQuerySingleHead` -> `ActorQuerySingleHeadModule`: same parameter, same name."""

from migrate.rule import Move, Rule

RULE = Rule(
    old="actor.MettaActorQuerySingleHead",
    new="ActorQuerySingleHeadModule",
    ignores_params=True,
    state=lambda _: (Move("W", "W"),),
    derived=frozenset({"hidden", "embed_dim"}),
)
