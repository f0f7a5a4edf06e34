"""The new agent stack: pure modules between named tensors, run by a container. It needs torch and nothing else."""

from modules.agent import MettaAgent
from modules.base import MettaModule
from modules.checkpoint import load_agent, save_agent
from modules.container import ComponentContainer
from modules.environment import Environment
from modules.errors import MettaError
from modules.state import PolicyState

__all__ = [
    "ComponentContainer",
    "Environment",
    "MettaAgent",
    "MettaError",
    "MettaModule",
    "PolicyState",
    "load_agent",
    "save_agent",
]
