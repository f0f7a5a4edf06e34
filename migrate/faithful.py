"""Checks that the objects of an old checkpoint are what their config builds, since only the config is translated.

Somebody may have rewired a live agent, replaced a layer inside it, or frozen a weight; the old file keeps that, and a
migration that reads constructor values would lose it without a word.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, ListConfig, OmegaConf
from torch import nn

from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.plan import as_bytes
from migrate.registry import LAYERS, rules

# Where tensors live, and what differs between versions of torch without a meaning for the result.
IGNORED = frozenset({"device", "_is_full_backward_hook", "_flat_weight_refs"})
IGNORED_OF_AGENTS = frozenset({"cfg", "obs_space"})
READ_AS: Mapping[str, Callable[[Any], Any]] = {
    "initialization": lambda name: str(name).lower(),
    "nonlinearity": lambda path: str(path).rpartition(".")[2],
    "sources_list": lambda sources: [{"dim": -1, **source} for source in sources],
}
"""Attributes of which the old code read less than is written, or a default besides: `torch.Tanh` was `nn.Tanh` once
weights were drawn, and the merges of E1 took -1 for a `dim` that was not there (trap 15)."""
SHOWN = 200
KEEP = "the agent was changed after it was built, which a config cannot say; keep it on the old stack"
SAID_WHOLE = (bytes, bytearray, complex, range, slice, torch.dtype, torch.device)
"""Values whose `repr` says all of them."""
BOOKKEEPING = frozenset(
    {
        *("active_actions", "active_features", "feature_id_to_name", "components_with_memory", "config"),
        *("analyze_weights_interval", "obs_width", "obs_height", "action_space", "_total_params"),
    }
)
"""What agents of E9 and later, or their policies, kept and no pass reads, as files of two dates show."""
REPEATED = frozenset({"action_names", "action_max_params", "clip_range"})
"""What both may have had; then it must be the same."""
AGENT = ("", "policy")
"""Modules that are no components: the agent, and from E9 on the policy in it."""
TABLE_SIZE = "_max_embeds"
"""What token encoders called the rows of their tables, which the tables themselves show."""
logger = logging.getLogger(__name__)

Fact = tuple[str, str]
"""Name of a module and of an attribute."""


def check_faithful(file: nn.Module, built: nn.Module, era: Era, unused: Collection[str], where: object) -> None:
    """Compares the agent of the file, revived, with the one that the migrated policy gives in the old stack.

    Args:
        file: the revived agent.
        built: the agent that was built from the migrated policy.
        era: of the file.
        unused: attributes of the agent that no old code read.
        where: the file.

    Raises:
        UnusableFileError: "... is ..., and its config builds ...".
    """
    try:
        comparison = _Comparison(file, built, era, unused)
    except RecursionError as error:
        raise UnusableFileError("an attribute contains itself", where=where, fix=KEEP) from error
    for holder, attribute in comparison.differences():
        if any(excuse(comparison, holder, attribute) for excuse in EXCUSES):
            continue
        if _is_bookkeeping(comparison, holder, attribute):
            level = logging.INFO if attribute == "config" else logging.WARNING  # of which any agent kept its own part
            logger.log(level, "%s: %r is kept otherwise than is known of its time; no pass reads it", where, attribute)
            continue
        theirs, ours = comparison.values(holder, attribute)
        raise UnusableFileError(
            f"{attribute} of {holder or 'the agent'} is {theirs!s:.{SHOWN}}, and its config builds {ours!s:.{SHOWN}}",
            where=where,
            fix=KEEP,
        )


class _Comparison:
    """Both agents, as facts: what of which module is what.

    Attributes:
        theirs: facts of the agent in the file.
        ours: of the one that its config builds.
    """

    def __init__(self, file: nn.Module, built: nn.Module, era: Era, unused: Collection[str]) -> None:
        self.file, self.built, self.era, self.unused = file, built, era, unused
        self.theirs, self.ours = _Describer(file, era).facts(), _Describer(built, era).facts()
        self.unrecorded = _unrecorded(file, era)

    def differences(self) -> Iterator[Fact]:
        """Of what module, and which of its attributes."""
        for fact in dict.fromkeys([*self.theirs, *self.ours]):
            holder, attribute = fact
            ignored = attribute in IGNORED or (holder in AGENT and attribute in IGNORED_OF_AGENTS)
            if not ignored and self.theirs.get(fact) != self.ours.get(fact):
                yield fact

    def values(self, holder: str, attribute: str) -> tuple[Any, Any]:
        """On both sides, None where there is none."""
        return self.theirs.get((holder, attribute)), self.ours.get((holder, attribute))

    def is_on_one_side(self, holder: str, attribute: str) -> bool:
        """Whether the other one has no such attribute."""
        return ((holder, attribute) in self.theirs) != ((holder, attribute) in self.ours)


def _is_unused(this: _Comparison, holder: str, attribute: str) -> bool:
    return holder in AGENT and attribute in this.unused


def _is_flag_around_policy(this: _Comparison, holder: str, attribute: str) -> bool:
    """The mode of what holds the policy computes nothing (trap 60)."""
    return (holder, attribute) == ("", "training") and hasattr(this.file, "policy")


def _came_with_later_torch(this: _Comparison, holder: str, attribute: str) -> bool:
    return (holder, attribute) not in this.theirs and isinstance(this.built.get_submodule(holder), torch_layers())


def _is_only_named_otherwise(this: _Comparison, holder: str, attribute: str) -> bool:
    """A plain attribute of an unrecorded component that stands on one side alone, or says the size of a table.

    Where both have another value it counts, since a pass may read it; the size of a table is read when it is built.
    """
    theirs, ours = this.values(holder, attribute)
    here = ours if theirs is None else theirs
    is_object = isinstance(here, str) and here.startswith(("tensor ", "parameter ", "module "))
    is_told = this.is_on_one_side(holder, attribute) or attribute == TABLE_SIZE
    return holder in this.unrecorded and not is_object and is_told


EXCUSES = (_is_unused, _is_flag_around_policy, _came_with_later_torch, _is_only_named_otherwise)
"""What a difference may be without being one of the policy."""


def _is_bookkeeping(this: _Comparison, holder: str, attribute: str) -> bool:
    """Whether a difference of an agent of E9 and later, or of the policy in it, is one of how it kept its books."""
    if holder not in AGENT or not this.era.is_since("E9"):
        return False
    if attribute in REPEATED:
        both = [this.theirs.get((each, attribute)) for each in AGENT]
        return (holder, attribute) not in this.ours and both[0] == both[1]
    return attribute in BOOKKEEPING and (attribute == "config" or this.is_on_one_side(holder, attribute))


def _unrecorded(file: nn.Module, era: Era) -> set[str]:
    """Components whose attributes have names that are only likely."""
    layers = {
        name: rules()[type(module).__module__.rpartition(".")[2]]
        for name, module in file.named_modules()
        if type(module).__module__.startswith(LAYERS["legacy"])
    }
    return {name for name, rule in layers.items() if not rule.is_recorded(era)}


def torch_layers() -> tuple[type[nn.Module], ...]:
    """The classes of `torch.nn` that old layers hold."""
    return tuple(
        c for c in vars(nn).values() if isinstance(c, type) and issubclass(c, nn.Module) and c is not nn.Module
    )


class _Describer:
    """Everything an agent holds but the values of its state dict, with references to modules and parameters by name."""

    def __init__(self, agent: nn.Module, era: Era) -> None:
        self._era = era
        self._modules = dict(agent.named_modules())
        self._module_names = {id(module): name for name, module in self._modules.items()}
        self._parameter_names = {id(parameter): name for name, parameter in agent.named_parameters()}

    def facts(self) -> dict[Fact, Any]:
        """What each attribute of each module is."""
        facts: dict[Fact, Any] = {}
        for name, module in self._modules.items():
            facts[name, "class"] = _path(module)
            for key, value in vars(module).items():
                described = self._describe(value)
                facts[name, key] = READ_AS[key](described) if key in READ_AS else described
            params = next(((name, key) for key in ("_nn_params", "nn_params") if (name, key) in facts), None)
            if params and type(module).__module__.startswith(LAYERS["legacy"]):  # not the parts of one
                # Somebody may have spelled a default out.
                rule = rules()[type(module).__module__.rpartition(".")[2]]
                facts[params] = rule.without_defaults(facts[params] or {}, self._era)
                for attribute in rule.unread:
                    facts.pop((name, attribute), None)
            # Their values come from the state dict; here it counts which there are, and what is not in it.
            unsaved = module._non_persistent_buffers_set
            facts[name, "_buffers"] = {
                key: self._describe(buffer)
                if buffer is None or key in unsaved
                else (str(buffer.dtype), tuple(buffer.shape))
                for key, buffer in module._buffers.items()
            }
        return facts

    def _describe(self, value: Any) -> Any:
        if isinstance(value, nn.Module):
            return f"module {self._module_names.get(id(value), f'outside of the agent ({_path(value)})')}"
        if isinstance(value, nn.Parameter):
            name = self._parameter_names.get(id(value), "outside of the agent")
            return f"parameter {name} {tuple(value.shape)} {value.dtype}{'' if value.requires_grad else ' frozen'}"
        if isinstance(value, torch.Tensor):
            digest = hashlib.sha256(as_bytes(value)).hexdigest()[:16]
            return f"tensor {tuple(value.shape)} {value.dtype} {digest}"
        if isinstance(value, DictConfig | ListConfig):
            return self._describe(OmegaConf.to_container(value, resolve=False))
        if isinstance(value, Counter):
            return {"Counter": {repr(key): self._describe(item) for key, item in value.items()}}
        if isinstance(value, Mapping):
            return {str(key): self._describe(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._describe(item) for item in value]
        if isinstance(value, deque):
            return {"deque": [self._describe(item) for item in value], "maxlen": value.maxlen}
        return _describe_leaf(value)


def _describe_leaf(value: Any) -> Any:
    """What holds no module and no parameter."""
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, np.ndarray):
        return f"array {value.shape} {value.dtype} {value.tolist()}"
    if isinstance(value, np.generic):
        return value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, SAID_WHOLE) or type(value).__module__.startswith("legacy."):
        return repr(value)
    if hasattr(value, "__qualname__"):  # functions and classes
        return f"{value.__module__}.{value.__qualname__}"
    return _path(value)


def _path(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
