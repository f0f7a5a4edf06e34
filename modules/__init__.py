"""The new agent stack: pure modules between named tensors, run by a container. It needs torch and nothing else."""

from modules.agent import MettaAgent
from modules.base import MettaModule
from modules.blocks import ActorModule, MergeModule, ObsModule, PolicyModule, StateManager
from modules.checkpoint import load_agent, save_agent, with_config
from modules.container import ComponentContainer
from modules.environment import Environment
from modules.errors import MettaError
from modules.executors import ParallelDAGExecutor, SequentialDAGExecutor
from modules.layers.linear import LinearModule
from modules.layers.lstm import LSTMModule
from modules.state import PolicyState
from modules.wrappers import RegularizedModule, SafeModule, StatefulModule, WeightMonitoringModule

# fmt: off
__all__ = [
    "ActorModule", "ComponentContainer", "Environment", "LSTMModule", "LinearModule", "MergeModule", "MettaAgent",
    "MettaError", "MettaModule", "ObsModule", "ParallelDAGExecutor", "PolicyModule", "PolicyState",
    "RegularizedModule", "SafeModule", "SequentialDAGExecutor", "StateManager", "StatefulModule",
    "WeightMonitoringModule", "load_agent", "save_agent", "with_config",
]
