"""What a proof found, as plain values: the rows of the terminal's table, of `result.json` and of every report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from equivalence.compare import Difference
from equivalence.strategies import Draw

SCHEMA = "metta-equivalence/1"
"""Name and version of the format of `result.json`; the version grows when a key changes its meaning."""
EQUAL, DIFFERENT, INCONCLUSIVE = "equal", "different", "inconclusive"
ULP = "by one ulp"
"""As far as the weight of a negative control is off, where nothing accepts so little."""


@dataclass
class Control:
    """The negative control of a level: the same run, with one weight of the new agent off by a little.

    Attributes:
        weight: which number of which parameter, under its new name.
        component: whose it is; empty for the agent's own.
        found: whether the level reported it.
        blamed: the component that was blamed for it.
        examples: inputs until it was found.
        unseen: weights that were tried before and that no input of the run could show, such as those of a dead unit.
        moved: how far the weight is off, in words.
    """

    weight: str
    component: str
    found: bool
    blamed: str | None
    examples: int
    unseen: int = 0
    moved: str = ULP

    @property
    def passed(self) -> bool:
        """Whether the level saw the fault and named its place."""
        return self.found and self.blamed == (self.component or None)


@dataclass
class LevelResult:
    """What one level found.

    Attributes:
        level: its name.
        purpose: what it shows, in a line.
        examples: how many inputs were tried.
        compared: how many tensors were compared.
        failed_alike: passes that failed on both sides, in which nothing was compared.
        failure: what the first of them raised; None where none failed.
        skipped: why this pair has nothing to compare on this level; None where it has.
        differences: of the smallest failing input.
        failing: that input.
        blamed: the component where the difference begins.
        divergences: names of declared divergences that were met.
        ties: sampled actions that differ within the noise; only under the `oracle` policy.
        ratio: error of the new side to that of the old one; only under the `oracle` policy.
        steps: largest difference in ulp per step of a rollout or a training, of the failing input.
        control: the negative control; None where it was not run.
        seconds: of wall time.
    """

    level: str
    purpose: str = ""
    examples: int = 0
    compared: int = 0
    failed_alike: int = 0
    failure: str | None = None
    skipped: str | None = None
    differences: list[Difference] = field(default_factory=list)
    failing: Draw | None = None
    blamed: str | None = None
    divergences: list[str] = field(default_factory=list)
    ties: int = 0
    ratio: float | None = None
    steps: list[int] = field(default_factory=list)
    control: Control | None = None
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether nothing differed, something was compared, and the control was seen."""
        if self.skipped is not None:
            return True
        return not self.differences and self.compared > 0 and (self.control is None or self.control.passed)


@dataclass
class ComponentResult:
    """What all levels found of one component.

    Attributes:
        name: of the component.
        old: its class in the old stack.
        new: and in the new one.
        sources: the components that it reads.
        parameters: how many numbers it learns.
        compared: passes in which its output was compared.
        differing: tensors of it among the differences that levels report.
        ulp: the largest difference between two numbers; None where there is none, or where they cannot be counted.
        blamed: levels that blame it.
    """

    name: str
    old: str
    new: str
    sources: list[str]
    parameters: int
    compared: int = 0
    differing: int = 0
    ulp: int | None = None
    blamed: list[str] = field(default_factory=list)


@dataclass
class ProofResult:
    """A whole proof.

    Attributes:
        old: what ran in the old stack: a file.
        new: what ran in the new stack: a file, or "migrated in memory".
        policy: `bitwise` or `oracle`.
        seed: of the inputs.
        examples: inputs per level that were asked for.
        conditions: what bits depend on, and what the noise floor was found to be.
        components: in execution order.
        levels: in the order in which they ran.
        reproduce: the command that repeats this run.
        bundle: folder with what reproduces a difference; None where there is none.
        unfinished: levels that tried fewer inputs than were asked for, since the time was over.
        seconds: of wall time.
    """

    old: str
    new: str
    policy: str
    seed: int
    examples: int
    conditions: Mapping[str, Any]
    components: list[ComponentResult]
    levels: list[LevelResult]
    reproduce: str
    bundle: str | None = None
    unfinished: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """`different` where anything differed, `equal` where all was compared, else `inconclusive`."""
        if any(level.differences for level in self.levels):
            return DIFFERENT
        compared = any(level.compared for level in self.levels)
        complete = compared and all(level.equal for level in self.levels) and not self.conditions.get("obstacles")
        return EQUAL if complete else INCONCLUSIVE

    def to_dict(self) -> dict[str, Any]:
        """JSON values, with the name of the schema first."""
        report = {"schema": SCHEMA, "verdict": self.verdict, **asdict(self)}
        for row, level in zip(report["levels"], self.levels, strict=True):
            row["equal"] = level.equal
        return report
