"""Errors of the migration tools; each knows the exit code of the command that it ends.

Exit codes: 0 done or nothing to do; 1 `--check` found something or a proof failed; 2 cannot be used;
3 refused as unsafe; 4 wrong usage; 5 a batch partly done.
"""

from __future__ import annotations

from modules.errors import MettaError


class MigrationError(MettaError):
    """What is wrong, where it is (file, component, byte), and the way out.

    Args:
        what: one sentence on what was found.
        where: file and, if known, the place inside it.
        fix: what the user can do about it.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: object = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, str(where), fix
        place = f"{where}: " if str(where) else ""
        way_out = f"\n  -> {fix}" if fix else ""
        super().__init__(f"{place}{what}{way_out}")


class UnusableFileError(MigrationError):
    """A file that is damaged, incomplete, or not what the command works on."""


class UnsafeFileError(MigrationError):
    """A checkpoint that refers to code; nothing of it was executed."""

    exit_code = 3


class UsageError(MigrationError):
    """Arguments that contradict each other or would overwrite something."""

    exit_code = 4
