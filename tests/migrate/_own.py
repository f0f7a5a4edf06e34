"""A team's own component, `my_scale`, and its files in the team's own folders."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import legacy.layers
import migrate.rules
import modules.layers
from migrate import registry
from tests.migrate._policies import CONFIG, changed

LEGACY = """
from torch import Tensor, nn
import torch
from legacy.base import Blackboard, LayerBase


class Scale(LayerBase):
    def __init__(self, start: float = 1.0, **cfg):
        super().__init__(**cfg)
        self.start = start

    def _make_net(self):
        self._out_tensor_shape = self._in_tensor_shapes[0].copy()
        self.factor = nn.Parameter(torch.full((1,), self.start))
        self.register_buffer("seen", torch.zeros(1), persistent=False)
        self.offset = torch.tensor([1.0, 2.0])

    def _forward(self, td):
        td[self._name] = td[self._sources[0]["name"]] * self.factor
        return td
"""
MODULES = """
import torch
from torch import nn
from modules.base import MettaModule, only_source


class ScaleModule(MettaModule):
    saved_attributes = ("offset",)

    def __init__(self, start=1.0, *, in_keys=("input",), out_keys=("output",)):
        super().__init__(in_keys, out_keys)
        self.factor = nn.Parameter(torch.full((1,), start))
        self.offset = torch.tensor([1.0, 2.0])

    def compute(self, x):
        return x * self.factor

    @classmethod
    def from_context(cls, context):
        only_source(context)
        return {}
"""
RULE = """
from migrate.rule import Attribute, Move, Rule, key

RULE = Rule(
    old="layers.Scale",
    new="ScaleModule",
    root="my_lab.",
    keys=(key("start", "start", 1.0, 1.0),),
    state=lambda _: (Move("factor", "factor"),),
    attributes=(Attribute("offset", "offset"),),
)
"""
CACHES: tuple[Any, ...] = (registry.rules, registry._by_old, registry.check_own, registry.legacy_parts)


@contextmanager
def installed(
    folder: Path, *, stem: str = "my_scale", old: str = LEGACY, new: str = MODULES, rule: str = RULE
) -> Iterator[None]:
    """Puts the files of one component beside ours for a while."""
    packages = ((legacy.layers, old), (modules.layers, new), (migrate.rules, rule))
    for package, text in packages:
        room = folder / package.__name__
        room.mkdir()
        (room / f"{stem}.py").write_text(text)
        package.__path__.append(str(room))
    for cache in CACHES:
        cache.cache_clear()
    try:
        yield
    finally:
        for package, _ in packages:
            added = package.__path__.pop()
            name = f"{package.__name__}.{stem}"
            if name in sys.modules and Path(str(sys.modules[name].__file__)).parent == Path(added):
                del sys.modules[name], vars(package)[stem]
        for cache in CACHES:
            cache.cache_clear()


def own_config() -> dict[str, Any]:
    scale = {"_target_": "my_lab.layers.Scale", "sources": [{"name": "core_relu"}], "start": 0.5}
    return changed(CONFIG, my_scale=scale, actor_1={"sources": [{"name": "my_scale"}]})
