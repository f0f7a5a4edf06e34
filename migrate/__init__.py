"""The toolkit that moves configs and policies between the old stack and the new one, both ways."""

from migrate.api import build_agent, load_optimizer_state, load_policy, parameter_names
from migrate.errors import MigrationError

__all__ = ["MigrationError", "build_agent", "load_optimizer_state", "load_policy", "parameter_names"]
