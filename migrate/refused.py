"""Old classes that have no rule on purpose, and why: what they did was wrong, and no recorded config used them."""

_POOL = "it took the number of channels for its kernel or output size and announced the shape of its input (trap 28)"

REFUSED = {
    "nn_layer_library.MaxPool1d": _POOL,
    "nn_layer_library.MaxPool2d": _POOL,
    "nn_layer_library.AvgPool1d": _POOL,
    "nn_layer_library.AvgPool2d": _POOL,
    "nn_layer_library.AdaptiveAvgPool1d": _POOL,
    "nn_layer_library.AdaptiveAvgPool2d": _POOL,
    "nn_layer_library.AdaptiveMaxPool1d": _POOL,
    "nn_layer_library.AdaptiveMaxPool2d": _POOL,
    "merge_layer.ExpandLayer": "with a `dims_source` the old agent could not set it up, else nobody used it (trap 29)",
    "merge_layer.ReshapeLayer": "it removed one dimension before it counted to the other, and wrote a third (trap 29)",
    "merge_layer.BatchReshapeLayer": "it announced the shape of its input and lost every dimension of size 1 (trap 29)",
}
"""Old class path below the import root -> reason."""
