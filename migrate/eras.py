"""The eras of the old stack: when each began, and where its classes lived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from migrate.errors import UnusableFileError, UsageError

ROOTS = ("metta.agent.lib.", "agent.lib.")
AGENTS = ("metta.agent.metta_agent.MettaAgent", "agent.metta_agent.MettaAgent")
RECORDS = ("metta.agent.policy_store.PolicyRecord", "agent.policy_store.PolicyRecord")

ORDER = (
    *("E1", "E2a", "E2b", "E2c", "E3", "E3b", "E4a", "E4b", "E4c", "E4d", "E5a", "E5b", "E5c", "E5d", "E5e"),
    *("E6a", "E6b", "E6c", "E7a", "E7b", "E8", "E9", "E10", "E11"),
)
SUPPORTED = ("E4d",)


@dataclass(frozen=True)
class Era:
    """One era, and why a file was taken for one of it.

    Attributes:
        name: as in `ORDER`.
        evidence: what in the file says so.
    """

    name: str
    evidence: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """Import root of the component classes, with a final dot."""
        return ROOTS[0] if self.is_since("E3") else ROOTS[1]

    @property
    def agent(self) -> str:
        """Class path of the agent."""
        return AGENTS[0] if self.is_since("E3") else AGENTS[1]

    @property
    def record(self) -> str:
        """Class path of the policy record."""
        return RECORDS[0] if self.is_since("E3") else RECORDS[1]

    def is_since(self, name: str) -> bool:
        """Whether this era is `name` or later."""
        return ORDER.index(self.name) >= ORDER.index(name)


def below_root(path: str) -> str:
    """`metta.agent.lib.lstm.LSTM` -> `lstm.LSTM`; other paths as they are."""
    for root in ROOTS:
        if path.startswith(root):
            return path.removeprefix(root)
    return path


def named(name: object, where: object) -> Era:
    """The era that a user or a file names.

    Raises:
        UsageError: "no era ...".
        UnusableFileError: "era ... cannot be migrated ...".
    """
    if name not in ORDER:
        raise UsageError(f"no era {name!r}", where=where, fix=f"eras are {', '.join(ORDER)}")
    if name not in SUPPORTED:
        raise UnusableFileError(f"era {name!r} cannot be migrated", where=where, fix=f"known: {', '.join(SUPPORTED)}")
    return Era(str(name), ("named",))


def of_config(components: Mapping[str, Any], where: object) -> Era:
    """The era of a config's components, by their keys and classes.

    Raises:
        UnusableFileError: an era that cannot be migrated, with the key or class that shows it.
    """
    for name, config in components.items():
        # A dead `input_source: null` was left over in later files.
        if config.get("input_source") is not None and "sources" not in config:
            _refuse(f"component {name!r} has `input_source` and no `sources`: eras E1 to E3", where)
        if any("source_name" in source for source in config.get("sources") or []):
            _refuse(f"component {name!r} has `source_name` among its sources: eras E1 to E3", where)
        if "hidden_size" in (config.get("nn_params") or {}):
            _refuse(f"component {name!r} has `nn_params.hidden_size`: eras E8 and E9", where)
    classes = {name: str(config.get("_target_")) for name, config in components.items()}
    return _by_classes(classes, "`sources: [{name: ...}]`", where)


def of_agent(attributes: Mapping[str, Any], classes: Mapping[str, str], where: object) -> Era:
    """The era of a pickled agent, by the attributes of the agent and the classes of its components.

    Raises:
        UnusableFileError: an era that cannot be migrated, with what shows it.
    """
    for attribute, era in AGENT_ATTRIBUTE_OF.items():
        if attribute in attributes:
            _refuse(f"the agent has `{attribute}`: {era}", where)
    stored = attributes.get("agent_attributes")
    if not isinstance(stored, Mapping):
        _refuse("the agent has no `agent_attributes`: before E4c", where)
    if "grid_features" not in stored:
        _refuse("`agent_attributes` has no `grid_features`: E5b or later", where)
    return _by_classes(classes, "`agent_attributes` with `grid_features`", where)


AGENT_ATTRIBUTE_OF = {
    "policy": "eras E9 to E11",
    "components_with_memory": "era E8",
    "original_feature_mapping": "eras E6c to E8",
    "actions_max_params": "era E4a",
}
LAYER_MODULE_OF = {
    "obs_token_to_box_shaper": "eras E5d to E9",
    "obs_token_to_boxshaper": "eras E6 to E9",
    "obs_enc": "eras E5 to E9",
    "obs_tokenizers": "eras E6 to E9",
}
"""Modules of component classes that only other eras had."""


def _by_classes(classes: Mapping[str, str], evidence: str, where: object) -> Era:
    for name, path in classes.items():
        if path.startswith(ROOTS[1]):
            _refuse(f"component {name!r} is a {path}: eras E1 and E2", where)
        if path.startswith(ROOTS[0]) and _module(path) in LAYER_MODULE_OF:
            _refuse(f"component {name!r} is a {path}: {LAYER_MODULE_OF[_module(path)]}", where)
    modules = ", ".join(sorted({_module(path) for path in classes.values()}))
    return Era("E4d", (evidence, f"classes of {ROOTS[0].rstrip('.')}: {modules}"))


def _module(path: str) -> str:
    return below_root(path).rpartition(".")[0]


def _refuse(reading: str, where: object) -> NoReturn:
    raise UnusableFileError(
        reading,
        where=where,
        fix=f"this version migrates {', '.join(SUPPORTED)} only; keep the file, nothing was changed",
    )
