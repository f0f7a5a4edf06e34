"""`MettaActorBig` -> `ActorBigModule`: the two sizes beside `nn_params` are written out where the old defaults held."""

from migrate.rule import Move, Rule, key

MLP = tuple(f"{layer}.{name}" for layer in (0, 2) for name in ("weight", "bias"))

RULE = Rule(
    old="actor.MettaActorBig",
    new="ActorBigModule",
    ignores_params=True,
    keys=(
        key("bilinear_output_dim", "bilinear_output_dim", 32),
        key("mlp_hidden_dim", "mlp_hidden_dim", 512),
    ),
    state=lambda _: (Move("W", "W"), Move("bias", "bias"), *(Move(f"_MLP.{name}", f"mlp.{name}") for name in MLP)),
    derived=frozenset({"hidden", "embed_dim"}),
)
