"""`PufferActor` -> `PufferActorModule`: that it multiplied sums, and no vectors, becomes the option `product`."""

from migrate.rule import Rule

RULE = Rule(old="actor.PufferActor", new="PufferActorModule", ignores_params=True, fixed={"product": "of_sums"})
