"""The eras of the old stack: when each began, and where its classes lived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.errors import UnusableFileError

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


def forced(name: str, where: object) -> Era:
    """The era that the user names.

    Raises:
        UnusableFileError: no such era, or one that cannot be migrated.
    """
    if name not in SUPPORTED:
        raise UnusableFileError(f"era {name!r} cannot be migrated", where=where, fix=f"known: {', '.join(SUPPORTED)}")
    return Era(name, ("--era",))


def of_config(components: Mapping[str, Any], where: object) -> Era:
    """The era of a config's components, by their keys and classes.

    Raises:
        UnusableFileError: an era that cannot be migrated, with the key or class that shows it.
    """
    for name, config in components.items():
        for early in ("input_source", "output_size"):
            if early in config and not config.get("sources") and "sources" not in config:
                _refuse(f"component {name!r} has {early!r} and no `sources`: eras E1 to E3", where)
    return _by_classes(
        {name: str(config.get("_target_")) for name, config in components.items()}, "`sources: [{name: ...}]`", where
    )


def of_agent(attributes: Mapping[str, Any], classes: Mapping[str, str], where: object) -> Era:
    """The era of a pickled agent, by the attributes of the agent and the classes of its components.

    Raises:
        UnusableFileError: an era that cannot be migrated, with what shows it.
    """
    told_by = {
        "policy": "the agent has `policy`: eras E9 to E11",
        "components_with_memory": "the agent has `components_with_memory`: era E8",
        "original_feature_mapping": "the agent has `original_feature_mapping`: eras E6c to E8",
        "actions_max_params": "the agent has `actions_max_params`: era E4a",
    }
    for attribute, reading in told_by.items():
        if attribute in attributes:
            _refuse(reading, where)
    stored = attributes.get("agent_attributes")
    if not isinstance(stored, Mapping):
        _refuse("the agent has no `agent_attributes`: before E4c", where)
    elif "grid_features" not in stored:
        _refuse("`agent_attributes` has no `grid_features`: E5b or later", where)
    return _by_classes(classes, "`agent_attributes` with `grid_features`", where)


def _by_classes(classes: Mapping[str, str], evidence: str, where: object) -> Era:
    for name, path in classes.items():
        if not path.startswith(ROOTS[0]):
            continue
        if _module(path) in LATER_OR_EARLIER:
            _refuse(f"component {name!r} is a {path}: {LATER_OR_EARLIER[_module(path)]}", where)
    return Era("E4d", (evidence, f"classes of {ROOTS[0].rstrip('.')}: {', '.join(sorted(set(map(_module, classes.values()))))}"))


LATER_OR_EARLIER = {
    "obs_token_to_box_shaper": "E5d to E11",
    "obs_token_to_boxshaper": "E5d to E11",
    "obs_enc": "E5 to E11",
    "obs_tokenizers": "E6 to E11",
}


def _module(path: str) -> str:
    return below_root(path).rpartition(".")[0]


def _refuse(reading: str, where: object) -> None:
    raise UnusableFileError(
        reading, where=where, fix=f"this version migrates {', '.join(SUPPORTED)} only; keep the file, nothing was changed"
    )


