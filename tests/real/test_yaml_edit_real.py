"""The YAML editor on every recorded config: one component's change leaves all other lines, and everything goes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migrate.yaml_edit import Document, Item
from migrate.yaml_text import same
from migrate.yaml_undo import attach, detach

SHARED = Path(__file__).parents[2].parent / "shared"
FILES = sorted([*SHARED.glob("configs/*/**/*.yaml"), *SHARED.glob("checkpoints/*/*/config.yaml")])
ALL_FILES = [pytest.param(file, id=file.relative_to(SHARED).as_posix()) for file in FILES] or [
    pytest.param(SHARED, id="absent", marks=pytest.mark.skip(reason=f"REAL FILES ABSENT: nothing in {SHARED}"))
]


def read(file: Path) -> Document:
    with file.open(encoding="utf-8", newline="") as stream:
        return Document.parse(stream.read(), where=file.name)


def components(document: Document) -> list[tuple[str, ...]]:
    data = document.data
    head: tuple[str, ...] = ("agent",) if isinstance(data.get("agent"), dict) else ()
    names = (data["agent"] if head else data).get("components") or {}
    return [(*head, "components", name) for name in names]


def unnested(config: dict[str, Any]) -> list[Item]:
    """A component whose `nn_params` stand beside its other keys, under another class."""
    items = [Item(("_target_",), "modules.layers.some.Module")]
    items += [Item((key,), value) for key, value in config.items() if key not in {"_target_", "nn_params"}]
    return items + [Item((key,), value, ("nn_params", key)) for key, value in config.get("nn_params", {}).items()]


def comments(text: str) -> list[str]:
    return sorted(line.split("#", 1)[1] for line in text.splitlines() if "#" in line)


@pytest.mark.parametrize("file", ALL_FILES)
def test_every_component_is_rewritten_alone_and_everything_goes_back(file: Path) -> None:
    old = new = read(file)
    paths = components(old)
    for path in paths:
        before, config = new, new.get(path)
        items = unnested(config)
        new = before.rewrite(path, items)
        assert same(new.get(path), {item.path[0]: item.value for item in items})
        start, end = before.span(path)
        assert new.text.startswith(before.text[:start])
        assert new.text.endswith(before.text[end:])
        assert new.rewrite(path, items) is new
    assert comments(new.text) == comments(old.text)
    body, undo = detach(attach(old, new, paths, {"era": "E0"}), where=file.name)
    assert undo is not None
    assert (body, undo.restore(body)) == (new.text, old.text)
    assert all(undo.old_block(path, new.block(path)) == old.block(path) for path in paths)


@pytest.mark.parametrize("file", ALL_FILES)
def test_rewriting_what_is_there_changes_nothing(file: Path) -> None:
    document = read(file)
    for path in [(), *components(document)]:
        assert document.rewrite(path, [Item((key,), value) for key, value in document.get(path).items()]) is document
