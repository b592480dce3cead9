"""A session over something long: windows of its steps, graphs taken as TensorFlow makes them, a bounded folder."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
from abc import abstractmethod
from pathlib import Path
from typing import Any

from tracer.capture import environment
from tracer.capture.finish import write_optimized
from tracer.capture.functions import FunctionRecorder
from tracer.capture.graph_collection import GraphCollection
from tracer.capture.own_tools import OwnTools
from tracer.capture.plan import Plan, checked_plan
from tracer.capture.rolling import Windows
from tracer.capture.session import Collection, Session, status
from tracer.errors import UsageError
from tracer.recorded import Warned

MAX_BYTES = 256 << 20  # of a run's folder: what a person keeps without a thought, and reads in seconds
_OF_WINDOWS = 4  # of the folder a fourth is for profiles: to read one takes 12 times its size of memory
_OF_TAGS = 4
_UNTAKEN = 32  # functions that may be traced before their optimised graphs are taken from TensorFlow
_WAITING = 256  # functions that are not called yet, and may still be


@dataclasses.dataclass(frozen=True, slots=True)
class RollingSettings:
    """What to record of something long."""

    logdir: Path
    plan: Plan
    profile: bool = True
    sources: bool = True
    hlo: bool = False
    functions: str = ""  # a regular expression: only functions whose name it matches
    step_function: str = ""
    max_bytes: int = MAX_BYTES


def rolling_settings(
    *,
    logdir: Path,
    skip_steps: int,
    steps: int,
    every: int,
    profile: bool,
    profile_seconds: float,
    sources: bool,
    hlo: bool,
    fresh: bool = False,
    functions: str = "",
    step_function: str = "",
    max_bytes: int = MAX_BYTES,
) -> RollingSettings:
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
    return RollingSettings(
        logdir=logdir.absolute(),  # the program may change the directory
        plan=plan,
        profile=profile,
        sources=sources,
        hlo=hlo,
        functions=functions,
        step_function=step_function,
        max_bytes=max_bytes,
    )


class RollingSession(Session):
    """The recording of something that is not ours, and uses TensorFlow's trace and profiler as it likes."""

    def __init__(self, name: str, settings: RollingSettings, *, target: str) -> None:
        """Makes the run's folder.

        Raises:
          SessionActive: another session is open in this process, beside which this one cannot be.
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
            name,
            logdir=settings.logdir,
            profile=False,
            sources=settings.sources,
            hlo=settings.hlo,
            facts={"target": target, "settings": given},
        )
        self.windows: Windows = Windows(
            self.path,
            settings.plan,
            traced=self._recorder.recorded.__len__,
            saved=self.save,
            profile=settings.profile,
        )
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

    def begin(self) -> None:
        """Records from here on, until it is closed; TensorFlow is imported."""
        self._writer.update(versions=environment.versions())  # not devices: which of them to use is still open
        self._stack.enter_context(self._tools.watched())
        self._stack.enter_context(self.recording())
        self._listen_to_steps()

    @abstractmethod
    def _listen_to_steps(self) -> None:
        """Has `windows` told of steps, until `_stack` is closed."""

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
        with self._recorder.guarded():
            self.windows.finish(self._steps_of())
        with self._recorder.guarded():
            self._stack.close()
        with self._recorder.guarded():
            self.note(host=environment.host(), **self.windows.outcome())
            self.warnings += self._said()
        super().close(error)

    def _steps_of(self) -> str:
        """Returns what the steps turned out to be of; empty for whatever most steps of windows are of."""
        return ""

    def _said(self) -> list[Warned]:
        return [*self.windows.said(), *self._tools.warnings, *self._recorder.said()]

    def _drain_if_full(self) -> None:
        if len(self._recorder.recorded) - self._waited >= _UNTAKEN:
            self._drain()

    def _drain(self) -> None:
        assert isinstance(self._collection, GraphCollection)
        self._collection.drain()
        self._waited = len(self._recorder.recorded)

    def _take(self, graphs: list[Any]) -> None:
        waiting = self._recorder.untaken
        with self._recorder.guarded():
            write_optimized(self._writer, waiting, graphs)
        with self._recorder.lock:
            # What is traced now may first be called much later, but not all of it is worth to wait for.
            waiting[:] = [function for function in waiting if function.nodes and not function.jitted][-_WAITING:]
