"""`ActionTypeModule`: the head that scores the types of actions."""

from modules.base import HeadModule


class ActionTypeModule(HeadModule):
    """`[N, in_features]` -> logits `[N, out_features]`; number of action types, by the environment.

    Args:
        in_features: size of the hidden state.
        out_features: number of action types.
        bias: whether to add a learned bias.
        **options: see `WeightModule`.

    Raises:
        ConfigError: a size that is not positive, an unknown nonlinearity or initialization.
    """

    size_index = 0
