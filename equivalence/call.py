"""The new agent as its callers call it: nothing watches, the state is carried, and what they gave is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import modules
from equivalence.compare import same_bytes
from equivalence.finding import Finding, Pair
from equivalence.tracing import State, Trace
from modules.state import PolicyState

RESULTS = ("action", "log_prob", "entropy", "value")
EVERY = 4
"""One input of so many is called plainly: who watches does not depend on the data, and a third pass takes time."""


@dataclass(frozen=True)
class Given:
    """The arguments of a call: `obs` `[B, ...]` or `[B, T, ...]`, `state` `(h, c)`, `action` `[B, T, 2]`."""

    seed: int
    obs: Tensor
    state: State | None = None
    action: Tensor | None = None

    @property
    def tensors(self) -> dict[str, Tensor]:
        """By name, those that are given."""
        h, c = self.state or (None, None)
        named = {"observations": self.obs, "lstm_h": h, "lstm_c": c, "action": self.action}
        return {name: value for name, value in named.items() if value is not None}


def copied(seed: int, obs: Tensor, state: State | None = None, action: Tensor | None = None) -> Given | None:
    """Arguments of their own, which no other pass can have written into; None for inputs that are not called so."""
    if seed % EVERY:
        return None
    own = None if state is None else (state[0].clone(), state[1].clone())
    return Given(seed, obs.clone(), own, None if action is None else action.clone())


def check_call(
    finding: Finding, pair: Pair, traces: tuple[Trace, Trace] | None, given: Given | None, kept: Sequence[Tensor]
) -> None:
    """Compares `agent(obs, state, action)` with the pass that was watched and held to the old agent.

    Args:
        finding: what is found goes here.
        pair: both agents; buffers are put back first.
        traces: of both sides, for the same arguments; None where a side failed.
        given: the arguments; None to leave it out.
        kept: the observations that were watched, of the old agent first; what it wrote into them, the call may, too.
    """
    if given is None or traces is None or not isinstance(pair.new, modules.MettaAgent):
        return
    pair.restore_state()
    watched, after = traces[1].outputs, torch.get_rng_state()
    before = {name: value.detach().clone() for name, value in given.tensors.items()}
    torch.default_generator.manual_seed(given.seed)
    try:
        with pair.around():
            results = _called(pair.new, given)
    except Exception as error:  # noqa: BLE001 - the pass that was watched did not raise it
        finding.compare_values("error", "the plain call", "", f"{type(error).__name__}: {error}")
        return
    finding.check("generator", "after the plain call", after, torch.get_rng_state())
    for name in [name for name in results if name in watched]:
        found, expected = results[name], watched[name]
        if pair.sizes.owns_memory or name == "action":  # `Trace` has them in the dimensions of the old agent's entries
            found, expected = found.reshape(-1), expected.reshape(-1)
        finding.check("output", f"{name} of the plain call", expected, found, strides=False)
    changed = [name for name, value in given.tensors.items() if not same_bytes(value, before[name])]
    as_then = [] if same_bytes(kept[0], before["observations"]) else ["observations"]
    finding.compare_values("input", "written into by the plain call", as_then, changed)


def _called(agent: Any, given: Given) -> dict[str, Tensor]:
    """What the call returns and what it leaves in the caller's state, under the names of `Trace.outputs`."""
    state = PolicyState() if given.state is None else PolicyState(*given.state)
    named = agent(given.obs, state, given.action)
    each = {f"log_probs_{i}": value for i, value in enumerate(named[4:])} if len(named) > 5 else {"log_probs": named[4]}
    carried = {name: value for name in ("lstm_h", "lstm_c") if (value := getattr(state, name)) is not None}
    return {**dict(zip(RESULTS, named, strict=False)), **each, **carried}
