"""`workers`: processes for proofs, which are as many as there are cores."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from concurrent.futures import ProcessPoolExecutor

import torch

CORES = os.cpu_count() or 1


def workers(jobs: int) -> ProcessPoolExecutor:
    """A pool of so many processes, spawned and not forked: torch's threads do not survive a fork."""
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=start_worker)


def start_worker() -> None:
    """Bits depend on the number of threads."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
