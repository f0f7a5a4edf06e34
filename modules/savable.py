"""What a policy file cannot say, and would bring back as something else: refused before one is written."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from modules.agent import MettaAgent
from modules.errors import CheckpointError
from modules.weight_module import WeightOptions
from modules.wrappers.wrapper import innermost

# Values that are equal when they look equal; what else a module keeps, such as tensors, is in the file or derived.
PLAIN = (bool, int, float, str, tuple, type(None))
WAY_OUT = "\n  -> undo the change, and give the policy a config that says it: modules.with_config(agent, {...})"


def check_attribute(what: str, value: Any) -> None:
    """Refuses what JSON changes without a word: tuples become lists, and keys that are numbers become text.

    Args:
        what: the value's place, for messages.
        value: dicts, lists and plain values.

    Raises:
        CheckpointError: "... would come back as ...".
    """
    if isinstance(value, tuple):
        raise CheckpointError(f"{what} is or has a tuple, which would come back as a list: {value!r:.100}")
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise CheckpointError(f"{what} has the key {key!r}, which would come back as text")
    if not isinstance(value, (dict, list, *PLAIN)):
        raise CheckpointError(f"{what} is or has a {type(value).__name__}, which a policy file cannot hold")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        check_attribute(what, each)


def check_config(agent: MettaAgent) -> None:
    """Refuses components that the config does not build: a hot swap does not change it, and a file holds nothing else.

    Raises:
        CheckpointError: "component ... is not what the config builds", "the agent has the components ...",
            "... has the tensor ...", "the agent's clip_range is ...".
    """
    with torch.random.fork_rng(devices=[]):
        made = MettaAgent(agent.config, agent.environment)
    built = made.components
    if (here := list(agent.components)) != (there := list(built)):
        listed = f"the agent has the components {', '.join(here)}, and its config {', '.join(there)}"
        raise CheckpointError(f"{listed}{WAY_OUT}")
    if agent.clip_range != made.clip_range:
        raise CheckpointError(f"the agent's clip_range is {agent.clip_range!r}, not {made.clip_range!r}{WAY_OUT}")
    for name, module in agent.components.items():
        mine, said = _arguments(innermost(module)), _arguments(built[name])
        for what in dict.fromkeys([*mine, *said]):
            if mine.get(what) != said.get(what):
                values = f"{what} is {mine.get(what)!r}, not {said.get(what)!r}"
                raise CheckpointError(f"component {name!r} is not what the config builds: {values}{WAY_OUT}")
    mine, said = agent.state_dict(), made.state_dict()
    if differing := sorted(mine.keys() ^ said.keys()):
        sides = ("the agent", "what its config builds")
        has, lacks = sides if differing[0] in mine else reversed(sides)
        raise CheckpointError(f"{has}, and not {lacks}, has the tensor {differing[0]!r}{WAY_OUT}")
    for name, module in agent.components.items():
        _check_kept(name, innermost(module), built[name])


def _check_kept(name: str, module: torch.nn.Module, built: torch.nn.Module) -> None:
    """Refuses tensors that a component keeps where no file has them, and that are no more what its config builds."""
    saved = (*getattr(module, "saved_attributes", ()), *module.state_dict())
    for key in sorted({**vars(module), **module._buffers}.keys() - set(saved)):
        value, fresh = getattr(module, key), getattr(built, key, None)
        if not isinstance(value, torch.Tensor):
            continue
        if not isinstance(fresh, torch.Tensor) or not torch.equal(value.cpu(), fresh.cpu()):
            raise CheckpointError(
                f"component {name!r} keeps the tensor {key!r}, which no file would have"
                "\n  -> make it a buffer, or name it in the class's saved_attributes"
            )


def _arguments(module: Any) -> dict[str, Any]:
    """Class, keys, and the constructor's arguments that are kept as attributes, but for those that a file holds."""
    names = {"in_keys", "out_keys", *WeightOptions.__annotations__}
    for cls in type(module).__mro__:
        if "__init__" in vars(cls):
            names |= set(inspect.signature(vars(cls)["__init__"]).parameters)
    names -= set(getattr(module, "saved_attributes", ()))
    values = {name: value for name in sorted(names) if isinstance(value := vars(module).get(name), PLAIN)}
    return {"class": f"{type(module).__module__}.{type(module).__qualname__}", **values}
