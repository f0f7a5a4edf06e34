"""`save_policy`: writes an agent of either stack in either format, with its optimizer state."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

import legacy
from migrate import provenance
from migrate.agent_rules import era_of_config
from migrate.api import is_new_file, parameter_names
from migrate.archive import check_finite, checkpoint_of
from migrate.eras import Era
from migrate.errors import UsageError
from migrate.migration import migrate_checkpoint
from migrate.old_names import parameter_names_of
from migrate.optimizer import legacy_trainer_bytes, put_trainer
from migrate.pickle_writer import save_record
from migrate.plan import make_plan
from migrate.shadow import served
from migrate.to_legacy import legacy_bytes, record_of
from migrate.trainer_state import STATE_DICTS, as_json, by_name
from modules import MettaAgent
from modules.checkpoint import policy_file_of
from modules.policy_file import PolicyFile, write_atomically

logger = logging.getLogger(__name__)
TRAINER_STATE = "trainer_state.pt"


def save_policy(
    path: str | Path,
    agent: nn.Module,
    optimizer_state: Mapping[str, Any] | None = None,
    *,
    trainer: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Writes a policy that either stack can load, and perhaps its optimizer state; existing files are replaced.

    Args:
        path: `.safetensors` for one file of the new format, or `.pt` for a policy as the old trainer wrote it, beside
            which the optimizer state goes to `trainer_state.pt`.
        agent: of either stack, whatever the format, also behind `torch.compile` or a parallel class; of a shadow, the
            one that serves is written.
        optimizer_state: `optimizer.state_dict()` of a torch optimizer over `agent.parameters()`; one with several
            groups, or of some parameters, if it was given `agent.named_parameters()`, and in `.safetensors` alone.
        trainer: what belongs to the optimizer state besides, such as `agent_step` and `epoch`; values, no objects.
        metadata: what the record in a `.pt` says of the policy, such as `epoch` and `score`. What it does not name is
            as in the file that the policy was migrated from, of which a warning tells if it is not given.

    Returns:
        The files that were written; `load_optimizer_state` takes the last one.

    Raises:
        UsageError: an agent of neither stack, another suffix, `trainer` without `optimizer_state`, `metadata` for a
            file without a record, a place where nothing can be written.
        UnusableFileError: weights with NaN or Inf, a state for other parameters, what the old stack cannot express.
    """
    path, agent = Path(path), served(agent)
    if path.suffix not in (".safetensors", ".pt"):
        raise UsageError(f"a policy is saved as .safetensors or .pt, got {path.suffix!r}", where=path)
    if trainer and optimizer_state is None:
        raise UsageError("trainer values without an optimizer state", where=path, fix="give optimizer.state_dict()")
    if optimizer_state is not None and path.name == TRAINER_STATE:
        what = f"{TRAINER_STATE} is the name of the optimizer state, which is written beside the policy"
        raise UsageError(what, where=path, fix="give the policy another name")
    check_finite(agent.state_dict(), path)
    content = _content(agent, path)
    _check_metadata(metadata, content, path)
    if optimizer_state is not None:
        _put_optimizer(content, agent, optimizer_state, trainer or {}, path)
    if is_new_file(path):
        files = {path: content.to_bytes()}
    else:
        files = {path: _old_bytes(agent, content, path, metadata)}
        if optimizer_state is not None:
            files[path.with_name(TRAINER_STATE)] = legacy_trainer_bytes(content, path)
    try:
        write_atomically(files)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=path, fix="choose another place") from error
    return list(files)


def _put_optimizer(
    content: PolicyFile, agent: nn.Module, optimizer: Mapping[str, Any], trainer: Mapping[str, Any], path: Path
) -> None:
    own = [name for name, _ in agent.named_parameters()]
    state = by_name(optimizer, _new_names(agent, content), path, own)
    state.rest = as_json(dict(trainer), "the trainer values", path)
    for note in state.notes:
        logger.warning("%s: %s", path, note)
    state.key = STATE_DICTS[era_of_config(content.config).is_since("E11")]
    put_trainer(content, state, path)


def _content(agent: nn.Module, path: Path) -> PolicyFile:
    if isinstance(agent, MettaAgent):
        return policy_file_of(agent)
    if not legacy.is_agent(agent):
        raise UsageError(f"not an agent of either stack: {type(agent).__name__}", where=path)
    checkpoint = checkpoint_of(_record_bytes(agent, path), path)
    return migrate_checkpoint(make_plan(checkpoint), checkpoint)


def _new_names(agent: nn.Module, content: PolicyFile) -> list[str]:
    """The new names of the agent's parameters, in the agent's own order."""
    if isinstance(agent, MettaAgent):
        return [name for name, _ in agent.named_parameters()]
    new_of = {old: new for new, old in parameter_names_of(content.config).items()}
    return [new_of[name] for name in parameter_names(agent)]


def _old_bytes(agent: nn.Module, content: PolicyFile, path: Path, metadata: Mapping[str, Any] | None) -> bytes:
    if not isinstance(agent, MettaAgent):
        return _record_bytes(agent, path, metadata)
    if metadata is None and (inherited := provenance.stale_keys(content)):
        words = "%s: the record says %s as when the policy was migrated; give metadata= to say what is so now"
        logger.warning(words, path, ", ".join(inherited))
    provenance.move_record(content, str(path))
    return legacy_bytes(content, path, metadata)


def _record_bytes(agent: nn.Module, path: Path, metadata: Mapping[str, Any] | None = None) -> bytes:
    """The agent as the trainer of its era saved it: the record's `name` is its path (trap 47)."""
    names: Any = getattr(agent, "action_names", None)
    told = {**({} if names is None else {"action_names": list(names)}), **(metadata or {})}
    era = Era(legacy.date_of(agent))
    settings = {"policy": getattr(agent, "policy_path", "")}
    return save_record(record_of(agent, era, str(path), f"file://{path}", told, str(path)), era, settings)


def _check_metadata(metadata: Mapping[str, Any] | None, content: PolicyFile, path: Path) -> None:
    if metadata is None:
        return
    if is_new_file(path) or era_of_config(content.config).is_since("E11"):
        what = "metadata stand in the record of a .pt, and this file has none"
        raise UsageError(what, where=path, fix="leave metadata away; agent.provenance is saved with a .safetensors")
    as_json(dict(metadata), "the metadata", path)
