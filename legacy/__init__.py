"""The old agent stack (`LayerBase`), frozen: what trained policies computed, quirks included.

Written from the specification of the old code, not from its text. Nothing is improved here: a quirk is behaviour that
trained weights depend on, and each is named where it is kept.
"""

from legacy.agent import MettaAgent, make_policy
from legacy.policy_record import PolicyRecord
from legacy.policy_state import PolicyState

__all__ = ["MettaAgent", "PolicyRecord", "PolicyState", "make_policy"]
