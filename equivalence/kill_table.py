"""The kill table: what became of planted faults, and what that says of the harness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from migrate import cli

QUANTILES: Mapping[str, float] = {"median": 0.5, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True)
class Fault:
    """What became of one planted mistake.

    Attributes:
        component: stem of the component, or `(agent)` for what lies outside of components.
        name: what is wrong.
        kind: `forward`, or `gradient` where every value is right.
        equivalent: why nothing that can be observed changes; empty where something does.
        killed: whether it was found.
        level: that found it.
        examples_to_kill: inputs until it was found, those of levels that did not see it included.
        blamed: the component that was blamed.
        blamed_right: whether that was the one; None where there is only one to blame.
        detail: the first difference.
    """

    component: str
    name: str
    kind: str
    equivalent: str
    killed: bool = False
    level: str | None = None
    examples_to_kill: int | None = None
    blamed: str | None = None
    blamed_right: bool | None = None
    detail: str | None = None


def figures(faults: Sequence[Fault]) -> dict[str, Any]:
    """The kill table's totals; equivalent faults count neither as killed nor as missed."""
    real = [each for each in faults if not each.equivalent]
    killed = [each for each in real if each.killed]
    needed = sorted(each.examples_to_kill or 0 for each in killed)
    return {
        "planted": len(faults),
        "equivalent": len(faults) - len(real),
        "killed": len(killed),
        "blamed_right": sum(each.blamed_right is True for each in killed),
        "blamable": sum(each.blamed_right is not None for each in killed),
        "blamed": {kind: _blamed(killed, kind) for kind in ("forward", "gradient")},
        "examples_to_kill": {name: _quantile(needed, share) for name, share in QUANTILES.items()},
        "wrongly_equivalent": [f"{each.component}: {each.name}" for each in faults if each.equivalent and each.killed],
    }


def _quantile(ordered: Sequence[int], share: float) -> int | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _blamed(killed: Sequence[Fault], kind: str) -> dict[str, Any]:
    judged = [each for each in killed if each.kind == kind and each.blamed_right is not None]
    right = sum(each.blamed_right is True for each in judged)
    return {"right": right, "of": len(judged), "share": right / len(judged) if judged else None}


def show(result: Mapping[str, Any], faults: Sequence[Fault]) -> None:
    """The kill table: a row per component, then what was missed or blamed wrongly, then the totals."""
    table = Table(title="planted faults", title_justify="left")
    for heading in ("component", "planted", "equivalent", "killed", "blamed right", "examples to kill"):
        table.add_column(heading, justify="left" if heading == "component" else "right")
    for component in dict.fromkeys(each.component for each in faults):
        row = figures([each for each in faults if each.component == component])
        cells = (row["planted"], row["equivalent"], row["killed"])
        right = f"{row['blamed_right']} of {row['blamable']}" if row["blamable"] else "alone"
        table.add_row(component, *map(str, cells), right, str(row["examples_to_kill"]["max"] or ""))
    cli.console.print(table)
    for each in faults:
        if each.equivalent and each.killed:
            _say("not equivalent", each, each.detail)
        elif not each.equivalent and not each.killed:
            _say("missed", each, "")
        elif not each.equivalent and each.blamed_right is False:
            _say("blamed wrongly", each, f"{each.level} blames {each.blamed}")
    _totals(result)


def _say(what: str, fault: Fault, detail: str | None) -> None:
    cli.console.print(f"[red]{what}[/red] {escape(fault.component)}, {escape(fault.name)}: {escape(detail or '')}")


def _totals(result: Mapping[str, Any]) -> None:
    needed = result["examples_to_kill"]
    real = result["planted"] - result["equivalent"]
    shares = ", ".join(f"{kind} {row['right']} of {row['of']}" for kind, row in result["blamed"].items())
    cli.console.print(
        f"{result['planted']} planted, {result['equivalent']} change nothing, {result['killed']} of {real} killed; "
        f"examples to kill: median {needed['median']}, 99% within {needed['p99']}, all within {needed['max']}; "
        f"blamed right: {shares}; {result['seconds']:.0f} s"
    )
