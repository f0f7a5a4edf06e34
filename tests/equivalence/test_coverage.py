"""The page that says what every component was proved on: complete, current, and open about what is not proved."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from unittest import SkipTest

import pytest
from hypothesis import strategies as st

from equivalence.case import Case, Setup, Source
from equivalence.coverage import NEEDED, PAGE, SHARED, main
from equivalence.coverage_page import FAMILIES, cell, render
from equivalence.coverage_real import Folder, RealFiles, agent_in, components_in, family_of
from equivalence.coverage_rules import SUCCESSORS, UNDRAWN, Component, Version, drawn_by, proved, versions_of
from migrate.cli import DONE, FOUND, UNUSABLE
from migrate.recognise import Clue
from migrate.refused import DEAD_FILES, ON_BRANCHES, REFUSED
from migrate.registry import rules
from migrate.rule import ByEra, Rule, key

REAL = r"\d+ [cpg](?:, \d+ [cpg])*"
REASON = r" \(([a-z, ]+)\)"
CELL = re.compile(
    rf"(?:{REAL}|case|as (?:E\d+[a-e]?|2025-\d\d-\d\d[a-z]?))(?:{REASON})?|(?:unproved|refused|-){REASON}"
)
IMAGE = (Source("image", (2, 3, 4)),)


@cache
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def tables() -> Iterator[tuple[list[list[str]], set[str]]]:
    """Rows and letters of the tables by era."""
    eras = page().partition("## Eras and components\n")[2].partition("\n## ")[0]
    for table in eras.split("\n### ")[1:]:
        rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| [")]
        yield rows, set(re.findall(r"^- (\w+): \S", table, re.MULTILINE))


def test_every_component_has_a_row_and_a_section() -> None:
    rows = [row[0] for rows, _ in tables() for row in rows]
    assert sorted(rows) == sorted(f"[{stem}](#{stem})" for stem in rules())
    assert re.findall(r"^### (\w+)$", page().partition("## Each component")[2], re.MULTILINE) == list(rules())


def test_every_cell_says_what_was_tried_or_has_a_reason() -> None:
    for rows, letters in tables():
        for row in rows:
            assert len(row) == len(FAMILIES) + 1, row
            for text in row[1:]:
                match = CELL.fullmatch(text)
                assert match, (row[0], text)
                given = {letter for group in match.groups() if group for letter in group.split(", ")}
                assert given <= letters, (row[0], text)


def test_every_refused_class_appears_with_its_reason() -> None:
    for name, reason in {**REFUSED, **DEAD_FILES}.items():
        assert f"| `{name}` | {reason} |" in page()
    for name in ON_BRANCHES:
        assert f"`{name}`" in page()


@pytest.mark.real
@pytest.mark.slow
def test_the_page_is_current() -> None:
    if missing := [name for name in NEEDED if not (SHARED / name).is_dir()]:
        pytest.skip(f"REAL FILES ABSENT: no {', '.join(missing)} in {SHARED}, so nothing could be counted")
    # In a process of its own: Hypothesis takes constants from whatever modules other tests have loaded.
    command = [sys.executable, "-m", "equivalence.coverage", "--check"]
    assert subprocess.run(command, cwd=PAGE.parents[1], check=False).returncode == DONE


def test_without_real_files_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    before = PAGE.read_bytes()
    assert main(["--shared", "absent[bold]"]) == UNUSABLE
    assert "real files cannot be counted: absent[bold] has no" in capsys.readouterr().err
    assert PAGE.read_bytes() == before


def test_a_page_that_is_not_current_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NEEDED:
        (tmp_path / name).mkdir()
    old = tmp_path / "coverage.md"
    old.write_text("old", encoding="utf-8")
    monkeypatch.setattr("equivalence.coverage.ROOT", tmp_path)
    monkeypatch.setattr("equivalence.coverage.PAGE", old)
    monkeypatch.setattr("equivalence.coverage.page", lambda _: "new")
    arguments = ["--shared", str(tmp_path)]
    assert main([*arguments, "--check"]) == FOUND
    assert old.read_text(encoding="utf-8") == "old"
    assert main(arguments) == DONE
    assert main([*arguments, "--check"]) == DONE
    assert old.read_text(encoding="utf-8") == "new"


def test_successors_are_components() -> None:
    assert {*SUCCESSORS, *(stem for stems in SUCCESSORS.values() for stem in stems)} <= set(rules())


def test_a_version_ends_where_class_option_default_or_blackboard_changed() -> None:
    rule = Rule(
        old="obs_enc.ObsSelfAttn",  # since E6a
        new="",
        legacy=(("E6a", "A"), ("2025-07-15", "B")),
        fixed={"kept": ByEra((("E1", True), ("E10", None)))},
        keys=(key("scale", "scale", ByEra((("E1", None), ("E7a", 1)))),),
    )
    versions = versions_of(rule)
    starts = ["2025-06-18", "2025-07-02", "2025-07-15", "2025-08-07b", "2025-08-19"]
    assert [version.since for version in versions] == starts
    assert [version.before for version in versions] == [*starts[1:], "2025-09-21"]
    assert [version.legacy for version in versions] == ["A", "A", "B", "B", "B"]
    assert [dict(version.fixed) for version in versions] == [{"kept": True}] * 4 + [{}]


@pytest.mark.parametrize(
    ("stem", "since", "before", "drawn", "problem", "refused"),
    [
        ("dropout", "2025-05-01", "2025-08-07b", ("E4a", "E4d"), "", False),
        ("dropout", "2025-08-07b", "2025-09-21", (), UNDRAWN, False),
        ("batch_reshape", "2025-08-07b", "2025-09-21", (), "read the number of rows", True),
    ],
)
def test_a_version_is_drawn_or_says_why_not(
    stem: str, since: str, before: str, drawn: tuple[str, ...], problem: str, refused: bool
) -> None:
    setups = (Setup({}, IMAGE, era="E4d"), Setup({}, IMAGE, era="E4a"))
    found = proved(stem, Version(since, before, "", {}), Case(st.just(setups[0])), setups)
    assert (found.drawn, found.refused) == (drawn, refused)
    assert problem in found.problem
    assert bool(found.problem) != bool(drawn)


def test_draws_are_the_same_every_time() -> None:
    case = Case(st.sampled_from(["E1", "E4a", "E11"]).map(lambda era: Setup(era=era)))
    first = [setup.era for setup in drawn_by(case)]
    assert first == [setup.era for setup in drawn_by(case)]
    assert set(first) == {"E1", "E4a", "E11"}


def test_a_case_without_draws_gives_none() -> None:
    def skip() -> Setup:
        raise SkipTest("nothing to draw")

    assert drawn_by(Case(st.builds(skip))) == ()


LIFE = Clue("", "E4a", "E10")
DRAWN = Version("2025-05-01", "2025-08-07b", "Old", {}, ("E4d", "E5e", "E6c"))


def test_a_gap_of_the_case_says_why_nothing_is_drawn() -> None:
    case = Case(st.nothing(), gaps=(("E2a", "E4a", "told nothing of its sources"),))
    found = proved("add_merge", Version("2025-02-27", "2025-05-01", "", {}), case, ())
    assert (found.problem, found.refused) == ("told nothing of its sources", True)


NOT_DRAWN = Version("2025-08-07b", "2025-08-13", "Old", {}, (), UNDRAWN)
REFUSED_VERSION = Version("2025-08-13", "2025-08-19", "Old", {}, (), "it never ran", refused=True)


@pytest.mark.parametrize(
    ("era", "text", "reason"),
    [
        ("E3", "-", "not before E4a (2025-05-01)"),
        ("E4", "case", ""),
        ("E5", "2 c, 1 g", ""),
        ("E7", "as E6c", ""),
        ("E8", "unproved", f"code of E8 until E9: {UNDRAWN}"),
        ("E9", "refused", "code of E9 until E10: it never ran"),
        ("E10", "-", "deleted with E10 (2025-08-19); then there was obs_token_to_box_shaper"),
    ],
)
def test_a_cell(era: str, text: str, reason: str) -> None:
    component = Component("obs_shaper", Rule("", ""), LIFE, (DRAWN, NOT_DRAWN, REFUSED_VERSION), ())
    real = RealFiles(Counter({("obs_shaper", "E5", "c"): 2, ("obs_shaper", "E5", "g"): 1}))
    assert cell(component, era, real) == (text, [reason] if reason else [])


def test_real_files_do_not_hide_that_a_part_of_the_era_is_not_drawn() -> None:
    component = Component("x", Rule("", ""), LIFE, (DRAWN, NOT_DRAWN), ())
    real = RealFiles(Counter({("x", "E8", "p"): 1}))
    assert cell(component, "E8", real) == ("1 p", [f"code of E8 until E9: {UNDRAWN}"])


def test_tensors_of_many_layers_are_one_entry() -> None:
    names = ("layers.0.mlp.0.w", "layers.0.mlp.2.w", "layers.1.mlp.0.w", "layers.1.mlp.2.w")
    tensors = tuple((old, old.replace("mlp.0", "first").replace("mlp.2", "second")) for old in names)
    text = render([Component("x", Rule("a.B", "C"), LIFE, (DRAWN,), tensors)], RealFiles())
    assert "- state: `layers.N.mlp.0.w` -> `layers.N.first.w`, `layers.N.mlp.2.w` -> `layers.N.second.w`\n" in text


def test_a_real_file_counts_once_for_each_component_in_it() -> None:
    real = RealFiles()
    classes = ("metta.agent.lib.lstm.LSTM", *["agent.lib.nn_layer_library.Linear"] * 3, "my_lab.Unknown")
    real.add("p", "E4", classes)
    assert real.exercised == Counter({("lstm", "E4", "p"): 1, ("linear", "E4", "p"): 1})


def test_goldens_count_by_the_date_of_their_commit_and_only_with_results(tmp_path: Path) -> None:
    commit, failed = "2492a920f0", {"BUILD": {"ERROR": "KeyError:  'encoded_obs'"}}
    goldens = {
        "a": {"commit": commit, "config": "fast"},
        "b": {"commit": commit, "config": "E8/fast.yaml"},
        "c": {"commit": "0000000000", "config": "fast"},
        "d": {"commit": commit, "config": "fast", **failed},
    }
    (tmp_path / "golden").mkdir()
    for name, content in goldens.items():
        (tmp_path / "golden" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    real = Folder(tmp_path).files()
    assert (real.exercised["linear", "E10", "g"], real.used) == (1, {"g": 1})
    assert real.refused == {
        "golden/b.json": "its config, E8/fast.yaml, is not among the real files",
        "golden/c.json": "no date is known of its commit",
        "golden/d.json": "records that no agent could be built, which both stacks repeat: KeyError: 'encoded_obs'",
    }


def test_a_config_counts_if_both_stacks_build_an_agent_from_it(tmp_path: Path) -> None:
    folder = tmp_path / "configs" / "E4"
    folder.mkdir(parents=True)
    good = (PAGE.parent.parent / "examples" / "simple.yaml").read_text(encoding="utf-8")
    (folder / "good.yaml").write_text(good, encoding="utf-8")
    (folder / "bad.yaml").write_text(
        good.replace("nn_layer_library.Flatten", "nn_layer_library.Flat"), encoding="utf-8"
    )
    (folder / "job.yaml").write_text("trainer: {}", encoding="utf-8")
    real = Folder(tmp_path).files()
    assert (real.exercised["flatten", "E4", "c"], real.used) == (1, {"c": 1})
    assert list(real.refused) == ["configs/E4/bad.yaml"]
    assert "no rule for the class metta.agent.lib.nn_layer_library.Flat" in real.refused["configs/E4/bad.yaml"]


@pytest.mark.parametrize("text", ["components: {a: {_target_: x.Y}}", "agent: {components: {a: {_target_: x.Y}}}"])
def test_an_agent_stands_at_top_level_or_below_agent(text: str) -> None:
    assert components_in(text) == ("x.Y",)


def test_other_yaml_files_hold_no_agent() -> None:
    assert agent_in("defaults: [components]") == {}


def test_a_name_without_era_is_no_era() -> None:
    with pytest.raises(ValueError, match="'simple' does not begin with an era"):
        family_of("simple")
