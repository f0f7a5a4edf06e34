"""`MettaActorKeySingleHead` -> `ActorKeySingleHeadModule`: same parameter, same name."""

from migrate.rule import Move, Rule

RULE = Rule(
    old="actor.MettaActorKeySingleHead",
    new="ActorKeySingleHeadModule",
    ignores_params=True,
    state=lambda _: (Move("bias", "bias"),),
)
