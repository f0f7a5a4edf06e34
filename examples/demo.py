"""The main job, from start to end: `make demo`.

Migrates `simple.yaml` and `policy.pt`, proves that nothing changed, and goes back.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import migrate.checkpoint
import migrate.config
from equivalence import __main__ as equivalence
from migrate.cli import console

HERE = Path(__file__).parent
OUT = Path("build/demo")
Command = Callable[[list[str]], int]

STEPS: tuple[tuple[str, str, Command, str], ...] = (
    (
        "The config: the old keys say the same in the new stack's words, and no other line changes",
        "migrate.config",
        migrate.config.main,
        "{here}/simple.yaml -o {out}/simple.modules.yaml --force",
    ),
    (
        "The policy: read without running any code in it, with its optimizer state",
        "migrate.checkpoint",
        migrate.checkpoint.main,
        "{here}/policy.pt --trainer-state {here}/trainer_state.pt -o {out}/policy.safetensors --force",
    ),
    (
        "The proof for the trained policy: old code on the old file against new code on the new one",
        "equivalence",
        equivalence.main,
        "{here}/policy.pt {out}/policy.safetensors",
    ),
    (
        "The proof for the config: from one seed, the same initial weights and everything after",
        "equivalence",
        equivalence.main,
        "{here}/simple.yaml {out}/simple.modules.yaml",
    ),
    (
        "And back: the same file, byte for byte",
        "migrate.checkpoint",
        migrate.checkpoint.main,
        "{out}/policy.safetensors --to legacy -o {out}/policy.pt --force",
    ),
)


def main() -> int:
    """Runs the steps; the first that fails ends it with its exit code."""
    OUT.mkdir(parents=True, exist_ok=True)
    here = HERE.relative_to(Path.cwd()) if HERE.is_relative_to(Path.cwd()) else HERE
    for number, (title, module, command, arguments) in enumerate(STEPS, start=1):
        words = [word.format(here=here.as_posix(), out=OUT.as_posix()) for word in arguments.split()]
        console.print(f"\n[bold]{number}. {title}[/bold]\n[dim]$ python -m {module} {shlex.join(words)}[/dim]")
        if code := command(words):
            console.print(f"[red]step {number} failed with exit code {code}[/red]")
            return code
    console.print(f"\nThe results are in {OUT.as_posix()}/. Load the policy with modules.load_agent(path).")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
