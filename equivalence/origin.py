"""What a migrated file gives back of the files that it was made from: a proof of a file, beside that of its agent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from migrate.api import is_new_file
from migrate.old_names import parameter_names_of
from migrate.optimizer import legacy_trainer_bytes
from migrate.provenance import KEY, POLICY, is_original, shell_of
from migrate.to_legacy import legacy_bytes
from modules.errors import MettaError
from modules.policy_file import TRAINER, PolicyFile, read_policy_file

Restored = Mapping[tuple[str, str], tuple[str, str]]
"""`("file", what was migrated)` -> the hash of that file, and of what the new one gives back for it."""
BACK: Mapping[str, Callable[[PolicyFile, Path], bytes]] = {POLICY: legacy_bytes, TRAINER: legacy_trainer_bytes}


def restored(old: Path, new: Path) -> Restored:
    """What `new` gives back, if `old` is the very file that it was made from; nothing for any other pair.

    Only this sees the optimizer state, which no agent holds.
    """
    if not is_new_file(new) or is_new_file(old):
        return {}
    content = read_policy_file(new)
    if not is_original(content, old.read_bytes()):
        return {}
    kept = content.extra[KEY]["parameters"]
    order = [name for name in parameter_names_of(content.config) if name in kept]
    found = {("file", "the order of parameters"): (", ".join(order), ", ".join(kept))}
    for kind, back in BACK.items():
        if shell_of(content, kind) is not None:
            wanted = content.extra[KEY]["sources"][kind]["sha256"]
            found["file", f"the old {kind} file"] = (str(wanted), _sha256_of(back, content, new))
    return found


def _sha256_of(back: Callable[[PolicyFile, Path], bytes], content: PolicyFile, where: Path) -> str:
    try:
        return hashlib.sha256(back(content, where)).hexdigest()
    except MettaError as error:
        return str(error)
