"""One experiment: the control answers, the candidate is asked the same, and what it does reaches nobody."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from migrate.holdings import Fact
from migrate.shadow_report import Report, difference
from migrate.shadow_weights import Followed

Outputs = Mapping[str, Tensor]
_ONE_AT_A_TIME = threading.RLock()  # the generator that is put back is every thread's
GENERATOR = "generator"


@dataclass(frozen=True)
class Question:
    """What both sides are asked.

    Attributes:
        control: calls the control.
        prepare: takes copies of what the call is about, before the control runs.
        ask: asks the candidate, and names what came of it; gets what `prepare` gave.
        see: names what came of the control's call; gets that, too, and the control's result.
        draws: whether both sides draw the same random numbers on the way.
        method: the method that is called; empty for the agent's own call.
    """

    control: Callable[[], Any]
    prepare: Callable[[], Any]
    ask: Callable[[Any], Outputs]
    see: Callable[[Any, Any], Outputs]
    draws: bool = True
    method: str = ""


@dataclass(frozen=True)
class Raised:
    """An exception, as what came of a call."""

    error: Exception


@dataclass(frozen=True)
class Bench:
    """Where experiments are made.

    Attributes:
        followed: the weights of both sides.
        report: gets what is found.
        ignore: outputs that may differ.
    """

    followed: Followed
    report: Report
    ignore: Collection[str]

    def compare_at_first(self, held: Iterable[Fact]) -> None:
        """Compares what both sides were made or loaded with, before the candidate gets copies of the weights."""
        for name, (own, other) in self.followed.changed().items():
            self._note_difference(f"{name} at first", own.detach(), other.detach())
        self.compare_held(held, "at first")
        self.followed.copy()

    def compare_held(self, held: Iterable[Fact], when: str) -> None:
        """Compares what no pass shows: clip limits, anchors, action rows, numbers of features."""
        try:
            for name, old, new in held:
                self._note_difference(f"{name} {when}", *((old, new) if self.report.serves == "legacy" else (new, old)))
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here is not the caller's
            self.report.note(f"comparing raised {type(error).__name__} {when}", math.inf, str(error))

    def _note_difference(self, name: str, control: Any, candidate: Any) -> None:
        if (found := difference(control, candidate)) is not None:
            self.report.note(name, *found)

    def answer(self, question: Question) -> Any:
        """The control's result, or its exception; the candidate is tried before the caller gets it."""
        with _ONE_AT_A_TIME:
            return self._answer(question)

    def _answer(self, question: Question) -> Any:
        before = _generators()
        prepared = _observe(lambda: (self.followed.copy(), question.prepare())[1])
        _restore(before)
        try:
            result = question.control()
        except Exception as error:
            if type(error).__module__ != "torch.utils.checkpoint":  # which has recomputed enough, and goes on
                self._try(question, before, prepared, Raised(error))
            raise
        self._try(question, before, prepared, result)
        return result

    def _try(self, question: Question, before: list[Tensor], prepared: Any, outcome: Any) -> None:
        """Asks the candidate and compares. The generators are then as the control left them."""
        after = _generators()
        try:
            if isinstance(prepared, Raised):
                candidate, left = outcome, after
                if not isinstance(outcome, Raised):
                    raise prepared.error
            else:
                _restore(before)
                candidate, left = _observe(lambda: _unseen(question.ask, prepared)), _generators()
            if isinstance(outcome, Raised) or isinstance(candidate, Raised):
                self._compare_failures(question, outcome, candidate)
            else:
                self._compare(question, question.see(prepared, outcome), candidate, (after, left))
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here is not the caller's
            with contextlib.suppress(Exception):
                self.report.note(f"comparing raised {type(error).__name__}", math.inf, str(error))
        finally:
            _restore(after)

    def _compare(
        self, question: Question, control: Outputs, candidate: Outputs, generators: tuple[list[Tensor], list[Tensor]]
    ) -> None:
        """Compares outputs, tensors that the call changed, and what is left of the random numbers."""
        changed = self.followed.changed()
        sides = []
        for side, (outputs, states) in enumerate(zip((control, candidate), generators, strict=True)):
            tensors = {f"{name} afterwards": pair[side].detach() for name, pair in changed.items()}
            sides.append({**outputs, **tensors, **({GENERATOR: torch.cat(states)} if question.draws else {})})
        self.report.compare(sides[0], sides[1], self.ignore)

    def _compare_failures(self, question: Question, control: Any, candidate: Any) -> None:
        """Exceptions are observations: sides on which there is one agree."""
        place = f" in {question.method}" if question.method else ""
        sides = ((self.report.serves, control, candidate), (self.report.candidate, candidate, control))
        for stack, own, other in sides:
            if not isinstance(own, Raised) or isinstance(other, Raised):
                continue
            if question.method in self.ignore:
                self.report.pass_over(question.method)
            else:
                self.report.note(f"{stack} raised {type(own.error).__name__}{place}", math.inf, str(own.error))


def _unseen(ask: Callable[[Any], Outputs], prepared: Any) -> Outputs:
    """The candidate's answer; hooks of the caller for saved tensors, as gradient checkpointing has, do not see it."""
    with torch.autograd.graph.saved_tensors_hooks(lambda saved: saved, lambda saved: saved):
        return ask(prepared)


def _observe(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - an observation
        return Raised(error)


def _generators() -> list[Tensor]:
    """The states of the generators that agents draw from."""
    used: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    on_gpu = torch.cuda.get_rng_state_all() if used else []
    return [torch.get_rng_state(), *on_gpu]


def _restore(states: list[Tensor]) -> None:
    torch.set_rng_state(states[0])
    if len(states) > 1:
        torch.cuda.set_rng_state_all(states[1:])
