"""The sources of a component, in the words of each era: `input_source`, `source_name`, and from E4 on `name`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from migrate.eras import Era

EARLY_DIM = -1
"""`dim` of a merge's source where E1 to E3 named none; later code took 1 (trap 15)."""


def sources_of(component: Mapping[str, Any]) -> list[Any] | None:
    """The sources of a component; the old stack knows no names alone."""
    sources = component.get("sources")
    return sources and [{"name": source} if isinstance(source, str) else source for source in sources]


def own_keys(component: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of an old component besides its source in the words of E1 to E3."""
    return {key: value for key, value in component.items() if key != "input_source"}


def sources_at(component: Mapping[str, Any], era: Era) -> list[Any] | None:
    """The sources of an old component in the words of E4 and later."""
    sources = component.get("sources")
    if era.is_since("E4a"):
        return sources_of(component)
    if sources:
        return [{"name": s["source_name"], **_without_name(s), "dim": s.get("dim", EARLY_DIM)} for s in sources]
    source = component.get("input_source")
    return None if source is None else [{"name": source}]


def early_sources(component: Mapping[str, Any], stem: str) -> dict[str, Any]:
    """An old component with its sources in the words of E1 to E3."""
    rest = {key: value for key, value in component.items() if key not in ("sources", "_target_")}
    sources, target = component["sources"] or [], {"_target_": component["_target_"]}
    if stem.endswith("_merge") or is_early_merge(sources):
        return {**target, "sources": [{"source_name": s["name"], **_without_name(s)} for s in sources], **rest}
    return {**target, "input_source": sources[0]["name"] if sources else None, **rest}


def is_early_merge(sources: Sequence[Any]) -> bool:
    """Whether a component of E1 to E3 is a merge: only these read several sources, or say more of one than its name."""
    return len(sources) > 1 or any(isinstance(each, Mapping) and each.keys() > {"name"} for each in sources)


def _without_name(source: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in source.items() if key not in ("name", "source_name")}
