"""The result of a run as JSON, and back."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import tensordict
import torch

from benchmarks.bounds import verdicts
from benchmarks.figure import Figure
from benchmarks.rounds import Effort

SCHEMA = "benchmarks/1"


@dataclass(frozen=True)
class Result:
    """Figures, and what they depend on.

    Attributes:
        environment: versions and settings; nothing that names a machine.
        effort: how long was measured.
        figures: in the order of their measures.
    """

    environment: dict[str, Any]
    effort: Effort
    figures: Sequence[Figure]

    def to_json(self) -> str:
        """A text, with a verdict beside each figure that has a bound."""
        limits = {each.figure.name: {"limit": each.bound.limit, "met": each.met} for each in verdicts(self.figures)}
        figures = [{**figure.to_dict(), **limits.get(figure.name, {})} for figure in self.figures]
        content = {"schema": SCHEMA, "environment": self.environment, "effort": asdict(self.effort), "figures": figures}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """The inverse of `to_json`; bounds are those of today.

        Raises:
            ValueError: "not a result of benchmarks/1 ...".
        """
        content = json.loads(text)
        schema = content.get("schema") if isinstance(content, dict) else None
        if schema != SCHEMA:
            raise ValueError(f"not a result of {SCHEMA}: its schema is {schema!r}; measure again")
        figures = [
            Figure(**{key: value for key, value in each.items() if key not in ("limit", "met")})
            for each in content["figures"]
        ]
        return cls(content["environment"], Effort(**content["effort"]), figures)


def environment() -> dict[str, Any]:
    """What figures depend on."""
    return {
        "torch": torch.__version__,
        "tensordict": tensordict.__version__,
        "python": platform.python_version(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
