"""`ExpandLayer` -> `ExpandModule`: the number of copies, which must be written down, and their dimension.

With a `dims_source`, no old agent could be set up (trap 29), so nothing is translated; without, `source_dim` is unread.
"""

from typing import Any

from migrate.eras import END
from migrate.rule import Key, Rule, key


def _without_source(dims_source: Any) -> tuple[()]:
    if dims_source is not None:
        raise ValueError(
            f"dims_source is {dims_source!r}, with which no agent of the old stack could be set up (trap 29); "
            "give the number of copies as expand_value"
        )
    return ()


DIMS_SOURCE = Key(
    ("dims_source",), (), (None,), (), forward=_without_source, backward=lambda: (None,), attribute=("dims_source",)
)

RULE = Rule(
    old="merge_layer.ExpandLayer",
    new="ExpandModule",
    ignores_params=True,
    keys=(DIMS_SOURCE, key("expand_dim", "dim"), key("expand_value", "copies")),
    unread=frozenset({"source_dim"}),
    recorded=END,
)
