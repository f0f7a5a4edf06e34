"""The keys of an agent config, beside which the config of a job may hold any others."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from modules.actions import DTYPES
from modules.errors import ConfigError, ConfigWarning
from modules.executors import EXECUTORS
from modules.shapes import NUMERICS, number, one_of

WORDS: Mapping[str, tuple[str, ...]] = {
    "numerics": NUMERICS,
    "execution": tuple(EXECUTORS),
    "action_dtype": tuple(DTYPES),
    "learns": ("in_training",),
    "log_probs": ("log_softmax", "logsumexp"),
    "sequences": ("single_steps",),
    "divisors_when_remapped": ("environment",),
    "remap_when_equal": ("kept",),
    "l2_init_anchors": ("kept",),
    "l2_sum": ("in_order",),
}
"""Key -> the words that it may be, besides None for the default."""
OTHERS = (
    "components",
    "clip_range",
    "heads",
    "environment",
    "actions",
    "remapped",
)
MIGRATION = ("stack", "era", "shadow", "observations")
"""Keys that agents do not read, and `migrate` does."""
SIMILAR = 0.85
"""Of `difflib`: above it, a key is taken for another one, misspelt."""


def check_keys(config: Mapping[str, Any]) -> None:
    """Checks the words, and warns of keys that look like one of these and are none.

    Raises:
        ConfigError: "<key> must be ..., got ...".
    """
    for key, words in WORDS.items():
        if config.get(key) is not None:
            one_of(key, config[key], words)
    number(clip_range=config.get("clip_range", 0))
    heads = config.get("heads")
    if heads is not None and not (isinstance(heads, list | tuple) and all(isinstance(head, str) for head in heads)):
        raise ConfigError(f"heads must be a list of components, got {heads!r}")
    known = (*WORDS, *OTHERS, *MIGRATION)
    for key in map(str, config):
        if key not in known and (similar := get_close_matches(key, known, 1, SIMILAR)):
            text = f"nothing reads the key {key!r} of the agent's config: is it {similar[0]!r}, misspelt?"
            warnings.warn(text, ConfigWarning, stacklevel=2)


def check_source_keys(name: str, cls: Any, sources: Iterable[Mapping[str, Any]]) -> None:
    """Warns of keys of the sources of component `name` that its class does not read; the old stack read no others."""
    known = ("name", *cls.source_keys)
    for source in sources:
        if unread := [str(key) for key in source if key not in known]:
            text = f"{cls.__name__} does not read {', '.join(unread)} of its source {source['name']!r}"
            warnings.warn(f"component {name!r}: {text}, only {', '.join(known)}", ConfigWarning, stacklevel=2)
