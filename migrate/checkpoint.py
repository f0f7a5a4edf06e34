"""`python -m migrate.checkpoint policy.pt`: remaps saved policies, and takes them back with `--to legacy`.

Reads, plans, applies, verifies, and only then writes. Nothing in a file is executed.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.markup import escape

from migrate import cli, provenance
from migrate.api import is_new_file
from migrate.archive import Checkpoint, read_checkpoint
from migrate.errors import UnusableFileError, UsageError
from migrate.migration import migrate_checkpoint
from migrate.optimizer import attach_trainer, legacy_trainer_bytes
from migrate.plan import Plan, make_plan
from migrate.saving import TRAINER_STATE
from migrate.to_legacy import legacy_bytes
from modules.policy_file import PolicyFile, read_policy_file

EXAMPLES = """examples:
  python -m migrate.checkpoint model_0100.pt                      writes model_0100.safetensors
  python -m migrate.checkpoint model_0100.pt --trainer-state trainer_state.pt
  python -m migrate.checkpoint model_0100.pt --plan               shows what it would do, writes nothing
  python -m migrate.checkpoint train_dir/my.run/checkpoints       every policy in it
  python -m migrate.checkpoint model_0100.safetensors --to legacy -o back.pt
"""
SUFFIX = {"modules": ".pt", "legacy": ".safetensors"}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = cli.Parser(
        "python -m migrate.checkpoint",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "policies",
        nargs="+",
        type=cli.path_of,
        metavar="POLICY",
        help="model_NNNN.pt, or .safetensors to go back; or a folder of them",
    )
    cli.common_arguments(result)
    result.add_argument(
        "--trainer-state",
        type=cli.path_of,
        metavar="FILE",
        help="the run's trainer_state.pt, to take along (or to write, going back)",
    )
    result.add_argument("--plan", action="store_true", help="print the plan and write nothing")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0 done, 2 cannot be used, 3 refused as unsafe, 4 wrong usage, 5 a batch partly done.
    """
    args = parser().parse_args(argv)
    cli.start_logging(verbose=args.verbose)
    torch.set_num_threads(1)
    if args.to == "legacy" and args.era:
        parser().error("--era is for old policies; a new one says its own")
    files = [file for path in args.policies for file in _files(path, args.to)]
    if not files:
        parser().error(f"no {SUFFIX[args.to]} in {', '.join(map(str, args.policies))}")
    if len(files) > 1 and (args.output or args.trainer_state):
        parser().error("-o and --trainer-state need a single policy")
    work, written = _back if args.to == "legacy" else _forth, cli.Targets()
    return cli.run(files, lambda path: work(path, args, written), as_json=args.json)


def _files(path: Path, to: str) -> list[Path]:
    """The policies of a folder, without trainer states, which lie beside them; a file as it is."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob(f"*{SUFFIX[to]}") if file.name != TRAINER_STATE)


def _forth(path: Path, args: argparse.Namespace, written: cli.Targets) -> dict[str, Any]:
    if is_new_file(path):
        read_policy_file(path)
        if args.trainer_state:
            raise UsageError(
                "is a policy of the new stack already, and a trainer state goes along with an old one",
                where=path,
                fix="migrate the old .pt again, with --trainer-state and --force",
            )
        cli.console.print(f"{escape(str(path))}: is a policy of the new stack already; nothing to do")
        return {"result": "nothing to do"}
    checkpoint = read_checkpoint(path)
    plan = make_plan(checkpoint, args.era)
    if args.plan:
        _show(path, plan, full=True)
        return {"result": "planned", "plan": {**plan.to_dict(), "sha256": plan.sha256}, "notes": list(plan.notes)}
    trainer = read_checkpoint(args.trainer_state) if args.trainer_state else None
    data, notes = migrated_bytes(plan, checkpoint, trainer)
    target = args.output or path.with_suffix(".safetensors")
    for source in (path, args.trainer_state or path):
        _refuse_same(source, target)
    written.claim(target, path)
    (outcome,) = cli.write({target: data}, force=args.force)
    _show(path, plan, full=args.verbose)
    _show_notes(notes)
    cli.console.print(f"[green]{outcome}[/green] {escape(str(target))}; goes back to the same bytes with --to legacy")
    cli.console.print(f"prove it: python -m equivalence {escape(str(path))} {escape(str(target))}")
    return {
        "result": outcome, "output": str(target), "era": plan.old.era.name, "plan_sha256": plan.sha256,
        "tensors": len(plan.tensors), "notes": [*plan.notes, *notes],
    }  # fmt: skip


def migrated_bytes(plan: Plan, checkpoint: Checkpoint, trainer: Checkpoint | None = None) -> tuple[bytes, list[str]]:
    """The new file, verified: read back, it gives the old files byte for byte; and what it does not say besides.

    Raises:
        UnusableFileError: it does not.
    """
    content = migrate_checkpoint(plan, checkpoint)
    notes = [] if trainer is None else attach_trainer(content, trainer)
    data = content.to_bytes()
    again = PolicyFile.from_bytes(data, checkpoint.path)
    _must_equal(legacy_bytes(again, checkpoint.path), checkpoint)
    if trainer is not None:
        _must_equal(legacy_trainer_bytes(again, trainer.path), trainer)
    return data, notes


def _must_equal(data: bytes, original: Checkpoint) -> None:
    if hashlib.sha256(data).hexdigest() != original.sha256:
        raise UnusableFileError(
            "the migrated policy does not give this file back; nothing was written",
            where=original.path,
            fix="report this, with the output of --plan",
        )


def _back(path: Path, args: argparse.Namespace, written: cli.Targets) -> dict[str, Any]:
    if not is_new_file(path):
        raise UsageError("--to legacy takes a policy of the new stack", where=path, fix="give the .safetensors file")
    content = read_policy_file(path)
    outputs = {args.output or path.with_suffix(".pt"): legacy_bytes(content, path)}
    if args.trainer_state:
        _refuse_same(args.trainer_state, next(iter(outputs)))
        outputs[args.trainer_state] = legacy_trainer_bytes(content, path)
    for target in outputs:
        _refuse_same(path, target)
        written.claim(target, path)
    results = ["planned"] * len(outputs) if args.plan else cli.write(outputs, force=args.force)
    for (target, data), outcome in zip(outputs.items(), results, strict=True):
        same = ", byte for byte the file it came from" if provenance.is_original(content, data) else ""
        cli.console.print(f"[green]{outcome}[/green] {escape(str(target))}{same}")
    notes = _stale(content, outputs)
    _show_notes(notes)
    result = "written" if "written" in results else results[0]
    return {"result": result, "output": [str(target) for target in outputs], "notes": notes}


def _stale(content: PolicyFile, outputs: Mapping[Path, bytes]) -> list[str]:
    """What to know of the record of a policy that was trained after its migration."""
    keys = provenance.stale_keys(content)
    if not keys or provenance.is_original(content, next(iter(outputs.values()))):
        return []
    return [f"the record says {', '.join(keys)} as when the policy was migrated; it has changed since"]


def _refuse_same(source: Path, target: Path) -> None:
    if source.resolve() == target.resolve():
        raise UsageError("is input and output at once", where=target, fix="give two names")


def _show(path: Path, plan: Plan, *, full: bool) -> None:
    out = cli.console.print
    out(f"{escape(str(path))}: era {plan.old.era.name}, since {escape('; '.join(plan.old.era.evidence))}")
    names = plan.old.agent.get("action_names") or []
    counts = f"{len(plan.tensors)} tensors, {len(plan.attributes)} attributes, {len(names)} active actions"
    out(f"  {counts}; plan {plan.sha256[:16]}")
    if full:
        for old, new in plan.tensors.items():
            out(f"  {escape(old)} -> {escape(new)}")
        for name, old, new in plan.attributes:
            out(f"  {escape(name)}: attribute {escape(old)} -> {escape(new)}")
    _show_notes(plan.notes)


def _show_notes(notes: Sequence[str]) -> None:
    for note in notes:
        cli.console.print(f"  [yellow]note[/yellow]: {escape(note)}")


if __name__ == "__main__":
    raise SystemExit(main())
