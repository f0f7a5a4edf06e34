"""What the YAML editor reads as OmegaConf does, and what it refuses with its place."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from migrate.errors import UnusableFileError
from migrate.yaml_edit import Document, Item
from migrate.yaml_text import same
from tests.migrate._yaml import parse


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        (
            "a: 1\nb: [1, 2",
            "line 2, column 4",
            "is not valid YAML: while parsing a flow sequence, did not find expected",
        ),
        ("a: 'x\n", "line 1, column 4", "is not valid YAML: while scanning a quoted scalar"),
        ("a: 1\n b: 2\n", "line 2, column 3", "is not valid YAML: mapping values are not allowed"),
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1", "has the key 'a' twice, first in line 1"),
        ("x:\n  - {a: 1, b: 2, a: 3}\n", "line 2, column 18", "has the key 'a' twice, first in line 2"),
        ("a: &b 1\n", "line 1, column 4", "uses the anchor &b"),
        ("a: &b {x: 1}\n", "line 1, column 4", "uses the anchor &b"),
        ("a: *b\n", "line 1, column 4", "uses the alias *b"),
        ("a:\n  <<: {b: 1}\n", "line 2, column 3", "uses the merge key <<"),
        ("a: !x 1\n", "line 1, column 4", "uses the tag !x"),
        ("a: !!float 1\n", "line 1, column 4", "uses the tag tag:yaml.org,2002:float"),
        ("a:\n  b:\t1\n", "line 2, column 5", ""),
        ("a: 'x\ty'\n", "line 1, column 6", "holds a tab outside of a comment"),
        ("? a\n: 1\n", "line 1, column 1", "uses `?` before a key"),
        ("1: a\n", "line 1, column 1", "has the key 1, which is not a string"),
        ("a:\n  on: 1\n", "line 2, column 3", "has the key on, which is not a string"),
        ("{[1]: a}\n", "line 1, column 2", "has the key [1], which is not a string"),
        ("- a\n", "line 1, column 1", "is a sequence, expected a mapping"),
        ("# c\nword\n", "line 2, column 1", "is a scalar, expected a mapping"),
        ("# only\n", "line 2, column 1", "is empty, expected a mapping"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1", "holds several documents"),
        ("a: =\n", "line 1, column 4", "holds '=', which has no YAML value"),
        ("a: 0x_\n", "line 1, column 4", "holds '0x_', which has no YAML value"),
        ("a: 1\nb: \x00\n", "line 2, column 4", "is not text: holds the character '\\x00'"),
        ("a: 1\rb: 2\n", "line 1, column 5", "is not text: holds the character '\\r'"),
        ("a: x\u2028b\n", "line 1, column 5", "is not text: holds the character '\\u2028'"),
        ("a: \udc80\n", "line 1, column 4", "is not text: holds the character '\\udc80'"),
        ("a: " + "[" * 900, "line 1, column 68", "is nested deeper than 64 levels"),
        ("\n".join(" " * n + "a:" for n in range(200)), "line 65, column 65", "is nested deeper than 64 levels"),
    ],
)
def test_files_that_cannot_be_edited(text: str, place: str, what: str) -> None:
    with pytest.raises(UnusableFileError, match=re.escape(place) + ".*" + re.escape(what)) as caught:
        parse(text)
    assert str(caught.value).startswith("f.yaml, line ")


@given(
    st.one_of(
        st.binary(max_size=40).map(lambda b: b.decode("latin-1")), st.text(alphabet="ab:-?[]{}#&*!|>'\"% \n\t,=1")
    )
)
def test_garbage_is_refused_with_its_place_or_read(text: str) -> None:
    result: Document | str
    try:
        result = parse(text)
    except UnusableFileError as error:
        result = str(error)
    if isinstance(result, str):
        assert re.match(r"f\.yaml, line \d+, column \d+: ", result)
    else:
        items = [Item((key,), value) for key, value in result.data.items()]
        assert result.rewrite((), items) is result


@pytest.mark.parametrize(
    "text",
    [
        "1e-3",
        "1e3",
        "1.5",
        "1_000",
        "0o17",
        "017",
        "2020-01-01",
        "12:30:45",
        "~",
        "yes",
        ".inf",
        "-.INF",
        ".5",
        "1_0.5e3",
        "'1'",
    ],
)
def test_scalars_are_read_as_omegaconf_reads_them(text: str) -> None:
    omega = OmegaConf.to_container(OmegaConf.create(f"a: {text}\n"))
    assert isinstance(omega, dict)
    assert same(parse(f"a: {text}\n").data["a"], omega["a"])


def test_what_looks_like_a_comment_in_a_scalar_is_none() -> None:
    text = dedent("""\
        a: |
          # text
        # comment
        b: 1
        """)
    assert parse(text).delete(("a",)).text == "# comment\nb: 1\n"
