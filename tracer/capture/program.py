"""Records a whole program, unchanged: every function that it traces, and windows of its steps."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tracer.capture import hooks, marks
from tracer.capture.imports import after_import
from tracer.capture.main_module import Program, ProgramThreads, ended_with, was_not_found
from tracer.capture.rolling_session import RollingSession, RollingSettings
from tracer.capture.signals import Terminated, delivered_again, sigterm_raises
from tracer.capture.step_calls import StepCalls
from tracer.capture.stepping import Marks
from tracer.errors import TracerError
from tracer.recorded import Run, Warned
from tracer.store.writer import remove_run


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what was recorded of it."""

    exit_code: int  # the program's own
    signal: int  # that ended it; 0 if none did
    run: Run | None  # None if it could not be written
    failure: TracerError | None  # why not


class ProgramSession(RollingSession):
    """The recording of a program, to which TensorFlow's trace and profiler belong."""

    exclusive = False

    def __init__(self, program: Program, settings: RollingSettings) -> None:
        """Makes the run's folder.

        Raises:
          WriteFailed: the log folder cannot be written.
        """
        super().__init__(program.name, settings, target=program.text)
        self.calls = StepCalls(self.windows, skip_steps=settings.plan.skip_steps, wanted=settings.step_function)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Records from TensorFlow's import on, while the block runs."""
        with self._stack, after_import("tensorflow", self._begin), _early_exit(self):
            yield

    def _begin(self) -> None:
        with self._recorder.guarded():
            self.begin()

    def _listen_to_steps(self) -> None:
        calls = hooks.outermost_calls(began=self._called, ended=self.calls.ended, failed=self._recorder.failed)
        self._stack.enter_context(calls)
        marked = Marks(self.windows, self.calls, self._recorder.failed)
        self._stack.enter_context(marks.listening(marked, skip_steps=self._settings.plan.skip_steps))

    def _called(self, function: Any) -> None:
        if os.getpid() == self._pid:
            self._drain_if_full()
            self.calls.began(function)

    def _steps_of(self) -> str:
        return self.calls.choice

    def _said(self) -> list[Warned]:
        return [*super()._said(), *self.calls.said()]

    def discard(self) -> None:
        """Ends the session and leaves nothing of it: there was no program to record."""
        self._closed = True
        self.windows.finish()
        self._stack.close()
        self._release()
        remove_run(self.path)

    def _nothing_traced(self) -> list[Warned]:
        if "tensorflow" in sys.modules:
            return super()._nothing_traced()
        if self._broke_off:
            return []
        hint = "it may run others that do: record those, as trace-scenario script -m package"
        return [Warned("no-tensorflow", "the program did not import TensorFlow", hint)]

    def _no_function(self) -> list[Warned]:
        if self._broke_off or any(warned.code == "functions-left-out" for warned in self.warnings):
            return []  # what it would have traced nobody knows, or what it did is not wanted
        message = "no tf.function in the program: it ran eagerly, op by op, so there is no graph"
        return [Warned("no-function", message, "decorate what takes the time with @tf.function")]


def record_program(
    program: Program, settings: RollingSettings, *, opened: Callable[[Path], None] = lambda _: None
) -> Ended:
    """Runs a program in this process, as Python would, and records it.

    What it raises is shown as Python shows it, and is in what this returns. Ctrl-C and SIGTERM end it as they would,
    after the run is closed.

    Args:
      program: what to run.
      settings: what to record of it.
      opened: told the run's folder before the program runs.

    Raises:
      WriteFailed: the log folder cannot be written; the program did not run.
    """
    session, threads = ProgramSession(program, settings), ProgramThreads()
    opened(session.path)
    error: BaseException | None = None
    failure: TracerError | None = None
    try:
        with sigterm_raises(stuck=session.save) as signals, delivered_again(), session.listening():
            try:
                program.run()
            except BaseException as raised:  # noqa: BLE001  # however it ends, the run is closed
                error = raised
            code = ended_with(error) if not isinstance(error, Terminated) else 0
            threads.wait()
            error = signals[0] if signals else error  # the program may have gone on, which it would not without us
    except BaseException as late:  # noqa: BLE001  # while it waited for the program's threads
        error = error or late
        code = ended_with(late)
    try:
        if was_not_found(error):
            session.discard()
        else:
            session.close(error)
    except TracerError as raised_by_us:
        failure = raised_by_us
    number = error.signal if isinstance(error, Terminated) else 0
    number = signal.SIGINT if isinstance(error, KeyboardInterrupt) else number
    return Ended(code, number, session.run if session.is_readable else None, failure or session.failure)


@contextlib.contextmanager
def _early_exit(session: ProgramSession) -> Iterator[None]:
    """Has what leaves Python at once close the session first: `os._exit`, and a program that turns into another."""

    def closing(original: Callable[..., Any], error: Callable[..., BaseException | None]) -> Callable[..., Any]:
        def leave(*args: Any, **kwargs: Any) -> Any:
            with contextlib.suppress(BaseException):
                if original is exit_ or os.access(args[0] if args else kwargs["path"], os.X_OK):
                    session.close(error(*args, **kwargs))
            return original(*args, **kwargs)  # which raises, where there is no such program, and this one goes on

        return leave

    def of_status(status: int = 0) -> BaseException | None:
        return SystemExit(status) if status else None

    def of_another(*_: Any, **__: Any) -> None:
        """The program that follows is not recorded, and this one has ended well."""

    exit_ = os._exit
    leavers: dict[str, Callable[..., BaseException | None]] = {
        "_exit": of_status,
        "execv": of_another,
        "execve": of_another,
    }
    originals = {name: getattr(os, name) for name in leavers}
    for name, error in leavers.items():
        setattr(os, name, closing(originals[name], error))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(os, name, original)
