"""`SafeModule`: a module whose inputs and outputs are looked at."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modules.base import one_per_key
from modules.errors import ConfigError, SafetyError, SafetyWarning
from modules.interop import inside_vmap
from modules.program import call
from modules.shapes import positive
from modules.wrappers.wrapper import Wrapper

Bounds = tuple[float, float]
Spec = Sequence[int | None]
VALUE_KEYS = ("value", "_value_")
FOUND_FINITE = "_found_finite"
"""Attribute of an output that was found finite: its version then, so that its readers need not sum it again; and its
`id`, since copies take attributes along."""


class SafeModule(Wrapper):
    """Stops at NaN, infinities and wrong shapes, clamps actions into their bounds, warns of extreme values.

    A tensor is summed, and only a sum that is not finite leads to a closer look. Under `torch.compile` and
    `torch.export`, checks of values become assertions in the graph (`RuntimeError` with the same first line), and
    there are no warnings; under `torch.vmap`, which knows no single values, there are no checks of them. Bounds hold at
    every call.

    Args:
        module: see `Wrapper`.
        input_specs: key -> expected sizes, the first (the batch) of which is not compared, nor any that is None.
        output_specs: likewise.
        action_bounds: key -> `(lowest, highest)`; a pair alone is for the one output of `module`.
        nan_check: whether to look for NaN and infinities.
        value_keys: outputs that are values.
        value_limit: absolute value above which there is a warning, once per key.
        check_every: how many calls there are to one that is checked, from the first on.

    Raises:
        ConfigError: specs or bounds for keys that `module` does not have, bounds that are none.
        SafetyError: at a call, naming key, component and statistics.
    """

    input_specs: dict[str, Spec]
    output_specs: dict[str, Spec]
    action_bounds: dict[str, Bounds]
    nan_check: bool
    check_every: int
    value_keys: tuple[str, ...]
    value_limit: float
    _calls: int
    _warned: set[str]

    def __init__(
        self,
        module: nn.Module,
        input_specs: Mapping[str, Spec] | None = None,
        output_specs: Mapping[str, Spec] | None = None,
        action_bounds: Bounds | Mapping[str, Bounds] | None = None,
        nan_check: bool = True,
        *,
        value_keys: Sequence[str] = VALUE_KEYS,
        value_limit: float = 1000.0,
        check_every: int = 1,
    ) -> None:
        positive(check_every=check_every)
        if isinstance(value_keys, str):
            raise ConfigError(f"value_keys must be a sequence of names such as ['value'], got {value_keys!r}")
        super().__init__(module)
        self.input_specs = _of_keys("input_specs", input_specs or {}, self.in_keys)
        self.output_specs = _of_keys("output_specs", output_specs or {}, self.out_keys)
        self.action_bounds = _of_keys("action_bounds", _by_key(action_bounds, self.out_keys), self.out_keys)
        self.nan_check, self.check_every = nan_check, check_every
        self.value_keys, self.value_limit = tuple(key for key in value_keys if key in self.out_keys), value_limit
        self._calls, self._warned = 0, set[str]()

    def compute(self, *inputs: Tensor) -> Any:
        """What the wrapped module computes, within bounds.

        Raises:
            SafetyError: "NaN detected in ...", "Inf detected in ...", "shape mismatch for ...", "... must be a tensor".
        """
        if torch.compiler.is_compiling():
            return self._bounded(self._asserted(inputs))
        if self.check_every > 1:
            self.__dict__["_calls"] += 1  # nn.Module's own way to set an attribute takes longer than many a layer
            if (self._calls - 1) % self.check_every:
                return self._bounded(self.inner(*inputs))
        if self.input_specs:
            self._check_shapes("input", self.in_keys, inputs, self.input_specs)
        if self.nan_check:
            try:
                for x in inputs:
                    mark = x.__dict__.get(FOUND_FINITE)  # as `_is_known`, without a call for each small layer
                    if (mark is None or mark[1] != id(x) or mark[0] != x._version) and not _seems_finite(x):
                        self._explain_all("input", self.in_keys, inputs)
            except AttributeError:
                self._refuse_others(inputs)
                raise
        result = call(self.module, *inputs)
        outputs = (result,) if type(result) is Tensor else one_per_key(self, result)
        if self.nan_check:
            for x in outputs:
                if not _seems_finite(x):
                    self._explain_all("input", self.in_keys, inputs)  # somebody may have written into it
                    self._explain_all("output", self.out_keys, outputs)
                elif not x.is_inference():  # these have no version
                    x.__dict__[FOUND_FINITE] = x._version, id(x)
        if self.output_specs:
            self._check_shapes("output", self.out_keys, outputs, self.output_specs)
        if self.value_keys:
            self._warn_of_extremes(outputs)
        return self._bounded(result) if self.action_bounds else result

    def _explain_all(self, what: str, keys: Sequence[str], tensors: Sequence[Tensor]) -> None:
        for key, x in zip(keys, tensors, strict=True):
            if x.is_floating_point():
                self._explain(what, key, x.detach())

    def _refuse_others(self, inputs: Sequence[Any]) -> None:
        for key, x in zip(self.in_keys, inputs, strict=True):
            if not isinstance(x, Tensor):
                raise SafetyError(f"input {key!r} of component {self.label} must be a tensor, got {type(x).__name__}")

    def _check_shapes(
        self, what: str, keys: Sequence[str], tensors: Sequence[Tensor], specs: Mapping[str, Spec]
    ) -> None:
        for key, x in zip(keys, tensors, strict=True):
            if key in specs and not _fits(x, specs[key]):
                sizes = f"expected {list(specs[key])} besides the batch, got {list(x.shape)}"
                raise SafetyError(f"shape mismatch for {what} {key!r} of component {self.label}: {sizes}")

    def _explain(self, what: str, key: str, x: Tensor) -> None:
        """Looks at every element; the sum of large ones may overflow though none is infinite."""
        finite = x.isfinite()
        if bool(finite.all()):
            return
        name = "NaN" if bool(x.isnan().any()) else "Inf"
        known = x[finite].double()
        rest = f"the others lie in [{known.min():.4g}, {known.max():.4g}]" if len(known) else "and nothing else"
        raise SafetyError(
            f"{name} detected in {what} {key!r} of component {self.label}, shape {list(x.shape)}: "
            f"{int(x.isnan().sum())} NaN and {int(x.isinf().sum())} infinite of {x.numel()} elements, {rest}"
        )

    def _asserted(self, inputs: Sequence[Tensor]) -> Any:
        """The computation with its checks as part of a graph, where Python cannot look at values."""
        self._assert("input", self.in_keys, inputs)
        result = self.inner(*inputs)
        self._assert("output", self.out_keys, one_per_key(self, result))
        return result

    def _assert(self, what: str, keys: Sequence[str], tensors: Sequence[Tensor]) -> None:
        self._check_shapes(what, keys, tensors, self.input_specs if what == "input" else self.output_specs)
        for key, x in zip(keys, tensors, strict=True):
            if self.nan_check and x.is_floating_point():
                message = f"NaN or Inf detected in {what} {key!r} of component {self.label}"
                torch._assert_async(x.detach().isfinite().all(), message)

    def _bounded(self, result: Any) -> Any:
        if not self.action_bounds:
            return result
        outputs = [
            x.clamp(*self.action_bounds[key]).to(x.dtype) if key in self.action_bounds else x
            for key, x in zip(self.out_keys, one_per_key(self, result), strict=True)
        ]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _warn_of_extremes(self, outputs: Sequence[Tensor]) -> None:
        for key, x in zip(self.out_keys, outputs, strict=True):
            if key not in self.value_keys or key in self._warned or not x.numel() or _has_no_values(x):
                continue
            values = x.detach()
            low, high = values.min().item(), values.max().item()
            if max(-low, high) <= self.value_limit:
                continue
            self._warned.add(key)
            text = f"extreme values in {key!r} of component {self.label}: [{low:.4g}, {high:.4g}]"
            warnings.warn(f"{text}, beyond {self.value_limit:g}", SafetyWarning, stacklevel=2)


def _is_known(x: Tensor) -> bool:
    """Whether a `SafeModule` wrote `x`, found it finite, and nothing was written into it since."""
    mark = x.__dict__.get(FOUND_FINITE)
    return mark is not None and mark[1] == id(x) and mark[0] == x._version


def _seems_finite(x: Tensor) -> bool:
    """Whether all elements are finite, by their sum; where large ones overflow, that is a false alarm.

    A view is finite if what it is a view of is, which may be known, or may be smaller: an expanded tensor repeats it.
    """
    if not x.is_floating_point():
        return True
    base = x._base
    if base is not None and base.dtype is x.dtype:
        if _is_known(base):
            return True
        if base.numel() < x.numel():
            x = base
    try:
        return math.isfinite((x.detach() if x.requires_grad else x).sum().item())
    except RuntimeError:
        if _has_no_values(x):
            return True
        raise


def _has_no_values(x: Tensor) -> bool:
    """Whether only shapes are computed, or a batch of which torch tells no single values.

    A fake tensor is told by its class's name, since the class needs an import.
    """
    return inside_vmap() or x.is_meta or type(x).__name__ == "FakeTensor"


def _by_key(bounds: Any, out_keys: Sequence[str]) -> Mapping[str, Bounds]:
    if bounds is None or isinstance(bounds, Mapping):
        return bounds or {}
    if len(out_keys) != 1:
        raise ConfigError(f"action_bounds must say which of {', '.join(out_keys)} they are for: give a mapping by key")
    return {out_keys[0]: bounds}


def _of_keys(what: str, values: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    for key, value in values.items():
        if key not in keys:
            raise ConfigError(f"{what} names {key!r}, which is none of: {', '.join(keys) or 'no key'}")
        if not isinstance(value, Sequence):
            raise ConfigError(f"{what} of {key!r} must be a sequence, got {value!r}")
        if what == "action_bounds" and not (len(value) == 2 and value[0] <= value[1]):
            raise ConfigError(f"action_bounds of {key!r} must be (lowest, highest), got {value!r}")
    return dict(values)


def _fits(x: Tensor, spec: Spec) -> bool:
    sizes = x.shape[1:]
    return len(sizes) == len(spec) - 1 and all(
        want is None or want == got for want, got in zip(spec[1:], sizes, strict=True)
    )
