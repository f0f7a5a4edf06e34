"""Writes the text of docs/coverage.md from what `coverage_rules` and `coverage_real` collected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from equivalence.coverage_real import KINDS, RealFiles, family_of
from equivalence.coverage_rules import BREAKS, SUCCESSORS, Component, Version
from migrate.eras import END, ORDER, STARTS, Era, start_of
from migrate.recognise import Clue
from migrate.refused import BRANCH_ONLY, DEAD_FILES, ON_BRANCHES, REFUSED, SECOND_LSTM
from migrate.rule import ByEra, Key

FAMILIES = tuple(dict.fromkeys(map(family_of, ORDER)))
_STARTS = [min(STARTS[name] for name in ORDER if family_of(name) == family) for family in FAMILIES]
SPANS = dict(zip(FAMILIES, pairwise([*_STARTS, END]), strict=True))
"""Era, without its letter -> its first date, and the first one after it."""
NAMES = {date: name for name, date in STARTS.items()}
GROUPS = {
    "nn_layer_library": "Layer library",
    "merge_layer": "Merges and shapes",
    **dict.fromkeys(
        ("obs_shaper", "observation_normalizer", "feature_normalizer", "obs_token_to_box_shaper"), "Observations"
    ),
    "obs_enc of E5": "Tokens of E5",
    "obs_tokenizers": "Tokens since E6",
    "obs_enc": "Attention",
    "lstm": "Recurrent",
    **dict.fromkeys(("action", "actor"), "Actors"),
}
"""Old file -> heading of its table."""
OTHER = "Others"
NUMBER = re.compile(r"(?<=\.)\d+(?=\.)|(?<=_l)\d+\b")
"""Of a layer, in a tensor's name."""
INTRO = f"""# Coverage: is my component of my era safe?

Written by `python -m equivalence.coverage` from the rules, the cases and the real files; not edited by hand.

Find the component in the tables below: a row per component, a column per era. A cell says what the component was tried
on in code of that era, the strongest first:

| cell | meaning |
|---|---|
| `2 c, 1 p, 3 g` | real files with it: configs, policies, goldens (what historical code computed from a seed) |
| `case` | no such file, but its case draws ways to build it in that era |
| `as E6c` | its case draws code of E6c, which was the same |
| `unproved` | it existed and nothing was tried; the letter says why |
| `refused` | it existed and is not migrated; the letter says why |
| `-` | it did not exist; the letter says why |

Everything that was tried is equal bit for bit in both stacks: real files in `tests/real`, draws of cases in
`tests/equivalence`. A config counts if both stacks build an agent from it, a policy if it has a plan, a golden if it
records results. Code is the same where old class, config keys, defaults and kept options are, and where agents use
components alike, which changed with {", ".join(BREAKS)}. A letter beside a number or a `case` says which part of that
era is not proved. Dates are those of commits to the old project; a letter behind a date orders the commits of one day.

Whole agents of every date are proved besides, in `tests/migrate/test_every_era.py`; your own files are by
`python -m equivalence OLD [NEW]`.
"""


def render(components: Sequence[Component], real: RealFiles) -> str:
    """The page."""
    cells: Counter[str] = Counter()
    tables = [
        line
        for heading in dict.fromkeys((*GROUPS.values(), OTHER))
        for line in _group(heading, components, real, cells)
    ]
    details = [line for component in components for line in _detail(component, real)]
    parts = (INTRO, "## Eras and components\n", *tables, "## Each component\n", *details, *_refusals(real))
    return "\n".join((*parts, *_totals(components, real, cells))).rstrip() + "\n"


def group_of(component: Component) -> str:
    """Heading of the table that a component stands in."""
    file = component.rule.old.rpartition(".")[0]
    if start_of(component.life.before) == STARTS["E6a"]:
        file = {"obs_enc": "obs_enc of E5"}.get(file, file)
    return OTHER if component.rule.root else GROUPS.get(file, OTHER)


def _group(heading: str, components: Sequence[Component], real: RealFiles, cells: Counter[str]) -> Iterator[str]:
    members = [component for component in components if group_of(component) == heading]
    if not members:
        return
    letters: dict[str, str] = {}
    yield f"### {heading}\n"
    yield _row("component", *FAMILIES)
    yield _row(*["---"] * (len(FAMILIES) + 1))
    for component in members:
        row = []
        for family in FAMILIES:
            text, reasons = cell(component, family, real)
            cells[text.split()[0] if text[0].isalpha() or text == "-" else "files"] += 1
            notes = [letters.setdefault(reason, _letter(len(letters))) for reason in reasons]
            row.append(f"{text} ({', '.join(notes)})" if notes else text)
        yield _row(f"[{component.stem}](#{component.stem})", *row)
    yield ""
    yield from (f"- {letter}: {_escaped(reason)}" for reason, letter in letters.items())
    yield ""


def cell(component: Component, family: str, real: RealFiles) -> tuple[str, list[str]]:
    """What stands in a cell, and the reasons that belong to it."""
    first, last = SPANS[family]
    there = [v for v in component.versions if v.since < last and first < v.before]
    if not there:
        return "-", [_absence(component, last)]
    counts = [(real.exercised[component.stem, family, kind], kind) for kind in KINDS]
    files = ", ".join(f"{count} {kind}" for count, kind in counts if count)
    reasons = [f"code of {_name(v.since)} until {_name(v.before)}: {v.problem}" for v in there if v.problem]
    drawn = [name for v in there for name in v.drawn]
    if files or any(first <= Era(name).date < last for name in drawn):
        return files or "case", reasons
    if drawn:
        return f"as {max((n for n in drawn if Era(n).date < last), key=start_of, default=drawn[0])}", reasons
    return "refused" if all(v.refused for v in there) else "unproved", reasons


def _absence(component: Component, last: str) -> str:
    life = component.life
    if last <= start_of(life.since):
        return f"not before {_spoken(life.since)}"
    after = SUCCESSORS.get(component.stem, ())
    return f"deleted {_when(life.before)}" + (f"; then there was {' with '.join(after)}" if after else "")


def _detail(component: Component, real: RealFiles) -> Iterator[str]:
    rule, stem = component.rule, component.stem
    yield f"### {stem}\n"
    yield f"`{rule.root}{rule.old}` -> `modules.layers.{stem}.{rule.new}`; {_lived(component.life)}.\n"
    yield f"- config: {_listed(map(_key, rule.keys), 'no options')}" + _earlier(component)
    yield f"- state: {_listed(_folded(component.tensors), 'no tensors')}"
    carried = [f"`{each.old}` -> `{each.new}`" for each in rule.attributes]
    yield f"- carried beside the state: {_listed(carried, 'nothing')}"
    changing = [f"`{option}`: {_steps(value)}" for option, value in rule.fixed.items()]
    yield f"- options that keep what the old class did: {_listed(changing, 'none')}"
    sums = [(sum(real.exercised[stem, family, kind] for family in FAMILIES), kind) for kind in KINDS]
    yield f"- proof: `equivalence/cases/{stem}.py`, {', '.join(f'{count} {KINDS[kind]}' for count, kind in sums)}\n"
    yield _row("since", f"in `legacy.layers.{stem}`", "its case draws")
    yield _row("---", "---", "---")
    for version in component.versions:
        yield _row(_name(version.since), f"`{version.legacy}`", _drawn(version))
    yield ""


def _drawn(version: Version) -> str:
    return ", ".join(version.drawn) or f"{'refused' if version.refused else 'nothing'}: {_escaped(version.problem)}"


def _lived(life: Clue) -> str:
    until = "the end" if life.before == END else f"its deletion {_when(life.before)}"
    return f"from {_spoken(life.since)} to {until}"


def _key(key: Key) -> str:
    old, new = (" and ".join(f"`{name}`" for name in names) or "nothing" for names in (key.old, key.new))
    return old if old == new else f"{old} -> {new}"


def _earlier(component: Component) -> str:
    points = [_name(start_of(before)) for before, _ in component.rule.keys_before]
    return f"; other keys before {', '.join(points)}" if points else ""


def _folded(tensors: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Tensors by name, those that differ in numbers of layers alone as one."""
    alike: dict[str, list[str]] = {}
    for old, new in tensors:
        text = f"`{old}` -> `{new}`"
        alike.setdefault(NUMBER.sub("N", text), []).append(text)
    for texts in alike.values():
        places = zip(*map(NUMBER.findall, texts), strict=True)
        shown = [same[0] if len(set(same)) == 1 else "N" for same in places]
        parts = NUMBER.split(texts[0])
        yield "".join(f"{part}{number}" for part, number in zip(parts, [*shown, ""], strict=True))


def _steps(value: Any) -> str:
    if not isinstance(value, ByEra):
        return f"`{value!r}`"
    steps = [(_name(start_of(since)), "not written" if v is None else f"`{v!r}`") for since, v in value.steps]
    return ", ".join(f"{said} since {since}" if i else said for i, (since, said) in enumerate(steps))


def _refusals(real: RealFiles) -> Iterator[str]:
    yield "## What is refused, and why\n"
    yield _row("old class or file", "reason")
    yield _row("---", "---")
    yield from (_row(f"`{path}`", _escaped(reason)) for path, reason in {**REFUSED, **DEAD_FILES}.items())
    yield _row(", ".join(f"`{name}`" for name in ON_BRANCHES), _escaped(BRANCH_ONLY))
    yield _row("a second `lstm.LSTM` in one agent", SECOND_LSTM)
    yield "\nReal files that exercise no component, and are in no cell:\n"
    yield _row("reason", "files")
    yield _row("---", "---")
    reasons: dict[str, list[str]] = {}
    for file, reason in real.refused.items():
        reasons.setdefault(reason, []).append(file)
    yield from (_row(_escaped(reason), ", ".join(f"`{file}`" for file in files)) for reason, files in reasons.items())
    yield ""


def _totals(components: Sequence[Component], real: RealFiles, cells: Mapping[str, int]) -> Iterator[str]:
    yield "## Totals\n"
    versions = sum(len(component.versions) for component in components)
    undrawn = sum(bool(v.problem) and not v.refused for component in components for v in component.versions)
    yield f"- {len(components)} components in {versions} versions, {undrawn} of which their cases do not draw"
    yield f"- {len(FAMILIES)} eras in {len(STARTS)} parts"
    files = ", ".join(f"{real.used[kind]} {name}" for kind, name in KINDS.items())
    yield f"- real files in the cells: {files}; in none: {len(real.refused)}"
    names = {"files": "with real files", "as": "as another era", "-": "without the component"}
    order = ("files", "case", "as", "unproved", "refused", "-")
    yield f"- {sum(cells.values())} cells: " + ", ".join(f"{cells[each]} {names.get(each, each)}" for each in order)


def _row(*texts: str) -> str:
    return f"| {' | '.join(texts)} |"


def _listed(texts: Any, none: str) -> str:
    return ", ".join(texts) or none


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _letter(index: int) -> str:
    return chr(ord("a") + index % 26) * (index // 26 + 1)


def _name(date: str) -> str:
    return "the end" if date == END else NAMES.get(date, date)


def _spoken(point: str) -> str:
    return f"{point} ({STARTS[point][:10]})" if point in STARTS else point


def _when(point: str) -> str:
    return f"with {_spoken(point)}" if point in STARTS else f"on {point}"
