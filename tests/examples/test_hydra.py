"""The example with Hydra runs as a program, and its agent is what `migrate.config` makes of the old one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

import migrate
from migrate.config import main

FOLDER = Path(__file__).parents[2] / "examples" / "hydra"
OLD = FOLDER.parent / "simple.yaml"
SOFT = "+agent.components.soft={_target_: modules.layers.tanh.TanhModule, sources: [_core_]}"
PLAIN = {"CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}


def run(folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, in a folder where it should leave nothing."""
    return subprocess.run(
        [sys.executable, str(FOLDER / "train.py"), *overrides],
        cwd=folder,
        env={**os.environ, **PLAIN},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_its_agent_is_the_migrated_example(tmp_path: Path) -> None:
    made = tmp_path / "simple.yaml"
    assert main([str(OLD), "-o", str(made)]) == 0
    assert (FOLDER / "agent" / "simple.yaml").read_bytes() == made.read_bytes()


@pytest.mark.parametrize("stack", ["modules", "legacy"])
def test_the_program_acts_alike_in_both_stacks(stack: str, tmp_path: Path) -> None:
    ended = run(tmp_path, f"agent.stack={stack}")
    assert (ended.returncode, ended.stderr) == (0, "")
    first, second = ended.stdout.splitlines()
    assert first == f"{stack}.agent.MettaAgent: 37058 weights"
    assert second.startswith("actions [[2, 1], [1, 1]], values [0.22")
    assert list(tmp_path.iterdir()) == []


def test_the_program_takes_overrides_and_a_checkpoint(tmp_path: Path) -> None:
    wider = run(tmp_path, "agent.components.critic_1.out_features=256", "agent.numerics=fast")
    assert "modules.agent.MettaAgent: 43586 weights" in wider.stdout, wider.stderr
    beside = run(tmp_path, "agent.stack=shadow", f"checkpoint={FOLDER.parent / 'policy.pt'}")
    assert "legacy serves, modules beside it: 1 of 1 calls compared\n  no mismatch\n" in beside.stdout, beside.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_program_ends_with_an_error_that_names_the_component(tmp_path: Path) -> None:
    ended = run(tmp_path, "~agent.components.core_norm")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: component 'core_relu' has the source 'core_norm', which is none of: ")


@pytest.mark.parametrize(
    ("overrides", "weights"),
    [
        ((SOFT, "agent.components.core_norm.sources=[soft]"), 37058),
        (("~agent.components.core_norm", "agent.components.core_relu.sources=[_core_]"), 36994),
        (("agent.components.critic_1.out_features=256",), 43586),
    ],
)
def test_components_come_and_go_in_both_stacks(overrides: tuple[str, ...], weights: int) -> None:
    for stack in ("modules", "legacy"):
        with initialize_config_dir(str(FOLDER), version_base="1.3"):
            cfg = compose("job", overrides=[*overrides, f"agent.stack={stack}"])
        agent = migrate.build_agent(cfg, cfg.environment)
        assert sum(parameter.numel() for parameter in agent.parameters()) == weights
