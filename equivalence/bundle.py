"""What reproduces a difference alone: the inputs, both configs, both policies, and a script of a few lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
import yaml
from torch import Tensor

from equivalence.compare import Difference
from equivalence.divergences import aligned, split
from equivalence.finding import Pair
from equivalence.harness import LEVELS
from equivalence.pairs import pair_of_files
from equivalence.result import LevelResult
from equivalence.strategies import AgentSizes, Draw, Inputs
from migrate import config_rules
from migrate.agent_rules import era_of_config
from migrate.saving import save_policy
from modules.arguments import plain
from modules.errors import MettaError

INPUTS, OLD, NEW, CASE, SCRIPT = "inputs.safetensors", "old.pt", "new.safetensors", "case.json", "reproduce.py"
OLD_CONFIG, NEW_CONFIG = "old.yaml", "new.yaml"
TEXT = '''"""Reproduces a difference between the old and the new agent: prints it, and exits with 1 if it is there."""

from pathlib import Path

from equivalence.bundle import reproduce

differences = reproduce(Path(__file__).parent)
print(*differences or ["no difference"], sep="\\n")
raise SystemExit(bool(differences))
'''


class KeptInputs(Inputs):
    """Inputs whose tensors are taken from, or else put into, `kept`."""

    def __init__(self, draw: Draw, sizes: AgentSizes, recorded: Tensor | None, kept: dict[str, Tensor]) -> None:
        super().__init__(draw, sizes, recorded)
        self.kept = kept

    def _keep(self, key: str, make: Callable[[], Tensor]) -> Tensor:
        if key not in self.kept:
            self.kept[key] = make().detach().clone()
        return self.kept[key].clone()

    def step_obs(self, step: int = 0) -> Tensor:
        """See `Inputs`."""
        return self._keep(f"step_obs.{step}", lambda: super(KeptInputs, self).step_obs(step))

    def sequence_obs(self, step: int = 0) -> Tensor:
        """See `Inputs`."""
        return self._keep(f"sequence_obs.{step}", lambda: super(KeptInputs, self).sequence_obs(step))

    def action(self, step: int = 0) -> Tensor:
        """See `Inputs`."""
        return self._keep(f"action.{step}", lambda: super(KeptInputs, self).action(step))

    def resets(self, step: int) -> Tensor:
        """See `Inputs`."""
        return self._keep(f"resets.{step}", lambda: super(KeptInputs, self).resets(step))

    def state(self) -> tuple[Tensor, Tensor] | None:
        """See `Inputs`."""
        made = super().state()
        if made is None:
            return None
        h, c = made
        return self._keep("state.0", lambda: h), self._keep("state.1", lambda: c)


def write_bundle(folder: Path, pair: Pair, result: LevelResult, recorded: Tensor | None = None) -> Path:
    """Writes what reproduces the difference of a level.

    Args:
        folder: made if it is not there; files of the same names are replaced.
        pair: both agents, as they were when the difference was found.
        result: of the level, which failed on an input.
        recorded: observations that inputs were taken from.

    Returns:
        The script to run.
    """
    from safetensors.torch import save_file

    draw = cast(Draw, result.failing)
    kept: dict[str, Tensor] = {}
    _run(pair, result.level, KeptInputs(draw, pair.sizes, recorded, kept))
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in kept.items()}, folder / INPUTS)
    missing = [why for name, agent in ((OLD, pair.old), (NEW, pair.new)) if (why := _save(folder / name, agent))]
    for name, content in ((OLD_CONFIG, _old_config(pair)), (NEW_CONFIG, cast(Any, pair.new).config)):
        (folder / name).write_text(yaml.safe_dump(plain(content), sort_keys=False), encoding="utf-8")
    found = [asdict(each) for each in result.differences]
    case = {"level": result.level, "draw": asdict(draw), "blamed": result.blamed, "missing": missing}
    (folder / CASE).write_text(json.dumps({**case, "differences": found}, indent=2) + "\n", encoding="utf-8")
    (folder / SCRIPT).write_text(TEXT, encoding="utf-8")
    return folder / SCRIPT


def _old_config(pair: Pair) -> Mapping[str, Any]:
    """The old side's config in the old words."""
    config = cast(Any, pair.new).config if pair.old_config is None else pair.old_config
    return config_rules.to_old_agent(config, era_of_config(config), OLD) if config_rules.is_new(config) else config


def _save(path: Path, agent: Any) -> str:
    path.unlink(missing_ok=True)  # that of an earlier bundle is no part of this one
    try:
        save_policy(path, agent)
    except MettaError as error:
        return f"{path.name}: {error}"
    return ""


def _run(pair: Pair, level: str, inputs: Inputs) -> list[Difference]:
    for agent in (pair.old, pair.new):
        agent.train(inputs.draw.train)
    with torch.random.fork_rng(devices=[]), aligned(pair, level):
        return split(pair, level, LEVELS[level].run(pair, inputs).differences)[0]


def reproduce(folder: Path) -> list[Difference]:
    """Runs the level of a bundle again, on the bundle's own policies and inputs.

    Returns:
        What differs.
    """
    from safetensors.torch import load_file

    torch.set_num_threads(1)
    case = json.loads((folder / CASE).read_text(encoding="utf-8"))
    pair = pair_of_files(folder / OLD, folder / NEW)
    return _run(pair, case["level"], KeptInputs(Draw(**case["draw"]), pair.sizes, None, load_file(folder / INPUTS)))
