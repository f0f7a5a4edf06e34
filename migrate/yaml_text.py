"""Writes plain values as YAML lines that read back as the same values."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from migrate.errors import MigrationError
from migrate.yaml_tree import plain_scalar

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_ESCAPE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def same(left: Any, right: Any) -> bool:
    """Whether two plain values are equal and of the same types (1, 1.0 and true differ; nan equals nan)."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return repr(left) == repr(right)


def is_scalar(value: Any) -> bool:
    """Whether a plain value is written without children."""
    return value is None or isinstance(value, (str, bool, int, float))


def scalar(value: Any) -> str:
    """The text of one scalar, on one line, valid inside flow and block style.

    Raises:
        MigrationError: "cannot write".
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return value if _is_word(value) else _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = repr(value).replace("inf", ".inf").replace("nan", ".nan")
        # `1e-05` alone is a string for YAML 1.1 readers other than OmegaConf's.
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    raise MigrationError(f"cannot write a value of type {type(value).__name__} as plain YAML")


def entry_lines(key: str, value: Any, step: int, dash: int) -> list[str]:
    """The lines of `key: value`, unindented.

    Args:
        key: the key.
        value: a plain value.
        step: indentation of a nested mapping.
        dash: indentation of the dashes of a list below its key.
    """
    if _fits_a_line(value):
        return [f"{scalar(key)}: {_flow(value)}"]
    width = step if isinstance(value, dict) else dash
    return [f"{scalar(key)}:", *indented(_block(value, step, dash), width)]


def indented(lines: list[str], width: int) -> list[str]:
    """The lines behind `width` spaces; empty ones stay empty."""
    return [" " * width + line if line else line for line in lines]


def _block(value: Any, step: int, dash: int) -> list[str]:
    if isinstance(value, dict):
        return [line for key, child in value.items() for line in entry_lines(key, child, step, dash)]
    lines = []
    for child in value:
        inner = [_flow(child)] if _fits_a_line(child) else _block(child, step, dash)
        lines += [f"- {inner[0]}", *indented(inner[1:], 2)]
    return lines


def _fits_a_line(value: Any) -> bool:
    return not isinstance(value, (dict, list)) or not value or (isinstance(value, list) and all(map(is_scalar, value)))


def _flow(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(scalar, value))}]"
    return "{}" if isinstance(value, dict) else scalar(value)


def _is_word(text: str) -> bool:
    """Whether every YAML reader that matters takes the bare text for a string."""
    if not _WORD.fullmatch(text):
        return False
    resolved = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return bool(resolved == "tag:yaml.org,2002:str" and isinstance(plain_scalar(text), str))


def _quoted(text: str) -> str:
    return _ESCAPE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
