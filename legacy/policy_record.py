"""`PolicyRecord`: what a checkpoint of E1 to E10 pickles, the whole agent and its metadata."""

from __future__ import annotations

from typing import Any


class PolicyRecord:
    """A policy with its metadata; `name` holds the path, not a name (trap 47)."""

    def __init__(self, policy_store: Any, name: str, uri: str, metadata: dict[str, Any]) -> None:
        self._policy_store = policy_store
        self.name = name
        self.uri = uri
        self.metadata = metadata
        self._policy: Any = None
        self._local_path: str | None = uri.removeprefix("file://") if uri.startswith("file://") else None

    def policy(self) -> Any:
        """The agent."""
        return self._policy


class PolicyMetadata(dict[str, Any]):
    """Metadata of E6c to E10: a dict whose entries are attributes, too."""


class PolicyRecordE6c:
    """From 2025-06-28: other names for the same (trap 47)."""

    def __init__(self, policy_store: Any, run_name: str, uri: str, metadata: PolicyMetadata, policy: Any) -> None:
        self._policy_store = policy_store
        self.run_name = run_name
        self.uri = uri
        self._metadata = metadata
        self._cached_policy = policy
