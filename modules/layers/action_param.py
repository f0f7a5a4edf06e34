"""`ActionParamModule`: the head that scores the parameters of actions."""

from modules.base import HeadModule


class ActionParamModule(HeadModule):
    """`[N, in_features]` -> logits `[N, out_features]`; largest parameter + 1, by the environment.

    Args:
        in_features: size of the hidden state.
        out_features: largest parameter + 1.
        bias: whether to add a learned bias.
        **options: see `WeightModule`.

    Raises:
        ConfigError: a size that is not positive, an unknown nonlinearity or initialization.
    """

    size_index = 1
