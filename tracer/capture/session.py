"""The session: a `with` block whose functions, graphs and profile end up in one folder, whatever ends the block."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tracer.capture import environment, tf_private
from tracer.capture.describe import file_origin
from tracer.capture.finish import once, write_stages, write_tags
from tracer.capture.functions import FunctionRecorder
from tracer.capture.limits import SECONDS, checked_seconds
from tracer.capture.plan import Plan, checked_plan
from tracer.capture.profiler import Profiler
from tracer.capture.recorded_function import RecordedFunction
from tracer.capture.signals import Terminated, delivered_again, die_if_told_to, postponed, sigterm_raises
from tracer.capture.summary_trace import SummaryTrace
from tracer.errors import SessionActive, TracerError, UsageError, WriteFailed, reason
from tracer.recorded import Run, Warned
from tracer.store import layout
from tracer.store.load import load_run
from tracer.store.writer import RunWriter, remove_run
from tracer.text import plural

if TYPE_CHECKING:
    from tracer.capture.rolling import Windows


class Collection(Protocol):
    """What gathers the optimised graphs that TensorFlow makes in a session."""

    warnings: list[Warned]

    def start(self) -> None:
        """Begins to gather."""

    def stop(self) -> list[Any]:
        """Ends it and returns the FunctionGraphs messages that are not dealt with yet."""


_lock = threading.RLock()  # Python may close a session wherever it collects garbage
_active: list[Session] = []  # the open sessions, the outermost first


class Session:
    """A recording under way. When its block has ended, `run` is what was recorded.

    Attributes of the run (`functions`, `status`, ...) can then be asked of the session itself.
    """

    exclusive = True  # whether no other such session may be open: TensorFlow's trace exists once a process
    room_for_tags = 0  # bytes of graphs in TensorBoard's tags; 0 is no limit

    def __init__(
        self,
        name: str,
        *,
        logdir: Path,
        profile: bool,
        sources: bool,
        hlo: bool = False,
        profile_seconds: float = SECONDS,
        facts: Mapping[str, Any] | None = None,
        background: bool = False,
    ) -> None:
        """Makes the run's folder.

        One in the `background` is of somebody who did not ask for it in the program: it leaves TensorFlow's own trace
        to the program, gives way to a session that the program opens, and leaves no run where nothing was traced.

        Raises:
          SessionActive: another session is open in this process.
          WriteFailed: the log folder cannot be written.
        """
        self.name = name
        self.warnings: list[Warned] = []
        self.background = background
        self.gave_way_to = ""  # the session to which this one gave way, and by which line
        self.instantiated_again = False  # whether functions were, so that TensorFlow exports their graphs twice
        self._place = _opened_at()
        self._pid = os.getpid()
        self._thread = threading.current_thread().name
        self.windows: Windows | None = None  # of the profiler, where it is on again and again
        self._outcome: dict[str, Any] = {}
        self._run: Run | None = None
        self._claim()
        try:
            settings = {"profile": profile, "sources": sources, "hlo": hlo}
            facts = {"target": name, **environment.facts(), "settings": settings, **(facts or {})}
            self._writer = RunWriter(logdir, name, facts, keep_sources=sources)
        except BaseException:
            self._release()
            raise
        self.path = self._writer.path
        self._recorder = self._make_recorder(hlo)
        traced = self._recorder.recorded.__len__
        self.profiler = Profiler(self.path, seconds=profile_seconds, traced=traced) if profile else None
        self._hlo = hlo
        self._collection = self._make_collection()
        self._sessions = tf_private.sessions_made() if "tensorflow" in sys.modules else 0  # of TensorFlow 1

    def _make_recorder(self, hlo: bool) -> FunctionRecorder:
        return FunctionRecorder(self._writer, hlo=hlo)

    def _make_collection(self) -> Collection:
        return SummaryTrace(self.path)

    @property
    def run(self) -> Run:
        """What was recorded.

        Raises:
          SessionActive: the session is still open.
        """
        if self._run is None:
            raise SessionActive(
                f"session '{self.name}' is still recording, or could not be written",
                hint="ask when its with block has ended",
            )
        return self._run

    @property
    def is_readable(self) -> bool:
        """Whether the session is over and `run` can be asked."""
        return self._run is not None

    @property
    def failure(self) -> TracerError | None:
        """What could not be recorded, the first of it; None if nothing was lost."""
        return self._recorder.failure

    def failed(self, error: Exception) -> None:
        """Keeps a failure of ours out of the program, and for the session's end."""
        self._recorder.failed(error)

    def __repr__(self) -> str:
        state = "recording" if self._run is None else repr(self._run)
        return f"<Session '{self.name}': {state}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or self._run is None:
            raise AttributeError(f"'{name}' of session '{self.name}' can be asked when its with block has ended")
        return getattr(self._run, name)

    @property
    def functions_so_far(self) -> tuple[RecordedFunction, ...]:
        """What is recorded by now, in the order in which it was."""
        return tuple(self._recorder.recorded.values())

    def traced_since(self, number: int) -> tuple[str, ...]:
        """Returns the names of the functions that were traced after so many of `functions_so_far` were recorded."""
        return tuple(item.name for item in self.functions_so_far[number:] if not item.existing)

    def note(self, **outcome: Any) -> None:
        """Adds to what `run.json` will say of the outcome: `calls`, `window`."""
        self._outcome.update(outcome)

    def save(self) -> None:
        """Has what is known by now on disk."""
        windows = self.windows.outcome() if self.windows else {}
        self._writer.update(traces=self._recorder.outcomes(), **windows)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Records every function while the block runs."""
        if not self.background:
            self._collection.start()
        with self._recorder.listening():
            yield

    def close(self, error: BaseException | None) -> None:
        """Ends the session and reads back what it wrote.

        Raises:
          WriteFailed: something could not be written or does not read back; not if `error` is on its way already.
        """
        if os.getpid() != self._pid:
            return  # a forked child: the session is its parent's
        failure: TracerError | None = None
        try:
            if self.background and (self.gave_way_to or not self._recorder.recorded):
                remove_run(self.path)
                return
            with postponed():
                failure = self._finish()
                self._conclude(error, failure)
        finally:
            self._release()
        if failure and error is None:
            raise failure

    def _finish(self) -> TracerError | None:
        try:
            exported = self._collection.stop()
            if self.instantiated_again:
                exported = list(once(exported))
            recorded = self._recorder.recorded.values()
            self.warnings += write_stages(self._writer, recorded, exported, hlo=self._hlo, room=self.room_for_tags)
            self._writer.update(traces=self._recorder.outcomes())
            self.note(functions=write_tags(self._writer, self._recorder, self.warnings, room=self.room_for_tags))
        except TracerError as failure:
            return self._recorder.failure or failure
        except Exception as error:  # noqa: BLE001  # a failure of ours may not stand before the program's own
            unfinished = WriteFailed(f"the run could not be finished: {reason(error)}", hint="please report this")
            unfinished.__cause__ = error
            return self._recorder.failure or unfinished
        return self._recorder.failure

    def _conclude(self, error: BaseException | None, failure: TracerError | None) -> None:
        warnings = [*self.warnings, *self._collection.warnings, *(self.profiler.warnings if self.profiler else ())]
        if error is None or not self.exclusive:
            warnings += self._nothing_traced()
        if "tensorflow" in sys.modules and tf_private.missing():
            warnings.append(_moved_corners())
        outcome = {**_failed(error or failure), **self._outcome}
        outcome["warnings"] = [{"code": w.code, "message": w.message, "hint": w.hint} for w in warnings]
        try:
            self._writer.finish(status(error or failure), **outcome)
            self._run = load_run(self.path)
        except TracerError:
            if error is None and failure is None:
                raise

    def _nothing_traced(self) -> list[Warned]:
        """Returns why the run has no functions, or not those that somebody would look for in it."""
        import tensorflow as tf

        if tf.config.functions_run_eagerly():
            return [
                Warned(
                    "runs-eagerly",
                    "tf.config.run_functions_eagerly(True) is on, so tf.functions ran as plain Python",
                    "turn it off: tf.config.run_functions_eagerly(False)",
                )
            ]
        if made := tf_private.sessions_made() - self._sessions:
            return [
                Warned(
                    "sessions",
                    f"graphs that {plural(made, 'tf.compat.v1.Session')} ran are not recorded: only tf.functions are",
                    "tf.compat.v1.wrap_function makes a function of code that builds such a graph",
                )
            ]
        if any(item.name != "initialize_variables" for item in self._recorder.recorded.values()):
            return []
        return self._no_function()

    def _no_function(self) -> list[Warned]:
        return [
            Warned(
                "no-function",
                "no tf.function in the call: it ran eagerly, op by op, so there is no graph",
                "decorate it with @tf.function, or record tf.function(it)",
            )
        ]

    def _claim(self) -> None:
        with _lock:
            others = open_sessions()
            for owner in others:
                if owner.background:
                    owner._give_way(self)
                elif self.exclusive and owner.exclusive:
                    raise SessionActive(
                        f"session '{owner.name}' is open already, since {owner._place} in thread {owner._thread}",
                        hint="end it before you open another: TensorFlow has one trace and one profiler a process",
                    )
            _active[:] = [*(owner for owner in others if not owner.background), self]

    def close_if_over(self) -> None:
        """Closes it where what it records has ended without telling."""

    def _give_way(self, other: Session) -> None:
        self.gave_way_to = f"session '{other.name}', opened at {other._place}"
        self._recorder.deafen()
        if self.profiler is not None:
            self.profiler.stop(save=False)

    def _release(self) -> None:
        with _lock:
            if self in _active:
                _active.remove(self)


def open_sessions() -> tuple[Session, ...]:
    """Returns the sessions that are open in this process, the outermost first."""
    for session in tuple(_active):
        session.close_if_over()
    return tuple(session for session in _active if session._pid == os.getpid())  # others are a forked child's parent's


@contextmanager
def trace(
    name: str,
    *,
    logdir: str | Path | None = None,
    profile: bool = True,
    sources: bool = True,
    hlo: bool = False,
    profile_seconds: float = SECONDS,
    steps: int | None = None,
    skip_steps: int = 1,
    every: int = 0,
    step_function: str = "",
) -> Iterator[Session]:
    """Records every function that the block traces or calls; also a decorator, that records each call.

        with tracer.trace("my_experiment") as run:
            model(x)
        print(run.functions["model"].traces[0].signature)

    Args:
      name: the scenario's name in the log folder.
      logdir: the log folder; `TRACE_SCENARIO_LOGDIR`, or `logs`, where it is not given.
      profile: whether TensorFlow's profiler runs over the block.
      sources: whether copies of the user's files are kept beside the graphs.
      hlo: whether XLA also compiles the functions that the program does not have it compile, for their HLO.
      profile_seconds: for how long the profiler is on at most, in each window.
      steps: of a window; without it the window is the whole block. With it the profiler is on again and again, as it is
        in `trace-scenario script`, for a block that runs long.
      skip_steps: steps before the first window.
      every: a window begins each so many steps; 0 for as often as it costs no more than 3 % of the time.
      step_function: the function whose calls are the steps; found out if it is not given.

    Nothing is run twice, and nothing is instantiated again. `tracer.step()` marks the steps of a loop in the block.

    Raises:
      UsageError: `profile_seconds` is no time above 0, a number of steps is out of range, or what is for windows of
        steps is given without `steps`.
      SessionActive: another session is open in this process; the message names it.
      WriteFailed: the run could not be written whole.
    """
    plan = None
    if steps is None and (skip_steps, every, step_function) != (1, 0, ""):
        raise UsageError(
            "skip_steps, every and step_function are for windows of steps", hint="how long is one? steps=10"
        )
    if steps is not None:
        plan = checked_plan(steps=steps, skip_steps=skip_steps, every=every, seconds=profile_seconds)
    with (
        open_session(
            name, logdir=logdir, profile=profile, sources=sources, hlo=hlo, profile_seconds=profile_seconds
        ) as session,
        _recording_block(session, plan, step_function),
    ):
        yield session


@contextmanager
def trace_in_background(name: str, *, logdir: str | Path, profile: bool = False) -> Iterator[Session]:
    """Records as `trace` does, for somebody else than the program: see `Session`."""
    with (
        open_session(name, logdir=logdir, profile=profile, sources=True, background=True) as session,
        _recording_block(session),
    ):
        yield session


@contextmanager
def _recording_block(session: Session, plan: Plan | None = None, step_function: str = "") -> Iterator[None]:
    with session.recording():
        if session.profiler is None:
            yield
            return
        from tracer.capture.stepping import rolling_windows
        from tracer.capture.window import block_window

        with block_window(session, session.profiler) if plan is None else rolling_windows(session, plan, step_function):
            yield


@contextmanager
def open_session(
    name: str,
    *,
    logdir: str | Path | None,
    profile: bool,
    sources: bool,
    hlo: bool = False,
    profile_seconds: float = SECONDS,
    facts: Mapping[str, Any] | None = None,
    background: bool = False,
) -> Iterator[Session]:
    """Opens a session that records nothing until its `recording()` is entered, and closes it whatever happens.

    Raises:
      UsageError: `profile_seconds` is no time above 0.
    """
    folder = Path(logdir) if logdir is not None else layout.default_logdir()
    session = Session(
        name,
        logdir=folder,
        profile=profile,
        sources=sources,
        hlo=hlo,
        profile_seconds=checked_seconds(profile_seconds),
        facts=facts,
        background=background,
    )
    signals: list[Terminated] = []
    try:
        with sigterm_raises() as signals, delivered_again():
            yield session
    except BaseException as error:
        session.close(signals[0] if signals else error)
        if signals and not isinstance(error, Terminated):
            die_if_told_to(signals[0])
        raise
    session.close(signals[0] if signals else None)
    if signals:  # the program has caught it, and would not have gone on without us
        die_if_told_to(signals[0])


def status(error: BaseException | None) -> str:
    """Returns how a run ended that this exception ended."""
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return "complete"
    return "interrupted" if isinstance(error, (KeyboardInterrupt, Terminated)) else "failed"


def _failed(error: BaseException | None) -> dict[str, str]:
    if error is None:
        return {}
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return {"error": reason(error), "traceback": "".join(lines)}


def _moved_corners() -> Warned:
    purposes = "; ".join(sorted(tf_private.missing().values()))
    return Warned(
        "tensorflow-moved",
        f"this TensorFlow has moved what is needed for: {purposes}",
        "pip install --upgrade trace-scenario, or use a TensorFlow that `trace-scenario doctor` names",
    )


def _opened_at() -> str:
    """Returns the line of the user's that opens the session."""
    frame = sys._getframe(1)
    while frame.f_back is not None and file_origin(frame.f_code.co_filename) != "user":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
