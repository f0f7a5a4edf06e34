"""`PolicyFile`: a policy as one self-describing `.safetensors` file."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from shutil import copymode
from typing import Any

import torch
from torch import Tensor

from modules.errors import CheckpointError
from modules.savable import check_attribute

FORMAT = "metta-policy/1"
HEADER = "metta"
TRAINER = "trainer"
"""Entry of `extra` about the `optimizer.*` tensors, which a file may have and an agent does not."""
ATTRIBUTE, STATE_DICT = "attributes.", "components."


@dataclass
class PolicyFile:
    """The content of a policy file.

    Attributes:
        config: the agent's config.
        environment: see `Environment`.
        attributes: per component, what belongs to it outside the state dict; those that are tensors stand in `tensors`
            under `attributes.<component>.<name>`.
        actions: `{"names": [...], "max_params": [...]}`, or None before activation.
        features: what the agent keeps of the features of its environments, as lists of pairs; None if it met none.
        tensors: the state dict under its own keys, tensors of attributes, and whatever else a writer keeps.
        training: the mode that the agent was saved in.
        otherwise: components that were in the other mode.
        frozen: parameters that need no gradient.
        extra: what a writer keeps beside it, such as the provenance of a migration; JSON values.
    """

    config: dict[str, Any]
    environment: dict[str, Any]
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, Any] | None = None
    features: dict[str, Any] | None = None
    tensors: dict[str, Tensor] = field(default_factory=dict)
    training: bool = True
    otherwise: list[str] = field(default_factory=list)
    frozen: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The file, the same bytes for the same content.

        Raises:
            CheckpointError: "... cannot be written as JSON ...".
        """
        from safetensors.torch import save

        header = {key: value for key, value in vars(self).items() if key != "tensors"}
        for name, values in self.attributes.items():
            for key, value in values.items():
                check_attribute(f"the attribute {key!r} of component {name!r}", value)
        # One metadata key only: safetensors writes several in random order.
        try:
            text = json.dumps({"format": FORMAT, **header}, ensure_ascii=True, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise CheckpointError(
                f"config, attributes, features or provenance cannot be written as JSON: {error}"
            ) from error
        # Copies, since safetensors refuses tensors that share memory, such as tied weights.
        whole = torch.contiguous_format
        return save(
            {key: value.detach().clone(memory_format=whole) for key, value in self.tensors.items()}, {HEADER: text}
        )

    @classmethod
    def from_bytes(cls, data: bytes, where: object) -> PolicyFile:
        """The inverse of `to_bytes`.

        Raises:
            CheckpointError: not a policy file, a newer format, or a damaged one; the message names `where`.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            size = int.from_bytes(data[:8], "little")
            metadata = json.loads(data[8 : 8 + size]).get("__metadata__", {})
            header = dict(json.loads(metadata[HEADER]))
            tensors = load(data)
        except (SafetensorError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise CheckpointError(
                f"{where}: not a policy of the new stack ({type(error).__name__}: {error})\n"
                f"  -> old checkpoints become one with `python -m migrate.checkpoint`"
            ) from error
        if (found := header.pop("format", None)) != FORMAT:
            hint = "use a newer version to read it"
            raise CheckpointError(f"{where}: the file has the format {found!r}, not {FORMAT!r}\n  -> {hint}")
        try:
            return cls(tensors=tensors, **header)
        except TypeError as error:
            raise CheckpointError(f"{where}: damaged header: {error}") from error


def read_policy_file(path: str | Path) -> PolicyFile:
    """Reads a `.safetensors` policy.

    Raises:
        CheckpointError: the file is missing or is no policy.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    return PolicyFile.from_bytes(data, path)


def write_atomically(files: Mapping[Path, bytes]) -> None:
    """Writes all files or none: temporary ones in the same folders first, which are renamed once all are on the disk.

    Where a rename itself fails, those before it are done. No reader sees half of a file. A link stays one: the file
    that it leads to is replaced. A file that is replaced keeps its mode.
    """
    with ExitStack() as cleanup:
        complete: dict[Path, Path] = {}
        for path, data in files.items():
            target = Path(os.path.realpath(path))
            if target.is_symlink():  # it leads to itself
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            temporary = target.with_name(f".{target.name}.{os.getpid()}.{token_hex(4)}.tmp")
            cleanup.callback(temporary.unlink, missing_ok=True)
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                copymode(target, temporary)
            complete[temporary] = target
        for temporary, target in complete.items():
            temporary.replace(target)
