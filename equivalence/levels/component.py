"""The level that takes components one by one: each is fed what its old one was, so that errors do not add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast
from unittest.mock import patch

import torch
from torch import Tensor, nn

from equivalence.compare import same_bytes
from equivalence.finding import Finding, Pair
from equivalence.strategies import Inputs
from equivalence.tracing import trace_copy
from modules.errors import InputError
from modules.inputs import SINGLE_STEPS, graph_inputs
from modules.program import call_with_hooks

Feeds = dict[str, Tensor]


@dataclass
class Visit:
    """One old component's part of a pass.

    Attributes:
        leaves: what it read of other components, cut off from what made it.
        board: whatever else lay on the blackboard.
        before: the generator's state when it began.
        after: and when it was done.
        output: with its own autograd graph alone behind it.
        besides: what else it wrote on the blackboard for others to read, such as a mask.
        changed: inputs that it wrote into.
    """

    leaves: Feeds
    board: Mapping[str, Any]
    before: Tensor
    after: Tensor = field(default_factory=lambda: torch.empty(0))
    output: Tensor | None = None
    besides: Feeds = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)


def component(pair: Pair, inputs: Inputs) -> Finding:
    """Each component's output, gradients and use of the generator, from the inputs that the old one had."""
    return compare_alone(pair, inputs, inputs.sequence_obs(), inputs.action())


def compare_alone(pair: Pair, inputs: Inputs, obs: Tensor, action: Tensor) -> Finding:
    """The same for one training pass on `obs` `[B, T, ...]` and `action` `[B, T, 2]`."""
    finding = Finding()
    torch.default_generator.manual_seed(inputs.draw.seed)
    with _cut(pair) as visits:
        failure = _failure(pair, obs, action, inputs)
    if failure is not None and _failure(pair, obs, action, inputs) is None:
        raise RuntimeError("the old agent runs, but not with its components cut apart") from failure
    try:
        given = _graph_inputs(pair, obs, inputs)
    except InputError as error:
        finding.fail_alike(error)
        return finding
    for name in pair.order:
        visit = visits.get(name)
        if visit is not None and visit.output is not None:
            _compare(finding, pair, name, visit, given, inputs)
    if failure is not None and not finding.compared:
        finding.fail_alike(failure)
    for row in pair.buffers:
        visit = visits.get(row.component or "")
        if row.has_changed and visit is not None and visit.output is not None:
            finding.check("state", row.name, *row.sides, component=row.component)
    return finding


def _failure(pair: Pair, obs: Tensor, action: Tensor, inputs: Inputs) -> Exception | None:
    """What the old agent raises; other levels hold the new one to it."""
    try:
        trace_copy(pair.old, obs, action=action, state=inputs.state())
    except Exception as error:  # noqa: BLE001 - whatever the old stack raises
        return error
    return None


def _graph_inputs(pair: Pair, obs: Tensor, inputs: Inputs) -> Feeds:
    agent, state = cast(Any, pair.new), inputs.state()
    data = {"x": obs, **({} if state is None else dict(zip(("lstm_h", "lstm_c"), state, strict=True)))}
    single_steps = agent.config.get("sequences") == SINGLE_STEPS
    return dict(graph_inputs(data, agent.environment.obs_shape, agent.core, single_steps=single_steps))


@contextmanager
def _cut(pair: Pair) -> Iterator[dict[str, Visit]]:
    """Lets the old agent's passes cut each component's output off from the next one's input, and remember both."""
    visits: dict[str, Visit] = {}
    old, new = cast(Any, pair.old).components, cast(Any, pair.new).components
    writers = {name for name, reader in new.items() if _is_inplace(reader, old[name])}
    written = {key for name in writers for key in new[name].in_keys}
    with ExitStack() as stack:
        for name in pair.order:
            layer, owned = old[name], set() if name in writers else written
            visit = partial(
                _visit, layer.forward, name=name, module=new[name], layers=old, visits=visits, owned=owned,
                copied=name in written,
            )  # fmt: skip
            # Back to what stood there: a divergence may have changed it for as long as this level runs.
            stack.enter_context(patch.object(layer, "forward", visit))
        yield visits


def _is_inplace(*sides: Any) -> bool:
    """Whether a component of either side says that it works in place."""
    return any(getattr(part, "inplace", False) for side in sides for part in (side, getattr(side, "_net", None)))


def _visit(
    forward: Any,
    td: Any,
    *,
    name: str,
    module: Any,
    layers: Any,
    visits: dict[str, Visit],
    owned: set[str],
    copied: bool,
) -> Any:
    """Runs one old component on inputs that are leaves of autograd, and leaves a leaf behind for the next one.

    Of sources in `owned`, which another reader will write into, it reads a copy of its own.
    """
    if name in visits:
        return td
    sources = [key for key in module.in_keys if key in layers]
    for source in sources:
        layers[source].forward(td)
    shared = {source: td[source] for source in sources}
    for source in owned.intersection(sources):
        td[source] = shared[source].detach().clone().requires_grad_(shared[source].requires_grad)
    leaves = {source: td[source] for source in sources}
    before = _copies(leaves)
    visit = visits[name] = Visit(leaves, dict(td.items()), torch.get_rng_state())
    forward(td)
    visit.after, visit.changed = torch.get_rng_state(), _changed(leaves, before, restore=False)
    for key in visit.changed:
        visit.leaves[key] = before[key].requires_grad_(leaves[key].requires_grad)  # what it was fed, for the new one
    keys = td.keys()
    visit.besides = {key: td[key] for key in module.out_keys[1:] if key in keys}
    visit.output = output = cast(Tensor, td[name])
    leaf = output.detach().requires_grad_(output.requires_grad)
    for source in owned.intersection(sources):
        td[source] = shared[source]
    # What works in place may not write into a leaf.
    td[name] = leaf.clone() if copied else leaf
    return td


def _copies(feeds: Feeds) -> Feeds:
    return {key: feed.detach().clone() for key, feed in feeds.items()}


def _changed(feeds: Feeds, before: Feeds, *, restore: bool = True) -> set[str]:
    """Inputs that were written into since, which torch's version counters do not always tell; they are put back."""
    changed = {key for key, feed in feeds.items() if not same_bytes(feed, before[key])}
    for key in changed if restore else ():
        feeds[key].data = before[key]
    return changed


def _compare(finding: Finding, pair: Pair, name: str, visit: Visit, given: Feeds, inputs: Inputs) -> None:
    module = cast(Any, pair.new).components[name]
    leaves = {key: leaf.detach().requires_grad_(leaf.requires_grad) for key, leaf in visit.leaves.items()}
    if _is_inplace(module):
        leaves = {key: leaf.clone() for key, leaf in leaves.items()}
    feeds = [leaves[key] if key in leaves else given.get(key, visit.board.get(key)) for key in module.in_keys]
    before = _copies(leaves)
    torch.set_rng_state(visit.before)
    finding.ran.append((name,))
    try:
        result = call_with_hooks(module, *feeds)
    except Exception as error:  # noqa: BLE001 - an error that the old one did not raise is a difference
        finding.compare_values("error", name, "", f"{type(error).__name__}: {error}", component=name)
        return
    outputs = result if isinstance(result, tuple) else (result,)
    finding.check("component", name, visit.output, outputs[0], component=name)
    for key, output in zip(module.out_keys[1:], outputs[1:], strict=False):
        if key in visit.besides:
            finding.check("component", f"{name}: {key}", visit.besides[key], output, component=name)
    finding.check("generator", f"after {name}", visit.after, torch.get_rng_state(), component=name)
    changed = _changed(leaves, before)
    finding.compare_values("input", f"written into by {name}", visit.changed, changed, component=name)
    if visit.output is not None and visit.output.requires_grad and outputs[0].requires_grad and not changed:
        _compare_gradients(finding, pair, name, (visit.output, visit.leaves), (outputs[0], leaves), inputs)


Half = tuple[Tensor, Feeds]


def _compare_gradients(finding: Finding, pair: Pair, name: str, old: Half, new: Half, inputs: Inputs) -> None:
    """Gradients of a component's own parameters and inputs, for one random gradient of its output."""
    if old[0].shape != new[0].shape or old[0].dtype != new[0].dtype:
        return
    sides: list[dict[str, Tensor | None]] = []
    failures: list[str] = []
    for (output, leaves), parameters in zip((old, new), _parameters(pair, name), strict=True):
        wanted = {**{f"input {key}": leaf for key, leaf in leaves.items() if leaf.requires_grad}, **parameters}
        weight = inputs.loss_weights(tuple(output.shape), 7)
        found: dict[str, Tensor | None] = {}
        failure = ""
        try:
            if wanted:
                gradients = torch.autograd.grad(output, list(wanted.values()), weight, allow_unused=True)
                found = dict(zip(wanted, gradients, strict=True))
        except RuntimeError as error:  # such as for an input that was written into behind autograd's back
            failure = f"{type(error).__name__}: {error}"
        sides.append(found)
        failures.append(failure)
    if any(failures) and not all(failures):
        finding.compare_values("error", f"backward through {name}", *failures, component=name)
    elif not any(failures):
        for key, gradient in sides[0].items():
            finding.check("gradient", f"{name}: {key}", gradient, sides[1].get(key), strides=False, component=name)


def _parameters(pair: Pair, name: str) -> tuple[dict[str, nn.Parameter], dict[str, nn.Parameter]]:
    """A component's parameters on both sides, under the old names."""
    old, new = {}, {}
    for row in pair.parameters:
        if row.component == name and row.old is not None and row.new is not None and row.new.requires_grad:
            old[row.name], new[row.name] = row.old, row.new
    return old, new
