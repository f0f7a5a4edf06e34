"""What two agents hold besides tensors of state: limits, anchors, action rows, modes, parameter order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from torch import nn

from migrate.agent_rules import era_of_config
from migrate.eras import Era
from migrate.registry import rules, stem_of_new
from migrate.rule import PARAMS, REQUIRED, Key, Rule, in_force

Fact = tuple[str, Any, Any]


def holdings(old: Any, new: Any, names: Mapping[str, str]) -> Iterator[Fact]:
    """`(name, old value, new value)` of everything that later behaviour depends on and no forward pass shows.

    Args:
        old: the legacy agent.
        new: the new one.
        names: new parameter name -> old one.
    """
    parameters = {"old": list(old.named_parameters()), "new": list(new.named_parameters())}
    yield "parameter order", [n for n, _ in parameters["old"]], [names.get(n, n) for n, _ in parameters["new"]]
    yield from _frozen(dict(parameters["old"]), parameters["new"], names)
    yield "clip_range", old.clip_range, new.clip_range
    if new.action_space is not None:
        yield "action names", [name for name, _ in _active(old)], new.action_space.names
        yield "action parameters", [largest for _, largest in _active(old)], new.action_space.max_params
    yield from _features(old, new)
    era = era_of_config(new.config)
    for name, config in new.config["components"].items():
        rule = rules()[stem_of_new(config["_target_"], f"component {name!r}")]
        yield from _of_component(name, rule, config, old.components[name], new.components[name], era)


def _active(old: Any) -> list[tuple[str, int]]:
    if hasattr(old, "active_actions"):
        return list(old.active_actions)
    return list(zip(old.action_names, old.action_max_params, strict=True))


def _features(old: Any, new: Any) -> Iterator[Fact]:
    """The numbers of features in training, by which those of a later environment are translated (traps 31 and 32)."""
    there, known = getattr(old, "original_feature_mapping", None), new.features
    here = known.original if known is not None and known.is_known else None
    if there is not None or here is not None:
        yield "numbers of features in training", None if there is None else dict(there), here


def _frozen(
    old: Mapping[str, nn.Parameter], new: list[tuple[str, nn.Parameter]], names: Mapping[str, str]
) -> Iterator[Fact]:
    """Whether each parameter is learned; those that one side alone has are told by their order."""
    for name, parameter in new:
        there = old.get(names.get(name, name))
        if there is not None:
            yield f"{name.removeprefix('components.')} is learned", there.requires_grad, parameter.requires_grad


def _of_component(
    name: str, rule: Rule, config: Mapping[str, Any], old: Any, new: nn.Module, era: Era
) -> Iterator[Fact]:
    for attribute in rule.attributes:
        if hasattr(old, attribute.old):
            there = attribute.forward(getattr(old, attribute.old))
            yield f"{name}.{attribute.new}", there, getattr(new, attribute.new)
    resolved = rule.resolved(config)
    for key in rule.keys_at(era):
        given = [_old_value(old, key, i, era) for i in range(len(key.old))]
        if REQUIRED in given:
            continue
        for option, there in zip(key.new, key.forward(*given), strict=True):
            present = vars(new).get(option, resolved.get(option))
            yield f"{name}.{option}", there, cast(Any, present)


def _old_value(old: Any, key: Key, index: int, era: Era) -> Any:
    """What the old object has for a config key; its default where it keeps nothing."""
    name, default = key.old[index], in_force(key.old_default[index], era)
    if name.startswith(PARAMS):
        return (getattr(old, "_nn_params", None) or getattr(old, "nn_params", None) or {}).get(
            name.removeprefix(PARAMS), default
        )
    value = _kept(old, key.attribute[index], default)
    return default if key.implied_by and value == _kept(old, key.implied_by, None) else value


def _kept(old: Any, attribute: str, default: Any) -> Any:
    return getattr(old, attribute, getattr(old, attribute.removeprefix("_"), default))
