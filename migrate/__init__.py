"""The toolkit that moves configs and policies between the old stack and the new one, both ways."""

from migrate.api import load_optimizer_state, load_policy, parameter_names
from migrate.building import build_agent
from migrate.errors import MigrationError
from migrate.saving import save_policy

__all__ = ["MigrationError", "build_agent", "load_optimizer_state", "load_policy", "parameter_names", "save_policy"]
