"""A graph of components for people: as a text, and as a Mermaid diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from modules.graph import Node, producers
from modules.program import class_names

SYNTAX = """#"&<>`%"""
"""Characters that Mermaid would read otherwise, even inside a quoted label."""


def describe(order: Sequence[Node], modules: Mapping[str, nn.Module]) -> str:
    """One line per component in execution order: name, class, keys, number of parameters; inputs come first.

    Example:
        inputs: x
        fc1      LinearModule   x -> fc1           80 parameters
        _value_  LinearModule   fc1 -> _value_      9 parameters
    """
    rows = [
        (
            node.name,
            class_names(modules[node.name]),
            f"{', '.join(node.in_keys) or '()'} -> {', '.join(node.out_keys)}"
            + (f"  after {', '.join(node.dependencies)}" if node.dependencies else ""),
            f"{sum(parameter.numel() for parameter in modules[node.name].parameters()):,}",
        )
        for node in order
    ]
    rows = [(_line(name), kind, _line(keys), count) for name, kind, keys, count in rows]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    lines = [
        f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {keys:<{widths[2]}}  {count:>{widths[3]}} parameters"
        for name, kind, keys, count in rows
    ]
    return "\n".join([_line(f"inputs: {', '.join(graph_inputs(order)) or 'none'}"), *lines])


def to_mermaid(order: Sequence[Node], modules: Mapping[str, nn.Module]) -> str:
    """The text of a Mermaid flowchart; names become labels, so that no character of theirs is syntax."""
    writer_of = producers(order)
    number = {node.name: f"c{i}" for i, node in enumerate(order)}
    source = {key: f"i{i}" for i, key in enumerate(graph_inputs(order))}
    lines = ["flowchart TD", *(f'    {label}(["{_escaped(key)}"])' for key, label in source.items())]
    for node in order:
        kind = _escaped(class_names(modules[node.name]))
        lines.append(f'    {number[node.name]}["{_escaped(node.name)}<br/>{kind}"]')
    for node in order:
        for key in node.in_keys:
            writer = writer_of.get(key)
            start = source[key] if writer is None else number[writer]
            # The first output has the component's own name; another one is told on the arrow.
            lines.append(f"    {start} -->{_label(key, writer)} {number[node.name]}")
        lines.extend(f"    {number[name]} -.-> {number[node.name]}" for name in node.dependencies)
    return "\n".join(lines)


def graph_inputs(order: Sequence[Node]) -> list[str]:
    """Keys that are read and not written."""
    writer_of = producers(order)
    return list(dict.fromkeys(key for node in order for key in node.in_keys if key not in writer_of))


def _label(key: str, writer: str | None) -> str:
    return "" if writer in (None, key) else f'|"{_escaped(key)}"|'


def _line(text: str) -> str:
    """Without line breaks."""
    return " ".join(text.splitlines())


def _escaped(text: str) -> str:
    return "".join(f"#{ord(character)};" if character in SYNTAX else character for character in _line(text))
