"""`BatchReshapeLayer` -> `BatchReshapeModule`: what it did wrong becomes options (trap 29).

From E8 it is refused: nothing wrote the number of rows that it read, so there was no pass to be like.
"""

from migrate.rule import Key, Rule


def _refuse() -> tuple[()]:
    raise ValueError(
        "BatchReshapeLayer read the number of rows from _BxTT_, which nothing wrote from 2025-08-07 on, so every "
        "pass of the old stack failed; use modules.layers.batch_reshape.BatchReshapeModule in a config of the new one"
    )


RULE = Rule(
    old="merge_layer.BatchReshapeLayer",
    new="BatchReshapeModule",
    ignores_params=True,
    keys=(Key((), (), (), (), forward=_refuse, backward=_refuse),),
    keys_before=(("E8", ()),),
    fixed={"squeezes": True, "announces": "input"},
)
