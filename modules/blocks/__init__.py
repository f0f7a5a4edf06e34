"""General building blocks of new agents, which no agent of the old stack had."""

from modules.blocks.actor import ActorModule
from modules.blocks.merge import MergeModule
from modules.blocks.obs import ObsModule
from modules.blocks.policy import PolicyModule
from modules.blocks.state_manager import StateManager

__all__ = ["ActorModule", "MergeModule", "ObsModule", "PolicyModule", "StateManager"]
