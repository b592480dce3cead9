"""Records a whole program, unchanged: every function that it traces, and windows of its steps."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tracer.capture import environment, hooks, marks
from tracer.capture.finish import write_optimized
from tracer.capture.functions import FunctionRecorder
from tracer.capture.graph_collection import GraphCollection
from tracer.capture.imports import after_import
from tracer.capture.main_module import Program, ended_with, wait_for_threads, was_not_found
from tracer.capture.own_tools import OwnTools
from tracer.capture.plan import Plan, checked_plan
from tracer.capture.rolling import Windows
from tracer.capture.session import Collection, Session, status
from tracer.capture.signals import Terminated, delivered_again, sigterm_raises
from tracer.capture.step_calls import StepCalls
from tracer.capture.stepping import Marks
from tracer.errors import TracerError, UsageError
from tracer.recorded import Run, Warned
from tracer.store.writer import remove_run

MAX_BYTES = 256 << 20  # of a run's folder: what a person keeps without a thought, and reads in seconds
_OF_WINDOWS = 4  # of the folder a fourth is for profiles: to read one takes 12 times its size of memory
_OF_TAGS = 4
_UNTAKEN = 32  # functions that may be traced before their optimised graphs are taken from TensorFlow
_WAITING = 256  # functions that are not called yet, and may still be


@dataclasses.dataclass(frozen=True, slots=True)
class ProgramSettings:
    """What to record of a program."""

    logdir: Path
    plan: Plan
    profile: bool = True
    sources: bool = True
    hlo: bool = False
    functions: str = ""  # a regular expression: only functions whose name it matches
    step_function: str = ""
    max_bytes: int = MAX_BYTES


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what was recorded of it."""

    exit_code: int  # the program's own
    signal: int  # that ended it; 0 if none did
    run: Run | None  # None if it could not be written
    failure: TracerError | None  # why not


def program_settings(
    *,
    logdir: Path,
    skip_steps: int,
    steps: int,
    every: int,
    fresh: bool,
    profile: bool,
    profile_seconds: float,
    sources: bool,
    hlo: bool,
    functions: str,
    step_function: str,
    max_bytes: int,
) -> ProgramSettings:
    """Returns checked settings.

    Raises:
      UsageError: a number is out of range, or `functions` is no regular expression.
    """
    if max_bytes < 1 << 20:
        raise UsageError(f"max-bytes is {max_bytes}", hint="at least 1 MiB: --max-bytes 256MiB")
    try:
        re.compile(functions)
    except re.error as error:
        raise UsageError(f"--functions {functions}: {error}", hint="a regular expression, as 'train|eval'") from None
    plan = checked_plan(
        skip_steps=skip_steps,
        steps=steps,
        every=every,
        seconds=profile_seconds,
        max_bytes=max_bytes // _OF_WINDOWS,
        fresh=fresh,
    )
    return ProgramSettings(
        logdir=logdir.absolute(),  # the program may change the directory
        plan=plan,
        profile=profile,
        sources=sources,
        hlo=hlo,
        functions=functions,
        step_function=step_function,
        max_bytes=max_bytes,
    )


class ProgramSession(Session):
    """The recording of a program, to which TensorFlow's trace and profiler belong."""

    exclusive = False

    def __init__(self, program: Program, settings: ProgramSettings) -> None:
        """Makes the run's folder.

        Raises:
          WriteFailed: the log folder cannot be written.
        """
        self._settings = settings
        self.room_for_tags = settings.max_bytes // _OF_TAGS
        given = {
            "profile": settings.profile,
            "sources": settings.sources,
            "hlo": settings.hlo,
            "functions": settings.functions,
            "step_function": settings.step_function,
            **dataclasses.asdict(settings.plan),
            "max_bytes": settings.max_bytes,
        }
        super().__init__(
            program.name,
            logdir=settings.logdir,
            profile=False,
            sources=settings.sources,
            hlo=settings.hlo,
            facts={"target": program.text, "settings": given},
        )
        plan = settings.plan
        self.windows: Windows = Windows(
            self.path, plan, traced=self._recorder.recorded.__len__, saved=self.save, profile=settings.profile
        )
        self.calls = StepCalls(self.windows, skip_steps=plan.skip_steps, wanted=settings.step_function)
        self._tools = OwnTools(self.path, self.windows)
        self._stack = contextlib.ExitStack()
        self._waited = 0  # functions recorded when graphs were last taken
        self._closed = False
        self._broke_off = False  # whether an exception ended the program, or an exit code other than 0

    def _make_recorder(self, hlo: bool) -> FunctionRecorder:
        settings = self._settings
        wanted = re.compile(settings.functions).search if settings.functions else None
        return FunctionRecorder(self._writer, hlo=hlo, wanted=wanted, max_bytes=settings.max_bytes)

    def _make_collection(self) -> Collection:
        return GraphCollection(self._take)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Records from TensorFlow's import on, while the block runs."""
        with self._stack, after_import("tensorflow", self._begin), _early_exit(self):
            yield

    def _begin(self) -> None:
        self._writer.update(versions=environment.versions())  # not devices: which of them to use is still open
        self._stack.enter_context(self._tools.watched())
        self._stack.enter_context(self.recording())
        calls = hooks.outermost_calls(began=self._called, ended=self.calls.ended, failed=self._recorder.failed)
        self._stack.enter_context(calls)
        marked = Marks(self.windows, self.calls, self._recorder.failed)
        self._stack.enter_context(marks.listening(marked, skip_steps=self._settings.plan.skip_steps))

    def _called(self, function: Any) -> None:
        if os.getpid() == self._pid:
            if len(self._recorder.recorded) - self._waited >= _UNTAKEN:
                self._drain()
            self.calls.began(function)

    def save(self) -> None:
        """Has what is known by now on disk: a window has ended, or a while has passed."""
        with self._recorder.guarded():
            self._drain()
            super().save()

    def close(self, error: BaseException | None) -> None:
        """Ends the session, once. Args and raises: as `Session.close`."""
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        self._broke_off = status(error) != "complete"
        self.windows.finish(self.calls.choice)
        self._stack.close()
        self.note(host=environment.host(), **self.windows.outcome())
        self.warnings += [*self.windows.said(), *self.calls.said(), *self._tools.warnings, *self._recorder.said()]
        super().close(error)

    def discard(self) -> None:
        """Ends the session and leaves nothing of it: there was no program to record."""
        self._closed = True
        self.windows.finish()
        self._stack.close()
        self._release()
        remove_run(self.path)

    def _drain(self) -> None:
        assert isinstance(self._collection, GraphCollection)
        self._collection.drain()
        self._waited = len(self._recorder.recorded)

    def _take(self, graphs: list[Any]) -> None:
        waiting = self._recorder.untaken
        with self._recorder.guarded():
            write_optimized(self._writer, waiting, graphs)
        # What is traced now may first be called much later, but not all of it is worth to wait for.
        waiting[:] = [function for function in waiting if function.nodes and not function.jitted][-_WAITING:]

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
    program: Program, settings: ProgramSettings, *, opened: Callable[[Path], None] = lambda _: None
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
    session = ProgramSession(program, settings)
    opened(session.path)
    error: BaseException | None = None
    failure: TracerError | None = None
    try:
        with sigterm_raises(stuck=session.save), delivered_again(), session.listening():
            try:
                program.run()
            except BaseException as raised:  # noqa: BLE001  # however it ends, the run is closed
                error = raised
            code = ended_with(error) if not isinstance(error, Terminated) else 0
            wait_for_threads()
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
        def leave(*args: Any) -> Any:
            with contextlib.suppress(BaseException):
                session.close(error(*args))
            return original(*args)

        return leave

    def of_status(status: int = 0, *_: Any) -> BaseException | None:
        return SystemExit(status) if status else None

    leavers = {"_exit": of_status, "execv": lambda *_: None, "execve": lambda *_: None}
    originals = {name: getattr(os, name) for name in leavers}
    for name, error in leavers.items():
        setattr(os, name, closing(originals[name], error))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(os, name, original)
