"""What can be put around a module without the module, its names or its readers knowing: safety, losses, monitoring."""

from modules.wrappers.regularized import RegularizedModule
from modules.wrappers.safe import SafeModule
from modules.wrappers.stateful import StatefulModule
from modules.wrappers.weight_monitoring import WeightMonitoringModule
from modules.wrappers.wrapper import Wrapper

__all__ = ["RegularizedModule", "SafeModule", "StatefulModule", "WeightMonitoringModule", "Wrapper"]
