"""What the tests of the YAML editor share."""

from __future__ import annotations

from migrate.yaml_edit import Document, Item, Path
from migrate.yaml_text import same


def parse(text: str) -> Document:
    return Document.parse(text, where="f.yaml")


def rewritten(text: str, path: Path, *items: Item) -> str:
    """The text after a rewrite; what every rewrite must fulfil is checked on the way."""
    document = parse(text).rewrite(path, items)
    assert document.rewrite(path, items) == document
    for item in items:
        assert same(document.get((*path, *item.path)), item.value)
    return document.text
