"""`GivenState`: what the state dict of a torch optimizer says, and whether it is one for a policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from migrate.errors import UnusableFileError
from migrate.json_values import mapping_of

SAME_RUN = "give the trainer state and the policy of the same run"
NAME_THEM = "build the optimizer over agent.named_parameters(), so that its state says which parameter is which"
PARAM_NAMES = "param_names"
"""Where torch's optimizers keep the names that they were given."""
ONE_GROUP = "the old trainer had one group over policy.parameters(); build a new optimizer"


@dataclass(frozen=True)
class GivenState:
    """A state dict, as far as it can be read.

    Attributes:
        groups: its parameter groups.
        fields: its state by position, if it has one.
        own: the agent's own names of its parameters; none where the state is an old trainer's.
    """

    groups: list[dict[str, Any]]
    fields: Any
    own: Sequence[str]

    @classmethod
    def of(cls, optimizer: Mapping[str, Any], own: Sequence[str]) -> GivenState:
        """From `optimizer.state_dict()`, or what looks like one."""
        groups = optimizer.get("param_groups")
        listed = [group for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []
        return cls(listed, optimizer.get("state"), own)

    @cached_property
    def positions(self) -> list[Any]:
        """The numbers of the parameters, group by group."""
        return [each for group in self.groups if isinstance(group.get("params"), list) for each in group["params"]]

    @cached_property
    def told(self) -> list[str]:
        """The names that the optimizer was given, in the same order."""
        return [name for group in self.groups for name in group.get(PARAM_NAMES) or ()]

    @property
    def is_named(self) -> bool:
        """Whether these names say which parameter is which."""
        return bool(self.own) and bool(self.told) and len(self.told) == len(self.positions)

    @cached_property
    def states(self) -> dict[Any, Mapping[Any, Any]]:
        """Position -> what is kept of that parameter."""
        read = {position: mapping_of(values) for position, values in (mapping_of(self.fields) or {}).items()}
        return {position: values for position, values in read.items() if values is not None}

    def names_by_position(self, names: Sequence[str]) -> dict[Any, str]:
        """Position -> name among `names`, which are in the agent's order."""
        if not self.is_named:
            return dict(zip(self.positions, names, strict=True))
        new_of = dict(zip(self.own, names, strict=True))
        return dict(zip(self.positions, [new_of[name] for name in self.told], strict=True))

    def check(self, names: Sequence[str], where: object) -> None:
        """Refuses what is no state of an optimizer, or one for other parameters than `names`.

        Raises:
            UnusableFileError: the first of `problems`.
        """
        for what, fix in self.problems(names):
            raise UnusableFileError(what, where=where, fix=fix)

    def problems(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        """What is wrong, each time with what to do; a problem may be there because of the one before it."""
        fix, positions = NAME_THEM if self.own else SAME_RUN, self.positions
        if (
            not isinstance(self.fields, Mapping)
            or not positions
            or not all(isinstance(each, int) for each in positions)
        ):
            yield "holds no state of a torch optimizer", fix
            return
        if self.is_named:
            if strange := set(self.told) - set(self.own):
                yield f"the optimizer has the parameter {min(strange)!r}, which the agent has not", fix
        elif len(positions) != len(names):
            yield f"the optimizer has {len(positions)} parameters, the policy {len(names)}", fix
        elif len(self.groups) > 1:  # positions count through the groups, not through policy.parameters()
            what = f"the optimizer has {len(self.groups)} parameter groups, and its state does not say what is in which"
            yield what, NAME_THEM if self.own else ONE_GROUP
        for position, count in Counter(positions).items():
            if count > 1:
                yield f"the optimizer counts parameter {position!r} twice", fix
        for position in self.fields:
            if position not in set(positions):
                yield f"the optimizer has a state of parameter {position!r}, which none of its groups has", fix
        for position in self.fields:
            if position not in self.states:
                yield f"the optimizer state of parameter {position!r} is no dict", fix
