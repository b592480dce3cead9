"""Steps of a block or a program, marked by itself or found out, and the windows of the profiler over them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tracer.capture import hooks, marks
from tracer.capture.plan import Plan
from tracer.capture.rolling import Windows
from tracer.capture.step_calls import StepCalls

if TYPE_CHECKING:
    from tracer.capture.session import Session


class Marks:
    """Marked steps go before those that are found out."""

    def __init__(self, windows: Windows, calls: StepCalls) -> None:
        self._windows = windows
        self._calls = calls

    def begin(self, function: str, number: int, *, tentative: bool = False) -> None:
        """A step begins."""
        self._calls.marked()
        self._windows.begin(function, number, tentative=tentative)

    def end(self) -> None:
        """It is over."""
        self._windows.end()


@contextlib.contextmanager
def rolling_windows(session: Session, plan: Plan, step_function: str = "") -> Iterator[None]:
    """Profiles windows of the steps of a block, and says in the run what was seen."""
    windows = Windows(session.path, plan, traced=lambda: len(session.functions_so_far), saved=session.save)
    calls = StepCalls(windows, skip_steps=plan.skip_steps, wanted=step_function)
    session.windows = windows
    try:
        with (
            hooks.outermost_calls(began=calls.began, ended=calls.ended),
            marks.listening(Marks(windows, calls), skip_steps=plan.skip_steps),
        ):
            yield
    finally:
        windows.finish()
        session.note(**windows.outcome())
        session.warnings += [*windows.said(), *calls.said()]
