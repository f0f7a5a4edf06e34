"""What stands where on the page: sections, their tables, and a sentence on what each one means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import memory, overhead, parallel, passes, threads
from benchmarks.subjects import AGENTS

Named = tuple[str, str]
"""A heading, and the part of figures' names that it stands for."""


@dataclass(frozen=True)
class Section:
    """A table of figures: the name of each is its row's, a slash, and its column's.

    Attributes:
        title: a heading.
        text: what the table means.
        corner: heading of the rows.
        rows: in order.
        columns: in order.
    """

    title: str
    text: str
    corner: str
    rows: Sequence[Named]
    columns: Sequence[Named]


WORDS = {"batch_1": "1", "batch_32": "32", "batch_1024": "1024", "training": "training"}
SPEED = (
    ("exact / by hand", "exact:by_hand"),
    ("exact / old", "exact:old"),
    ("fast / old", "fast:old"),
    ("tensordict / by hand", "tensordict:by_hand"),
    ("old / by hand", "old:by_hand"),
)


def _rows(prefix: str, workloads: Sequence[passes.Workload]) -> list[Named]:
    agents = [(name, f"{prefix}/{name}") for name in AGENTS]
    return [(f"{name}, {WORDS[each.name]}", f"{place}/{each.name}") for name, place in agents for each in workloads]


SECTIONS = (
    Section(
        "Whole agents",
        "Time of a pass, as a ratio: inference with 1, 32 and 1024 observations, and a training step (forward and "
        "backward of 32 sequences of 16). *By hand* is plain torch, one module with one straight forward and the same "
        "bits (`benchmarks/by_hand`); *old* is the old stack; *exact* the new one; *fast* the new one with "
        "`numerics: fast`; *tensordict* a `TensorDictSequential` of the layers of the module by hand. The less there "
        "is to compute, the more the way there counts, so batch 1 shows the stacks and batch 1024 the kernels.",
        "agent, batch",
        _rows("speed", passes.WORKLOADS),
        (*SPEED, ("by hand, us", "by_hand")),
    ),
    Section(
        "With two threads",
        "The same with two threads, by the clock, in fewer rounds, for information: nothing is promised, and on a busy "
        "machine the spread is wide.",
        "agent, batch",
        _rows(threads.prefix(), passes.WORKLOADS),
        SPEED,
    ),
    Section(
        "Peak memory",
        "The most that torch's allocator gives out at one time during a pass, beyond weights and inputs: activations, "
        "what autograd saves, gradients, results. Inference drops each value after its last reader, where the old "
        "stack keeps them all; training keeps what the backward pass needs, which only other algebra changes.",
        "agent, batch",
        _rows("memory", memory.WORKLOADS),
        (*SPEED, ("by hand, bytes", "by_hand")),
    ),
    Section(
        "The container",
        "Components that compute nothing show what the container itself costs: microseconds per component, beyond "
        "calling every `compute` in a loop. *All kept* writes every value into the mapping instead of the last one.",
        "components",
        [(str(count), f"container/{count}_components") for count in overhead.COUNTS],
        (
            ("container, us", "container"),
            ("all kept, us", "container_keeping_all"),
            ("`TensorDictSequential`, us", "tensordict"),
        ),
    ),
    Section(
        "Growth",
        "Time per component, as a ratio between containers of different size: 1 is linear, less shows what there is to "
        "do once per call. *Building* is registration and the first run.",
        "",
        (("running", "container/growth"), ("building", "container/building")),
        (("100 / 10 components", "100:10"), ("1000 / 100 components", "1000:100")),
    ),
    Section(
        "Checks",
        "An agent with a `SafeModule` around every component, as a ratio to the same agent without.",
        "agent, batch",
        _rows("speed", passes.INFERENCE),
        (("with / without", "safe:exact"),),
    ),
    Section(
        "Building an agent",
        "From a config to an agent, initial weights included. Agents with box observations are of the time when Hydra "
        "made every component of the old stack; later ones were made without it, and most of their time is spent on "
        "orthogonal weights in both stacks.",
        "agent",
        [(name, f"build/{name}") for name in AGENTS],
        (("exact / old", "exact:old"), ("exact, ms", "exact"), ("old, ms", "old")),
    ),
    Section(
        "Import",
        "What `import modules` adds to `import torch`, in a process of its own.",
        "",
        (("`import modules`", "import/modules"),),
        (("packages", "packages"), ("time, ms", "time")),
    ),
    Section(
        "`ParallelDAGExecutor`",
        "Time by the clock with two workers, as a ratio to one component after the other, each component with one "
        f"thread. *Branches* are {parallel.BRANCHES} components of equal work side by side, with matrices of that "
        "width. Below 1 it helps: that takes heavy components that do not wait for each other, and an idle core. An "
        "agent is mostly a chain, in which only the two heads stand side by side.",
        "agent, batch",
        [
            *_rows("parallel", passes.INFERENCE),
            *((f"branches, {size}", f"parallel/branches/width_{size}") for size in parallel.SIZES),
        ],
        (("parallel / sequential", "parallel:sequential"), ("sequential, us", "sequential")),
    ),
)
