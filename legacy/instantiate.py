"""How the old stack made components: through Hydra until 2025-07-09, by itself from then on."""

from __future__ import annotations

import importlib
from typing import Any

import hydra
from omegaconf import OmegaConf


def by_hydra(config: Any, **attributes: Any) -> Any:
    """Hydra's own; what is passed along becomes OmegaConf's containers."""
    return hydra.utils.instantiate(config, **attributes)


def passed_by_hydra(name: str, value: Any) -> Any:
    """An argument as Hydra passes it along: a list or a dict becomes OmegaConf's container, without a parent."""
    argument = OmegaConf.create({name: value}, flags={"allow_objects": True})[name]
    if OmegaConf.is_config(argument):
        argument._set_parent(None)
    return argument


def by_path(config: Any, **attributes: Any) -> Any:
    """Imports the class that `_target_` names; keys that begin with an underscore vanish, nothing is nested.

    Raises:
        ImportError: "Failed to import module ...".
    """
    module_name, _, class_name = str(config["_target_"]).rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ImportError(f"Failed to import module {module_name}: {error}") from error
    options = {str(key): config[key] for key in config if not str(key).startswith("_")}
    return getattr(module, class_name)(**{**options, **attributes})
