"""Writes `policy.pt` and `trainer_state.pt` beside this file, as the old trainer would have.

Run it with `python -m examples.make_policy`. The agent is our old stack's, the class paths in the files are the real
ones. It is trained for a few steps, and its actions are activated twice in different order, so that rows of the action
embedding are not in the order of the actions.
"""

from __future__ import annotations

import io
from pathlib import Path

import torch

import legacy
from equivalence.pairs import default_environment
from migrate.config import read_agent_config
from migrate.eras import Era
from migrate.pickle_writer import save_record
from migrate.to_legacy import legacy_agent

HERE = Path(__file__).parent
STEPS, BATCH, TIME = 3, 4, 4
ERA = Era("E4d")
LOCAL_PATH = "./train_dir/example/checkpoints/model_0003.pt"


def trained(steps: int) -> tuple[legacy.MettaAgent, torch.optim.Adam]:
    """A small agent after `steps` of Adam on random observations."""
    config = read_agent_config(HERE / "simple.yaml")
    agent: legacy.MettaAgent = legacy_agent(config, default_environment(), HERE, ERA)
    agent.activate_actions(["attack", "noop", "move"], [2, 0, 1], "cpu")
    agent.activate_actions(["noop", "move", "rotate", "attack"], [0, 1, 3, 2], "cpu")
    optimizer = torch.optim.Adam(agent.parameters(), lr=1e-3, eps=1e-12)
    for _ in range(steps):
        obs = torch.randint(0, 4, (BATCH, TIME, 11, 11, 24), dtype=torch.uint8)
        action = torch.stack([torch.randint(0, 4, (BATCH, TIME)), torch.zeros(BATCH, TIME, dtype=torch.long)], dim=-1)
        _, log_prob, entropy, value, _ = agent(obs, legacy.PolicyState(), action)
        loss = ((value - 1) ** 2).mean() - log_prob.mean() - 0.01 * entropy.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return agent, optimizer


def main() -> None:
    """Writes both files."""
    torch.manual_seed(0)
    agent, optimizer = trained(STEPS)
    agent.zero_grad(set_to_none=True)
    metadata = {"agent_step": 3 * BATCH * TIME, "epoch": 3, "generation": 0, "run": "example", "train_time": 1.0}
    record = legacy.PolicyRecord(
        None, LOCAL_PATH, f"file://{LOCAL_PATH}", {**metadata, "action_names": agent.action_names}
    )
    record._policy = agent
    (HERE / "policy.pt").write_bytes(save_record(record, ERA, read_agent_config(HERE / "simple.yaml")))
    buffer = io.BytesIO()
    trainer = {"agent_step": 3 * BATCH * TIME, "epoch": 3, "policy_path": LOCAL_PATH}
    torch.save({"optimizer_state_dict": optimizer.state_dict(), **trainer}, buffer)
    (HERE / "trainer_state.pt").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main()
