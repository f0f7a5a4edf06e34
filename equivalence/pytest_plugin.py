"""The pytest plugin: one line in a repository's settings proves its own configs and policies, each level a test.

[tool.pytest.ini_options]
equivalence_files = ["configs", "policies/best.pt"]
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from equivalence.finding import Pair
    from equivalence.result import LevelResult

# Imports inside functions: pytest loads this module before a conftest can set what torch reads when it is imported.

SHOWN = 10


def _positive(text: str) -> int:
    from equivalence.options import positive

    return positive(text)


def _seed(text: str) -> int:
    from equivalence.options import seed

    return seed(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    group = parser.getgroup("equivalence", "proof of the migration on real files")
    group.addoption("--equivalence-examples", type=_positive, metavar="N", help="inputs per level of each file")
    group.addoption("--equivalence-seed", type=_seed, default=0, metavar="S", help="other inputs")
    parser.addini("equivalence_files", "configs and policies to prove, or folders of them", type="paths", default=[])
    parser.addini("equivalence_examples", "inputs per level of each file", default="25")


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Adds the proofs of the settings' files, unless single files or tests were asked for by name."""
    places: list[Path] = config.getini("equivalence_files")
    if not places or any("::" in each or Path(each).is_file() for each in config.args):
        return
    from equivalence.subjects import subjects

    examples: str = config.getini("equivalence_examples")
    if not examples.isdecimal() or not int(examples):
        raise pytest.UsageError(f"equivalence_examples: must be a whole number, at least 1; got {examples!r}")
    for missing in (place for place in places if not place.exists()):
        raise pytest.UsageError(f"equivalence_files: {missing} is not there")
    for file in subjects(places):
        proofs: Iterator[pytest.Item] = ProofFile.from_parent(session, path=file).collect()
        items.extend(proofs)


class ProofFile(pytest.File):
    """A config or a policy."""

    @cached_property
    def pair(self) -> Pair:
        """Both agents of the file."""
        import torch

        from equivalence.subjects import pair_of

        torch.set_num_threads(1)
        return pair_of(self.path)

    def collect(self) -> Iterator[Any]:
        """A test per level."""
        from equivalence.harness import LEVELS

        for level in LEVELS:
            yield ProofItem.from_parent(self, name=level)


class UnequalError(AssertionError):
    """A level that is not equal."""

    def __init__(self, result: LevelResult) -> None:
        super().__init__(result.level)
        self.result = result


class ProofItem(pytest.Item):
    """One level of a proof."""

    def runtest(self) -> None:
        """Proves the level; a file that cannot be used fails with its own message."""
        from equivalence.proof import Run, prove

        assert isinstance(self.parent, ProofFile)
        given = self.config.getoption("--equivalence-examples")
        examples = int(given or self.config.getini("equivalence_examples"))
        run = Run(examples, self.config.getoption("--equivalence-seed"), controls=True)
        (result,) = prove(self.parent.pair, levels=[self.name], run=run)
        if result.skipped:
            pytest.skip(result.skipped)
        if not result.equal:
            raise UnequalError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What differs, where it begins and on which input, without a traceback through the harness."""
        from modules.errors import MettaError

        if isinstance(excinfo.value, MettaError):
            return str(excinfo.value)
        if not isinstance(excinfo.value, UnequalError):
            return super().repr_failure(excinfo, style)
        return "\n".join(_told(excinfo.value.result))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the test stands."""
        return self.path, None, f"equivalence: {self.path.name}, {self.name}"


def _told(result: LevelResult) -> Iterator[str]:
    from equivalence.report_words import shortfall, verdict_notes

    if result.differences:
        yield f"{result.level} differs, smallest input: {result.failing}"
        yield f"it begins in: {result.blamed or 'no single component'}"
        yield from (f"  {found}" for found in result.differences[:SHOWN])
    else:
        yield "; ".join(filter(None, (shortfall(result), verdict_notes(result))))
