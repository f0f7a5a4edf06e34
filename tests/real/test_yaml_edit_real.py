"""The YAML editor on every recorded config: one component's change leaves all other lines, and everything goes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migrate.yaml_edit import Document, Item
from migrate.yaml_text import same
from migrate.yaml_undo import attach, detach


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


def check_rewriting(file: Path) -> None:
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


def check_noop(file: Path) -> None:
    document = read(file)
    for path in [(), *components(document)]:
        assert document.rewrite(path, [Item((key,), value) for key, value in document.get(path).items()]) is document


def config_of(folder: Path) -> Path:
    if not (folder / "config.yaml").exists():
        pytest.skip("this era had no agent configs")
    return folder / "config.yaml"


def test_every_component_is_rewritten_alone_and_everything_goes_back(agent_yaml: Path) -> None:
    check_rewriting(agent_yaml)


def test_rewriting_what_is_there_changes_nothing(agent_yaml: Path) -> None:
    check_noop(agent_yaml)


def test_composed_configs_are_rewritten_and_go_back(fixture_folder: Path) -> None:
    check_rewriting(config_of(fixture_folder))


def test_rewriting_composed_configs_as_they_are_changes_nothing(fixture_folder: Path) -> None:
    check_noop(config_of(fixture_folder))


def test_job_configs_without_components_read_as_they_are(config_dir: Path) -> None:
    """Jobs that only name their agent are no `agent_yaml`; the editor reads them too, and finds nothing to change."""
    for file in sorted(config_dir.rglob("*.yaml")):
        check_rewriting(file)
        check_noop(file)
