"""Steps of a block or a program, marked by itself or found out, and the windows of the profiler over them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tracer.capture import hooks, marks
from tracer.capture.plan import Plan
from tracer.capture.rolling import Windows
from tracer.capture.step_calls import StepCalls
from tracer.capture.window import ran_before

if TYPE_CHECKING:
    from tracer.capture.session import Session


class Marks:
    """Marked steps go before those that are found out."""

    def __init__(self, windows: Windows, calls: StepCalls, failed: Callable[[Exception], None]) -> None:
        """`failed` is told of what goes wrong here: it is no failure of the program's."""
        self._windows = windows
        self._calls = calls
        self._failed = failed

    def begin(self, function: str, number: int, *, tentative: bool = False) -> None:
        """A step begins."""
        self._calls.marked()
        try:
            self._windows.begin(function, number, tentative=tentative)
        except Exception as error:  # noqa: BLE001  # whatever it is, the program goes on
            self._failed(error)

    def end(self, *, raised: bool = False) -> None:
        """It is over."""
        try:
            self._windows.end(raised=raised)
        except Exception as error:  # noqa: BLE001  # as above
            self._failed(error)


@contextlib.contextmanager
def rolling_windows(session: Session, plan: Plan, step_function: str = "") -> Iterator[None]:
    """Profiles windows of the steps of a block, and says in the run what was seen."""
    windows = Windows(session.path, plan, traced=lambda: len(session.functions_so_far), saved=session.save)
    calls = StepCalls(windows, skip_steps=plan.skip_steps, wanted=step_function)
    session.windows = windows
    try:
        with (
            hooks.outermost_calls(began=calls.began, ended=calls.ended, failed=session.failed),
            marks.listening(Marks(windows, calls, session.failed), skip_steps=plan.skip_steps),
        ):
            yield
    finally:
        try:
            windows.ran_before = ran_before(session.functions_so_far)
            windows.finish(calls.choice)
            session.note(**windows.outcome())
            session.warnings += [*windows.said(), *calls.said()]
        except Exception as error:  # noqa: BLE001  # it may not stand before the program's own
            session.failed(error)
