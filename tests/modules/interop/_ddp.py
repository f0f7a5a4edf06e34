"""What each of two processes does: one step of training on its half of a batch."""

from __future__ import annotations

import os
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from modules import MettaAgent
from tests.modules._agents import agent
from tests.modules.interop._steps import batch_of, loss_of, plain, wrapped

PROCESSES, BATCH, TIME = 2, 4, 3
CHANGES = {"plain": plain, "wrapped": wrapped}


def policy_of(name: str) -> MettaAgent:
    """In double precision, where the order of a sum hardly matters."""
    return CHANGES[name](agent()).double()


def batch(rows: slice) -> dict[str, Tensor]:
    """Some rows of the one batch."""
    data = batch_of(policy_of("plain"), BATCH, TIME)
    state = {key: data[key][:, rows].double() for key in ("lstm_h", "lstm_c")}
    return {key: data[key][rows] for key in ("x", "action")} | state


def step(module: torch.nn.Module, rows: slice) -> dict[str, Tensor]:
    """Gradients, under the agent's own names."""
    results = module(batch(rows))
    loss = loss_of(results) + results.get("regularization_loss", 0)
    loss.backward()
    return {name.removeprefix("module."): p.grad for name, p in module.named_parameters() if p.grad is not None}


def work(rank: int, folder: Path) -> None:
    """One process; it writes `<name>.<rank>.pt` for each change."""
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(1)
    rendezvous = f"file://{folder / 'rendezvous'}"
    dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=PROCESSES)
    share = BATCH // PROCESSES
    for name in CHANGES:
        gradients = step(DistributedDataParallel(policy_of(name)), slice(rank * share, (rank + 1) * share))
        torch.save(gradients, folder / f"{name}.{rank}.pt")
    dist.destroy_process_group()
