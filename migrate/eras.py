"""The eras of the old stack: when each began, where its classes lived, and the date that a file is taken for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from migrate.commits import DATES
from migrate.errors import UsageError

ROOTS = ("metta.agent.lib.", "agent.lib.")
AGENTS = ("metta.agent.metta_agent.MettaAgent", "agent.metta_agent.MettaAgent")
RECORDS = (
    "metta.agent.policy_store.PolicyRecord",
    "agent.policy_store.PolicyRecord",
    "metta.agent.policy_record.PolicyRecord",
)

STARTS = {
    "E1": "2025-02-20",
    "E2a": "2025-02-27",
    "E2b": "2025-02-27b",
    "E2c": "2025-03-13",
    "E3": "2025-04-15",
    "E3b": "2025-04-22",
    "E4a": "2025-05-01",
    "E4b": "2025-05-10",
    "E4c": "2025-05-13",
    "E4d": "2025-05-20",
    "E5a": "2025-05-30",
    "E5b": "2025-06-03",
    "E5c": "2025-06-05",
    "E5d": "2025-06-09",
    "E5e": "2025-06-16",
    "E6a": "2025-06-18",
    "E6b": "2025-06-24",
    "E6c": "2025-06-28",
    "E7a": "2025-07-02",
    "E7b": "2025-07-09",
    "E8": "2025-08-07b",
    "E9": "2025-08-13",
    "E10": "2025-08-19",
    "E11": "2025-09-02",
}
"""Era -> date of its first commit; a letter orders the commits of one day."""
ORDER = tuple(STARTS)
END_OF_DAY = "z"
"""Behind a date, this sorts behind every commit of its day."""
END = "2025-09-21"
"""When the old stack was deleted."""
COMMIT = 10
"""How many characters of a commit are enough."""
DATE = re.compile(r"2025-\d\d-\d\d[a-z]?")


def start_of(point: str) -> str:
    """The date of an era's name; a date as it is."""
    return STARTS.get(point, point)


def just_before(point: str) -> str:
    """The last date before an era or a date; it sorts behind every commit of its day."""
    day = start_of(point)
    if day[10:] > "a":
        return f"{day[:10]}{chr(ord(day[10]) - 1)}"
    return f"{date.fromisoformat(day[:10]) - timedelta(days=1)}{END_OF_DAY}"


@dataclass(frozen=True)
class Era:
    """A point in the history of the old stack, and why a file was taken for it.

    Attributes:
        name: as in `ORDER`; a date may be given instead.
        evidence: what in the file says so.
        date: of the code; the era's last day if not given.
        earliest: the file may be as old as this; between it and `date` nothing in the file decides.
    """

    name: str
    evidence: tuple[str, ...] = ()
    date: str = ""
    earliest: str = ""

    def __post_init__(self) -> None:
        if self.name not in STARTS:
            object.__setattr__(self, "date", self.name)
            object.__setattr__(self, "name", name_at(self.name))
        later = [*ORDER[ORDER.index(self.name) + 1 :], END]
        last = max(just_before(later[0]), STARTS[self.name])
        object.__setattr__(self, "date", self.date or last)
        object.__setattr__(self, "earliest", self.earliest or self.date)

    @property
    def root(self) -> str:
        """Import root of the component classes, with a final dot."""
        return ROOTS[0] if self.is_since("E3") else ROOTS[1]

    @property
    def agent(self) -> str:
        """Class path of the agent."""
        return AGENTS[0] if self.is_since("E3") else AGENTS[1]

    @property
    def record(self) -> str:
        """Class path of the policy record."""
        if self.is_since("E6c"):
            return RECORDS[2]
        return RECORDS[0] if self.is_since("E3") else RECORDS[1]

    def is_since(self, point: str) -> bool:
        """Whether this is the era or date `point`, or later."""
        return self.date >= start_of(point)


def name_at(day: str) -> str:
    """The era in which a date lies."""
    return [name for name, start in STARTS.items() if day >= start][-1]


def below_root(path: str) -> str:
    """`metta.agent.lib.lstm.LSTM` -> `lstm.LSTM`; other paths as they are."""
    for root in ROOTS:
        if path.startswith(root):
            return path.removeprefix(root)
    return path


def named(name: object, where: object) -> Era:
    """The era that a user or a file names, a commit or its date; `E5` stands for all of E5a to E5e.

    Raises:
        UsageError: "no era ...".
    """
    text = DATES.get(str(name)[:COMMIT], str(name))
    parts = [text] if text in STARTS else [each for each in ORDER if each[:-1] == text and each[-1].isalpha()]
    if parts:
        return Era(parts[-1], ("named",), earliest=STARTS[parts[0]])
    if DATE.fullmatch(text) and STARTS["E1"] <= text < END and _is_a_day(text):
        return Era(text, ("named",))
    others = f"a date from {STARTS['E1']} on, or the first {COMMIT} characters of a commit of the old project"
    raise UsageError(f"no era {name!r}", where=where, fix=f"eras are {', '.join(ORDER)}, {others}")


def _is_a_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text[:10]))
    except ValueError:
        return False


def is_range(name: object) -> bool:
    """Whether a name such as `E5` stands for several eras, among which the file has to decide."""
    text = DATES.get(str(name)[:COMMIT], str(name))
    return text not in ORDER and not DATE.fullmatch(text)
