"""Checks a value against the part of JSON Schema that the project's schemas use; any other keyword is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
KEYWORDS = {
    "$defs", "$id", "$ref", "$schema", "anyOf", "const", "description", "enum", "items", "minimum", "properties",
    "required", "title", "type",
}  # fmt: skip


def violations(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], where: str = "$") -> Iterator[str]:
    """What is wrong with a value, each with its place; keys that the schema does not describe are wrong too."""
    if unknown := set(schema) - KEYWORDS:
        raise NotImplementedError(f"{where}: {sorted(unknown)} in the schema")
    if "$ref" in schema:
        yield from violations(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, where)
    if "anyOf" in schema and all(list(violations(value, branch, root, where)) for branch in schema["anyOf"]):
        yield f"{where}: {value!r} fits none of anyOf"
    if "type" in schema and not _is_of(value, schema["type"]):
        yield f"{where}: {value!r} is no {schema['type']}"
    if "const" in schema and value != schema["const"]:
        yield f"{where}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if "minimum" in schema and isinstance(value, int | float) and value < schema["minimum"]:
        yield f"{where}: {value!r} is under {schema['minimum']}"
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from violations(item, schema["items"], root, f"{where}[{index}]")
    if isinstance(value, dict) and "properties" in schema:
        yield from _members(value, schema, root, where)


def _is_of(value: object, names: str | list[str]) -> bool:
    """Whether a value has one of the types; `True` is an integer in Python and not in JSON."""
    accepted = [TYPES[name] for name in ([names] if isinstance(names, str) else names)]
    return any(isinstance(value, types) and (isinstance(value, bool) <= (bool in types)) for types in accepted)


def _members(value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], where: str) -> Iterator[str]:
    yield from (f"{where}: {key} is missing" for key in schema["required"] if key not in value)
    for key, item in value.items():
        if key in schema["properties"]:
            yield from violations(item, schema["properties"][key], root, f"{where}.{key}")
        else:
            yield f"{where}: {key} is not described"
