"""`AgentConfig`: what E10 and E11 kept of an agent's config, a pydantic model with three fields."""

from __future__ import annotations

from typing import Any


class AgentConfig:
    """Which architecture, and the two settings that were left.

    It pickles as the pydantic model did, so that the old code can read it.
    """

    def __init__(self, name: str = "fast", clip_range: float = 0, analyze_weights_interval: int = 300) -> None:
        self.name = name
        self.clip_range = clip_range
        self.analyze_weights_interval = analyze_weights_interval

    def __getstate__(self) -> dict[str, Any]:
        return {
            "__dict__": dict(vars(self)),
            "__pydantic_extra__": None,
            "__pydantic_fields_set__": set(vars(self)),
            "__pydantic_private__": None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state["__dict__"])
