"""`stack: shadow`: one stack answers, the other one runs beside it, and what differs is reported.

The words are those of GitHub's scientist: the *control* serves, the *candidate* is tried, a *mismatch* is counted
unless it is to be *ignored*, and an exception is an observation like any other.
"""

from __future__ import annotations

import contextlib
import copy
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn

import modules
from migrate.errors import UsageError
from migrate.holdings import holdings
from migrate.old_names import parameter_names_of
from migrate.shadow_calls import Call, convention_of, flat
from migrate.shadow_experiment import Bench, Question
from migrate.shadow_methods import ACTIVATING, MIRRORED, arguments_for, numbers
from migrate.shadow_report import Report
from migrate.shadow_weights import Followed
from modules.interop import unwrapped
from modules.wrappers.wrapper import SHARED

SHADOW = "shadow"
SETTINGS = ("clip_range",)
"""Attributes that a caller may set, and that both agents have."""
OTHER = {"legacy": "modules", "modules": "legacy"}


@dataclass(frozen=True)
class Options:
    """The key `shadow` of a config.

    Attributes:
        serves: the stack that answers.
        every: of how many calls of a kind one is compared, from the first on; rollouts and updates are two kinds.
        ignore: outputs and methods that may differ, such as `entropy` and `l2_init_loss`.
    """

    serves: str = "legacy"
    every: int = 1
    ignore: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, given: Any, where: object) -> Options:
        """Checked options; None for the defaults.

        Raises:
            UsageError: "shadow must be ...", "shadow does not know ...", "shadow.serves must be ...",
                "shadow.every must be ...", "shadow.ignore must be ...".
        """
        values = {} if given is None else given
        if not isinstance(values, Mapping):
            raise UsageError(f"shadow must be a mapping, got {given!r}", where=where, fix="write `serves: legacy`")
        known = tuple(vars(cls()))
        if unknown := [str(key) for key in values if key not in known]:
            raise UsageError(
                f"shadow does not know {', '.join(unknown)}", where=where, fix=f"known are {', '.join(known)}"
            )
        serves, every, ignore = (values.get(key, default) for key, default in vars(cls()).items())
        if serves not in OTHER:
            raise UsageError(f"shadow.serves must be {' or '.join(OTHER)}, got {serves!r}", where=where)
        if type(every) is not int or every < 1:
            raise UsageError(f"shadow.every must be a whole number from 1 on, got {every!r}", where=where)
        if not isinstance(ignore, list | tuple) or not all(isinstance(name, str) for name in ignore):
            raise UsageError(f"shadow.ignore must be a list of names of outputs, got {ignore!r}", where=where)
        return cls(serves, every, tuple(ignore))


def shadowed(make: Callable[[str], Any], options: Options) -> ShadowAgent:
    """Builds both agents from one state of the generator, which is then as if the control alone had been built.

    Args:
        make: stack -> its agent.
        options: which one serves, and what is compared.
    """
    before = torch.get_rng_state()
    control = make(options.serves)
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(before)
        candidate = make(OTHER[options.serves])
    return ShadowAgent(control, candidate, options)


def served(agent: nn.Module) -> nn.Module:
    """The agent that answers, without what torch puts around it: the control of a shadow, any other agent itself."""
    agent = unwrapped(agent)
    return agent.control if isinstance(agent, ShadowAgent) else agent


class ShadowAgent(nn.Module):
    """Called like its control, and gives what that gives, whatever the candidate does.

    Parameters, buffers and submodules are the control's, under the control's names; other attributes are looked up
    there, too. The candidate has copies of the control's weights. It gets copies of the inputs, in the control's modes
    of autograd, since bits depend on them, and with the random numbers that the control drew; its own are thrown away.

    Args:
        control: answers; an agent of either stack.
        candidate: the same policy in the other stack.
        options: what is compared.

    Attributes:
        control: the agent that answers.
    """

    control: Any
    _bench: Bench

    def __init__(self, control: Any, candidate: Any, options: Options | None = None) -> None:
        super().__init__()
        options = Options() if options is None else options
        # Not registered, for then its names would have a prefix. The registries themselves are shared instead.
        vars(self).update(control=control, **{name: vars(control)[name] for name in SHARED})
        del vars(self)["training"]  # which is the control's
        serves, new = ("modules", control) if isinstance(control, modules.MettaAgent) else ("legacy", candidate)
        old = candidate if new is control else control
        names = parameter_names_of(new.config)
        pairs = names.items() if new is control else [(there, here) for here, there in names.items()]
        vars(self).update(
            _beside=(candidate,),  # in a tuple, where torch does not look for modules
            _every=options.every,
            _calls=Counter[Any](),
            _obs_dims=len(new.environment.obs_shape),
            _bench=Bench(Followed(control, candidate, pairs), Report(serves), options.ignore),
            _held=partial(holdings, old, new, names),
        )
        self._bench.compare_at_first(self._held())

    @property
    def candidate(self) -> Any:
        """The agent that runs beside."""
        return self._beside[0]

    def report(self) -> Report:
        """What was compared so far, and how it came out."""
        return copy.deepcopy(self._bench.report)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The control's call; see there."""
        report = self._bench.report
        report.calls += 1
        kind = len(args), *sorted(kwargs), self.training, torch.is_grad_enabled()
        self._calls[kind] += 1
        if (self._calls[kind] - 1) % self._every:
            return self.control(*args, **kwargs)
        report.compared += 1
        way = convention_of(self.control, self._obs_dims, args[0] if args else kwargs.get("x"))
        other_way = convention_of(self.candidate, self._obs_dims)

        def prepare() -> Call:
            self._follow_modes()
            return way.read(self.control, way.arguments(self.control, args, kwargs)).copied()

        def ask(call: Call) -> Mapping[str, Tensor]:
            return other_way.ask(self.candidate, call)

        def see(call: Call, result: Any) -> Mapping[str, Tensor]:
            given = way.arguments(self.control, args, kwargs)
            return flat(way.outputs(self.control, call, given, result))

        draws = way.samples and other_way.samples
        return self._bench.answer(Question(lambda: self.control(*args, **kwargs), prepare, ask, see, draws))

    def _follow_modes(self) -> None:
        """Puts each component of the candidate into the mode of the control's."""
        others = dict(self.candidate.components.items())
        for name, component in self.control.components.items():
            if name in others and others[name].training != component.training:
                others[name].train(component.training)

    def _mirrored(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Runs a method that both agents have."""
        own, other = getattr(self.control, name), getattr(self.candidate, name)

        def prepare() -> dict[str, Any]:
            return arguments_for(name, self.control, args, kwargs)

        def ask(arguments: dict[str, Any]) -> Mapping[str, Tensor]:
            grad = torch.is_grad_enabled()
            # What it keeps must outlive the caller's inference mode.
            with torch.inference_mode(mode=False), torch.set_grad_enabled(grad):
                return numbers(name, other(**arguments))

        def see(_: Any, result: Any) -> Mapping[str, Tensor]:
            self._bench.followed.forget()  # so that every weight is compared
            if name in ACTIVATING:
                self._bench.compare_held(self._held(), f"after {name}")
            return numbers(name, result)

        try:
            return self._bench.answer(Question(lambda: own(*args, **kwargs), prepare, ask, see, method=name))
        finally:
            self._bench.followed.forget()  # and copied: both may have changed some

    def train(self, mode: bool = True) -> Self:
        """Sets the mode of both agents."""
        self.candidate.train(mode)
        self.control.train(mode)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Moves both agents, or changes their type."""
        # What it could not do, the next copy of the weights does.
        with contextlib.suppress(Exception), torch.inference_mode(mode=False):
            self.candidate._apply(fn, recurse)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        if "control" not in vars(self) or name in vars(self) or hasattr(type(self), name):
            super().__setattr__(name, value)
            return
        setattr(self.control, name, value)
        if name in SETTINGS:
            setattr(self.candidate, name, value)

    def __delattr__(self, name: str) -> None:
        if name in vars(self):
            super().__delattr__(name)
        else:
            delattr(self.control, name)

    def __getattr__(self, name: str) -> Any:
        if "control" not in self.__dict__:  # while it is copied or read
            raise AttributeError(name)
        found = getattr(self.control, name)
        if name == "get_action_and_value":  # as the call was named, too
            return self
        both = name in MIRRORED and callable(found) and callable(getattr(self.candidate, name, None))
        return partial(self._mirrored, name) if both else found
