"""The footer leads back to the old file byte for byte, and says so when it cannot."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.errors import MigrationError, UnusableFileError
from migrate.yaml_edit import Document, Item
from migrate.yaml_undo import MARK, attach, detach

OLD = """\
_target_: metta.agent.metta_agent.MettaAgent  # the agent
components:
  fc1: # first
    nn_params: {out_features: 1_28}   # odd spelling
    effective_rank: true # dead

  fc2:
    sources:
      null
    clip_scale: 1.0 # dead
dead: 1
"""
FACTS = {"era": "E4d", "from": "metta.agent.metta_agent.MettaAgent"}
PATHS = [("_target_",), ("components", "fc1"), ("components", "fc2")]


def migrated(old: Document) -> Document:
    new = old.replace_scalar(("_target_",), "modules.agent.MettaAgent")
    new = new.rewrite(("components", "fc1"), [Item(("out_features",), 128, ("nn_params", "out_features"))])
    return new.rewrite(("components", "fc2"), [Item(("sources",), [{"name": "_obs_"}])])


def parse(text: str) -> Document:
    return Document.parse(text, where="f.yaml")


def attached(text: str) -> str:
    return attach(parse(text), migrated(parse(text)), PATHS, FACTS)


def changes(text: str) -> list[str]:
    """The text with each line ending, byte order mark and end that a file may have."""
    texts = [text, text.removesuffix("\n"), "\ufeff" + text]
    return [*texts, *(each.replace("\n", "\r\n") for each in texts)]


@pytest.mark.parametrize("old", changes(OLD))
def test_the_untouched_file_goes_back_byte_for_byte(old: str) -> None:
    text = attached(old)
    body, undo = detach(text, where="f.yaml")
    assert body == migrated(parse(old)).text
    assert undo is not None
    assert undo.facts == FACTS
    assert undo.restore(body) == old
    assert undo.restore(body + "# more\n") is None
    assert parse(text).data == migrated(parse(old)).data
    assert text.count("\r\n") == (text.count("\n") if "\r\n" in old else 0)


def footer_of(text: str) -> list[str]:
    return text[text.index(MARK) :].splitlines()


def packed_in(footer: list[str]) -> bytes:
    return b64decode("".join(line.removeprefix("# undo: ") for line in footer if line.startswith("# undo: ")))


def test_the_footer_is_readable_and_says_the_same_everywhere() -> None:
    footer = footer_of(attached(OLD))
    assert footer[:3] == [MARK, "# era: E4d", "# from: metta.agent.metta_agent.MettaAgent"]
    assert all(re.fullmatch(r"# undo: [A-Za-z0-9+/=]{4,104}", line) for line in footer[3:])
    assert max(map(len, footer)) <= 120
    assert attached(OLD) == attached(OLD)
    # What is packed is pinned, not the packing: zlib's builds may compress differently.
    assert sha256(zlib.decompress(packed_in(footer))).hexdigest()[:16] == "17c82925881d8c1b"


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(zlib.compress(b"0" * (1 << 24) + b"0"), id="more than may be unpacked"),
        pytest.param(zlib.compress(b"0" * 1000)[:-5], id="cut off"),
        pytest.param(zlib.compress(b"0" * 1000) + b"more", id="something behind"),
        pytest.param(zlib.compress("\u00e4".encode()), id="not ASCII"),
        pytest.param(zlib.compress(b""), id="nothing"),
        pytest.param(b"not zlib", id="not packed"),
    ],
)
def test_a_footer_that_does_not_unpack_is_refused(packed: bytes) -> None:
    lines = [MARK, "# era: E4d", f"# undo: {b64encode(packed).decode()}"]
    with pytest.raises(UnusableFileError, match=r"line 2: has a damaged footer: the footer that begins here does not"):
        detach("a: 1\n" + "\n".join(lines), where="f.yaml")


def test_untouched_blocks_go_back_when_others_were_edited() -> None:
    body, undo = detach(attached(OLD), where="f.yaml")
    assert undo is not None
    edited = parse(body.replace("out_features: 1_28", "out_features: 64"))
    assert undo.restore(edited.text) is None
    assert undo.old_block(("components", "fc1"), edited.block(("components", "fc1"))) is None
    old_fc2 = undo.old_block(("components", "fc2"), edited.block(("components", "fc2")))
    assert old_fc2 == parse(OLD).block(("components", "fc2"))
    assert edited.replace_block(("components", "fc2"), old_fc2).get(("components", "fc2", "clip_scale")) == 1.0
    assert undo.old_block(("components", "fc3"), "") is None


def test_a_block_inside_another_one_is_stored_with_it() -> None:
    old = parse(OLD)
    paths = [("components",), ("components", "fc1")]
    text = attach(old, migrated(old), paths, {})
    body, undo = detach(text, where="f.yaml")
    assert undo is not None
    assert undo.restore(body) == OLD
    assert undo.old_block(("components", "fc1"), parse(body).block(("components", "fc1"))) is None


def test_only_edited_blocks_are_stored() -> None:
    many = "components:\n" + "".join(f"  c{n}:\n    a: {n} # comment\n" for n in range(200))
    old = parse(many)
    new = old.set_value(("components", "c7", "a"), 0).set_value(("components", "c190", "a"), 0)
    text = attach(old, new, [("components", "c7"), ("components", "c190")], {})
    assert len(text) - len(new.text) < 700


def test_a_file_without_a_footer() -> None:
    assert detach(OLD, where="f.yaml") == (OLD, None)
    assert detach("", where="f.yaml") == ("", None)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_blank_lines_and_a_lost_last_line_break_do_no_harm(newline: str) -> None:
    old = OLD.replace("\n", newline)
    for text in (
        attached(old) + newline,
        attached(old).removesuffix(newline),
        attached(old).replace("=" + newline, "= "),
    ):
        body, undo = detach(text, where="f.yaml")
        assert undo is not None
        assert undo.restore(body) == old


@pytest.mark.parametrize(
    ("damage", "place", "what"),
    [
        (lambda t: t + "# more\n", "line 19", "'# more', which is no line of the footer"),
        (lambda t: t + "a: 1\n", "line 19", "'a: 1', which is no line of the footer"),
        (lambda t: t + t, "line 29", "a second footer"),
        (lambda t: t.replace("# era: E4d", "# era: E5"), "line 11", "does not fit its checksum (its checksum differs)"),
        (lambda t: t.replace("# era: E4d\n", ""), "line 11", "does not fit its checksum"),
        (lambda t: t.replace("# undo: ", "# undo: A", 1), "line 11", "does not fit its checksum"),
        (lambda t: t.replace("# undo: ", "# undo: !", 1), "line 11", "does not fit its checksum"),
        (lambda t: t[:-30] + "\n", "line 11", "does not fit its checksum"),
        (lambda t: t[: t.index("# undo")], "line 11", "does not fit its checksum"),
    ],
)
def test_a_damaged_footer_is_refused_with_its_line(damage: Callable[[str], str], place: str, what: str) -> None:
    damaged = damage(attached(OLD))
    assert damaged != attached(OLD)
    with pytest.raises(UnusableFileError, match=re.escape(what)) as caught:
        detach(damaged, where="f.yaml")
    assert str(caught.value).startswith(f"f.yaml, {place}: has a damaged footer: ")


@pytest.mark.parametrize(
    "facts", [{"undo": "x"}, {"era": "a\nb"}, {"era": ""}, {"era": " x"}, {"a b": "x"}, {"era": "\u2028"}, {"": "x"}]
)
def test_facts_are_words_and_lines(facts: dict[str, str]) -> None:
    with pytest.raises(MigrationError, match="cannot note the fact"):
        attach(parse(OLD), parse(OLD), [], facts)


def test_a_second_footer_is_refused() -> None:
    with pytest.raises(MigrationError, match=r"f\.yaml: has a footer already"):
        attach(parse(OLD), parse(attached(OLD)), [], {})


LINES = st.sampled_from(
    ["a: 1", "  b: [1, 2] # ä🦊", "# c", "", "components:", "  x:", "    y: 'z'", "d:", "---", "e: |", "   f"]
)
TEXTS = st.builds(
    lambda lines, newline, final, mark: mark + newline.join(lines) + final * newline,
    st.lists(LINES, min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(0, 2),
    st.sampled_from(["", "\ufeff"]),
)


def readable(text: str) -> bool:
    try:
        parse(text)
    except UnusableFileError:
        return False
    return True


DOCUMENTS = TEXTS.filter(readable)


@given(DOCUMENTS, DOCUMENTS, st.sampled_from([[], [("a",)], [("a",), ("components", "x"), ("d",)]]))
def test_any_edit_can_be_undone(old: str, new: str, paths: list[tuple[str, ...]]) -> None:
    text = attach(parse(old), parse(new), paths, FACTS)
    body, undo = detach(text, where="f.yaml")
    assert undo is not None
    assert (body, undo.restore(body)) == (new, old)
    for path in paths:
        try:
            blocks = parse(new).block(path), parse(old).block(path)
        except UnusableFileError:
            continue
        assert undo.old_block(path, blocks[0]) == blocks[1]


@given(TEXTS)
def test_restoring_answers_only_for_what_was_written(text: str) -> None:
    body, undo = detach(attached(OLD), where="f.yaml")
    assert undo is not None
    assert undo.restore(text) == (OLD if text == body else None)
