"""How the old stack made components: through Hydra until 2025-07-09, by itself from then on."""

from __future__ import annotations

import importlib
from typing import Any

import hydra


def by_hydra(config: Any, **attributes: Any) -> Any:
    """Hydra's own; what is passed along becomes OmegaConf's containers."""
    return hydra.utils.instantiate(config, **attributes)


def by_path(config: Any, **attributes: Any) -> Any:
    """Imports the class that `_target_` names; keys that begin with an underscore vanish, nothing is nested.

    Raises:
        ImportError: "Failed to import module ...".
    """
    module_name, _, class_name = str(config["_target_"]).rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ImportError(f"Failed to import module {module_name}") from error
    options = {str(key): config[key] for key in config if not str(key).startswith("_")}
    return getattr(module, class_name)(**{**options, **attributes})
