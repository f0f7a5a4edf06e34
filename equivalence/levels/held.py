"""Levels that need no input: what both agents hold, as tensors of state and besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn

from equivalence.finding import Finding, Pair
from equivalence.strategies import Inputs
from equivalence.tensors import component_of
from migrate.holdings import holdings
from modules import weights as new_weights

LOSSES = ("l2_reg_loss", "l2_init_loss")


def weights(pair: Pair, _: Inputs) -> Finding:
    """Parameters and buffers, under the old names."""
    finding = Finding()
    old, new = _once(pair.old.state_dict(keep_vars=True)), pair.new.state_dict()
    renamed = {pair.names.get(name, name): value for name, value in new.items()}
    owners = {pair.names.get(name, name): component_of(name) for name in new}
    for name in [*old, *(set(renamed) - set(old))]:
        finding.check("weight", name, old.get(name), renamed.get(name), component=owners.get(name))
    return finding


def _once(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each tensor under the first of its names; E1 had up to 22 for one (trap 44)."""
    first: dict[int, str] = {}
    for name, tensor in state.items():
        first.setdefault(id(tensor), name)
    return {name: state[name].detach() for name in first.values()}


def attributes(pair: Pair, _: Inputs) -> Finding:
    """What no pass shows: clip limits, anchors, scales, action rows, frozen weights, order, mode; and the files."""
    finding = Finding()
    finding.compare_values("attribute", "training mode", *pair.modes)
    check_besides(finding, pair)
    known = set(pair.order)
    for name, old, new in holdings(pair.old, pair.new, pair.names):
        first = name.partition(".")[0]
        owner = first if first in known else None
        if isinstance(old, Tensor) or isinstance(new, Tensor):
            finding.check("attribute", name, old, new, component=owner)
        else:
            finding.compare_values("attribute", name, old, new, component=owner)
    _l2_terms(finding, pair)
    return finding


def check_besides(finding: Finding, pair: Pair) -> None:
    """What no agent shows: what its file gives back, what building it took from the generator."""
    for (place, name), values in pair.besides.items():
        finding.compare_values(place, name, *values)


def _l2_terms(finding: Finding, pair: Pair) -> None:
    """Each component's part of the L2 losses, which carried no gradient (trap 9); where the old code can give it."""
    old_components, new_components = cast(Any, pair.old).components, cast(Any, pair.new).components
    for name in pair.order:
        for loss in LOSSES:
            try:
                old = getattr(old_components[name], loss, lambda: None)()
            except (AttributeError, TypeError):  # a scale of null or of 0, which old code of some eras failed on
                continue
            if not isinstance(old, Tensor):
                continue
            new = getattr(new_weights, loss)(nn.ModuleDict({name: new_components[name]}))
            finding.check("attribute", f"{name}.{loss}", old.reshape(()), new, component=name)
