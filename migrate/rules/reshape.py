"""`ReshapeLayer` -> `ReshapeModule`: where it wrote the product of two sizes becomes the option `written_to` (trap 29).

Refused are dimensions that the old class counted otherwise when it announced a shape than in a pass, and, from E8,
another number of rows, which the `TensorDict` of that time did not take.
"""

from collections.abc import Callable
from typing import Any

from migrate.eras import END
from migrate.rule import REQUIRED, Key, Rule

NAMES = ("popped_dim", "squeezed_dim")


def _checked(popped: Any, squeezed: Any) -> tuple[Any, ...]:
    if popped == 0:
        raise ValueError("popped_dim is 0, the batch: the old stack announced a shape without the last dimension")
    if any(isinstance(dim, int) and dim < 0 for dim in (popped, squeezed)):
        raise ValueError(
            f"popped_dim {popped} and squeezed_dim {squeezed}: from the end the old stack counted one further when it "
            "announced a shape than in a pass; count from 0, the batch"
        )
    return popped, squeezed


def _checked_e8(popped: Any, squeezed: Any) -> tuple[Any, ...]:
    if squeezed == 0:
        raise ValueError(
            "squeezed_dim is 0, the batch: from 2025-08-07 on the old stack took no more rows than the batch has"
        )
    return _checked(popped, squeezed)


def _key(forward: Callable[..., tuple[Any, ...]]) -> Key:
    return Key(NAMES, NAMES, (REQUIRED, REQUIRED), (REQUIRED, REQUIRED), forward=forward, attribute=NAMES)


RULE = Rule(
    old="merge_layer.ReshapeLayer",
    new="ReshapeModule",
    ignores_params=True,
    keys=(_key(_checked_e8),),
    keys_before=(("E8", (_key(_checked),)),),
    fixed={"written_to": "index_after_popping"},
    recorded=END,
)
