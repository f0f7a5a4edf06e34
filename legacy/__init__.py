"""The old agent stack (`LayerBase`), frozen: what trained policies computed, quirks included.

Written from the specification of the old code, not from its text. Nothing is improved here: a quirk is behaviour that
trained weights depend on, and each is named where it is kept.
"""

from typing import TYPE_CHECKING, Any

from legacy.agent import MettaAgent
from legacy.agent_config import AgentConfig
from legacy.early_agent import MettaAgentE2c
from legacy.early_sampling import sample_logits
from legacy.factory import agent_class, date_of, is_agent, make_policy
from legacy.policy_record import PolicyMetadata, PolicyRecord, PolicyRecordE6c

if TYPE_CHECKING:
    from legacy.policy_state import PolicyState

__all__ = [
    "AgentConfig",
    "MettaAgent",
    "MettaAgentE2c",
    "PolicyMetadata",
    "PolicyRecord",
    "PolicyRecordE6c",
    "PolicyState",
    "agent_class",
    "date_of",
    "is_agent",
    "make_policy",
    "sample_logits",
]


def __getattr__(name: str) -> Any:
    """`PolicyState` on first use: it brings tensordict, which takes as long to import as torch."""
    if name != "PolicyState":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from legacy.policy_state import PolicyState

    return PolicyState
