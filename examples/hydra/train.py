"""A program with Hydra: composes a job, builds its agent, acts once and says what came of it.

For example, with a wider layer, beside the old stack, with a component more, or with one less:

    python examples/hydra/train.py agent.components.critic_1.out_features=256 agent.numerics=fast
    python examples/hydra/train.py agent.stack=shadow checkpoint=examples/policy.pt
    python examples/hydra/train.py 'agent.components.core_norm.sources=[soft]'
        '+agent.components.soft={_target_: modules.layers.tanh.TanhModule, sources: [_core_]}'
    python examples/hydra/train.py '~agent.components.core_norm' 'agent.components.core_relu.sources=[_core_]'
"""

from __future__ import annotations

import sys
from typing import cast

import hydra
import torch
from omegaconf import DictConfig

import migrate
import modules


@hydra.main(version_base="1.3", config_path=".", config_name="job")
def main(cfg: DictConfig) -> None:
    """Builds what the job says, and acts once."""
    torch.manual_seed(cfg.seed)
    try:
        agent = migrate.build_agent(cfg, cfg.environment, cfg.checkpoint)
    except modules.MettaError as error:
        sys.exit(f"error: {error}")
    agent.activate_actions(list(cfg.actions.names), list(cfg.actions.max_params), "cpu")
    obs = torch.randint(0, 4, (2, *cfg.environment.obs_shape), dtype=torch.uint8)
    with torch.no_grad():
        action, _, _, value, _ = agent(obs, modules.PolicyState())
    weights = sum(parameter.numel() for parameter in cast(torch.nn.Module, agent).parameters())
    print(f"{type(agent).__module__}.{type(agent).__name__}: {weights} weights")
    print(f"actions {action.tolist()}, values {[round(v, 4) for v in value.flatten().tolist()]}")
    if cfg.agent.stack == "shadow":
        print(agent.report())


if __name__ == "__main__":
    main()
