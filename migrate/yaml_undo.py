"""Keeps, as a footer of comment lines in a migrated YAML file, what its way back to the old file needs."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from migrate.errors import MigrationError, UnusableFileError
from migrate.yaml_edit import Document, Path
from migrate.yaml_want import entry_at

MARK = (
    "# --- migrate: keep these lines; `python -m migrate.config --to legacy` "
    "needs them to restore the old file byte for byte"
)
_WIDTH = 104  # with `# undo: ` 112 characters, and a multiple of base64's four
_LARGEST = 1 << 24  # bytes of a footer unpacked: a few hundred times the largest config
_FACT = re.compile(r"# ([A-Za-z][\w-]*): (\S|\S.*\S)")
_CHANGED = "undo the change, or remove the footer and give up the exact way back"


@dataclass(frozen=True)
class _Block:
    """One entry: where its new text stands in the body, the hash of it, and its old text."""

    path: Path
    start: int
    length: int
    digest: str
    old: str


@dataclass(frozen=True)
class Undo:
    """A parsed footer.

    Args:
        facts: what was noted about the migration, in the order it was given.
    """

    facts: dict[str, str]
    _body: str
    _old: str
    _blocks: tuple[_Block, ...]
    _rest: tuple[int, int, str]

    def restore(self, body: str) -> str | None:
        """The old file byte for byte, or None if `body` is not what was written."""
        if _digest(body) != self._body:
            return None
        head, tail, middle = self._rest
        text = _with_old_blocks(body, self._blocks)
        old = text[:head] + middle + text[len(text) - tail :]
        return old if _digest(old) == self._old else None

    def old_block(self, path: Path, new_block: str) -> str | None:
        """The old text of one entry, or None if it is not known or `new_block` is not what was written."""
        for block in self._blocks:
            if block.path == path and block.digest == _digest(new_block):
                return block.old
        return None


def attach(old: Document, new: Document, paths: Sequence[Path], facts: Mapping[str, str]) -> str:
    """The new text with a footer that leads back to the old one.

    Args:
        old: the file before the migration.
        new: the file after it.
        paths: the edited entries. Their old text is stored; any other difference is stored too, but as one piece.
        facts: names and one-line texts to note in the footer.

    Raises:
        MigrationError: "cannot note the fact", "has a footer already".
    """
    if MARK in new.text:
        raise MigrationError("has a footer already", where=new.where, fix="migrate the file without its footer")
    for name, fact in facts.items():
        line = f"# {name}: {fact}"
        if name == "undo" or not fact.isprintable() or not _FACT.fullmatch(line):
            raise MigrationError(f"cannot note the fact {name!r}: {fact!r}", fix="use a word, and text on one line")
    blocks = _blocks(old, new, paths)
    payload = {
        "blocks": [[list(b.path), b.start, b.length, b.digest, b.old] for b in blocks],
        "body": _digest(new.text),
        "eof": new.text.endswith("\n"),
        "old": _digest(old.text),
        "rest": list(_rest(_with_old_blocks(new.text, blocks), old.text)),
    }
    packed = json.dumps(payload, separators=(",", ":"), sort_keys=True)
    code = b64encode(zlib.compress((_check(packed, facts) + packed).encode("ascii"), level=9)).decode("ascii")
    lines = [MARK, *(f"# {name}: {fact}" for name, fact in facts.items())]
    lines += [f"# undo: {code[start : start + _WIDTH]}" for start in range(0, len(code), _WIDTH)]
    newline = "\r\n" if "\r\n" in new.text else "\n"
    return new.text + ("" if payload["eof"] else newline) + "".join(line + newline for line in lines)


def detach(text: str, *, where: str) -> tuple[str, Undo | None]:
    """Splits a text into its body and its parsed footer, None if it has none.

    Raises:
        UnusableFileError: "has a damaged footer", with the line.
    """
    lines = text.split("\n")
    marks = [index for index, line in enumerate(lines) if line.rstrip("\r") == MARK]
    if not marks:
        return text, None
    if len(marks) > 1:
        raise _damaged(where, marks[1], "a second footer")
    facts, code = _footer(lines, marks[0], where)
    try:
        packed = _unpack(b64decode(code, validate=True))
        if packed[:16] != _check(packed[16:], facts):
            raise ValueError("its checksum differs")
        payload = json.loads(packed[16:])
    except (ValueError, zlib.error) as error:
        raise _damaged(where, marks[0], f"the footer that begins here does not fit its checksum ({error})") from error
    body = "".join(line + "\n" for line in lines[: marks[0]])
    if not payload["eof"]:
        body = body.removesuffix("\n").removesuffix("\r")
    blocks = tuple(_Block(tuple(path), *rest) for path, *rest in payload["blocks"])
    head, tail, middle = payload["rest"]
    return body, Undo(facts, payload["body"], payload["old"], blocks, (head, tail, middle))


def _unpack(data: bytes) -> str:
    stream = zlib.decompressobj()
    text = stream.decompress(data, _LARGEST)
    if not stream.eof or stream.unused_data:
        raise ValueError("it is cut off, or too large")
    return text.decode("ascii")


def _footer(lines: list[str], mark: int, where: str) -> tuple[dict[str, str], str]:
    facts: dict[str, str] = {}
    code = ""
    for index, raw in enumerate(lines[mark + 1 :], start=mark + 1):
        line = raw.rstrip()
        found = _FACT.fullmatch(line)
        if found and found[1] == "undo":
            code += found[2]
        elif found and not code and found[1] not in facts:
            facts[found[1]] = found[2]
        elif line:
            raise _damaged(where, index, f"{line[:60]!r}, which is no line of the footer")
    return facts, code


def _damaged(where: str, index: int, what: str) -> UnusableFileError:
    fix = f"move what was added above the footer; else {_CHANGED}"
    return UnusableFileError(f"has a damaged footer: {what}", where=f"{where}, line {index + 1}", fix=fix)


def _blocks(old: Document, new: Document, paths: Sequence[Path]) -> list[_Block]:
    """The blocks that both files have, outermost only, in the order of the new text."""
    outer = {path for path in paths if not any(path[:depth] in paths for depth in range(1, len(path)))}
    known = [path for path in outer if all(entry_at(doc.tree.root, path) for doc in (old, new))]
    blocks = []
    for path in known:
        start, end = new.span(path)
        blocks.append(_Block(path, start, end - start, _digest(new.text[start:end]), old.block(path)))
    return sorted(blocks, key=lambda block: block.start)


def _with_old_blocks(body: str, blocks: Sequence[_Block]) -> str:
    ends = [0, *(block.start + block.length for block in blocks)]
    pieces = [body[end : block.start] + block.old for end, block in zip(ends, blocks, strict=False)]
    return "".join(pieces) + body[ends[-1] :]


def _rest(text: str, old: str) -> tuple[int, int, str]:
    """The one piece in which `text` still differs: how much stays before and behind it, and what stands between."""
    head = _alike(text, old)
    tail = _alike(text[head:][::-1], old[head:][::-1])
    return head, tail, old[head : len(old) - tail]


def _alike(left: str, right: str) -> int:
    """How many first characters two texts share."""
    length = min(len(left), len(right))
    return next((index for index in range(length) if left[index] != right[index]), length)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _check(packed: str, facts: Mapping[str, str]) -> str:
    return _digest(json.dumps([packed, list(facts.items())]))
