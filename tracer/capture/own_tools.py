"""The program's own use of TensorFlow's trace and profiler, which goes on beside the recording.

Only one profiler can be on in a process. When the program starts its own, the recording's gives way, and what the
program profiles is copied into the run. And a program that was written for an older TensorFlow, as every book prints
it, gets what it asks for:

    tf.summary.trace_on(graph=True, profiler=True)
    ...
    tf.summary.trace_export(name, step=0, profiler_outdir=folder)

Today's TensorFlow starts no profiler there, and raises at the end, as none is running.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tracer.capture import describe, tf_private
from tracer.capture.rolling import Windows
from tracer.recorded import Warned
from tracer.store import layout

_PROFILER = "tensorflow.python.profiler.profiler_v2:_pywrap_profiler"
_SUMMARY = "tensorflow.python.ops.summary_ops_v2:"
_OLD = "this program is written for an older TensorFlow, and fails without this tool: {place} turns the profiler on"
_OLD_HINT = (
    "write tf.summary.trace_on(graph=True, profiler=True, profiler_outdir=FOLDER), and leave profiler_outdir out of "
    "trace_export"
)


class OwnTools:
    """Watches the program's traces and profiles."""

    def __init__(self, folder: Path, windows: Windows) -> None:
        """`folder` is the run's."""
        self.warnings: list[Warned] = []
        self._folder = folder / layout.OWN_ASIDE
        self._windows = windows
        self._old: _Session | None = None  # the profiler that an older trace_on asks for
        self._stops_again = False  # trace_export has stopped it, and trace_off does so again
        self._make: Any = None  # a profiler session of TensorFlow's own
        self._over = False  # whether the recording is: what the program profiles on is no part of it

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watches while the block runs."""
        with (
            tf_private.replaced(_PROFILER, self._profilers),
            tf_private.replaced(_SUMMARY + "_TraceContext", self._traces),
            tf_private.replaced(_SUMMARY + "_profiler", self._of_traces),
        ):
            try:
                yield
            finally:
                self._over = True
                shutil.rmtree(self._folder, ignore_errors=True)

    def keep(self, session: Path | None, wall_ns: int) -> None:
        """Copies what the program has profiled into the run, and lets the recording go on."""
        if self._over:
            return
        with contextlib.suppress(OSError):
            if session is not None:
                self._windows.add(session, wall_ns)
        self._windows.go_on()

    def give_way(self) -> None:
        """Ends the recording's window, so that the program's profiler can start."""
        self._windows.give_way()

    def _profilers(self, original: Any) -> Any:
        self._make = getattr(original, "ProfilerSession", None)
        if self._make is None:
            return original
        return _Around(original, ProfilerSession=lambda: _Session(self._make(), self))

    def _traces(self, original: Any) -> Any:
        def trace(graph: bool, profiler: bool) -> Any:
            asked = sys._getframe(1).f_locals
            if profiler and asked.get("profiler_outdir", "") is None and self._make is not None:
                self._start_old()
            return original(graph=graph, profiler=profiler)

        return trace

    def _start_old(self) -> None:
        frames = describe.user_frames(tf_private.stack())
        place = f"{Path(frames[-1][0]).name}:{frames[-1][1]}" if frames else "it"
        self.warnings.append(Warned("old-trace", _OLD.format(place=place), _OLD_HINT))
        tf_private.eager_context().enable_run_metadata()  # as TensorFlow does where the folder is given
        session = _Session(self._make(), self)
        try:
            session.start(str(self._folder), {})
        except Exception:  # noqa: BLE001  # another profiler is on: the program has its graph, as it would today
            self.keep(None, 0)
            return
        self._old = session

    def _of_traces(self, original: Any) -> Any:
        def stop(*args: Any, **kwargs: Any) -> None:
            if self._old is not None:
                asked = sys._getframe(1)
                self._stop_old(asked.f_locals.get("profiler_outdir"), export=asked.f_code.co_name == "trace_export")
            elif self._stops_again:
                self._stops_again = False
            else:
                original.stop(*args, **kwargs)

        return _Around(original, stop=stop)

    def _stop_old(self, folder: str | None, *, export: bool) -> None:
        session, self._old = self._old, None
        self._stops_again = export
        if session is None or not export:
            self.keep(None, 0)
            return
        session.export_to_tb()
        written = _newest(self._folder)
        if folder and written:
            shutil.copytree(written, Path(folder) / layout.PROFILES / written.name, dirs_exist_ok=True)


class _Session:
    """A profiler session that the program has started."""

    def __init__(self, session: Any, tools: OwnTools) -> None:
        self._session = session
        self._tools = tools
        self._logdir = ""
        self._began_ns = 0

    def start(self, logdir: str, options: dict[str, Any]) -> None:
        """Starts it, when the recording's own has given way."""
        self._tools.give_way()
        try:
            self._session.start(logdir, options)
        except Exception:
            self._tools.keep(None, 0)
            raise
        self._logdir = logdir
        self._began_ns = time.perf_counter_ns()

    def export_to_tb(self) -> None:
        """Stops it, and has it write its profile."""
        wall_ns = time.perf_counter_ns() - self._began_ns
        self._began_ns = 0
        try:
            self._session.export_to_tb()
        except Exception:
            self._tools.keep(None, 0)
            raise
        self._tools.keep(_newest(Path(self._logdir)), wall_ns)

    def stop(self) -> Any:
        """Stops it, and returns its profile."""
        self._began_ns = 0
        try:
            return self._session.stop()
        finally:
            self._tools.keep(None, 0)

    def __del__(self) -> None:
        if self._began_ns:  # it was thrown away: profiler.experimental.stop(save=False)
            self._session = None
            self._tools.keep(None, 0)


class _Around:
    """A module with some of its names replaced."""

    def __init__(self, original: Any, **names: Any) -> None:
        self._original = original
        self._names = SimpleNamespace(**names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._names, name) if hasattr(self._names, name) else getattr(self._original, name)


def _newest(folder: Path) -> Path | None:
    """Returns the newest session of profiles below a log folder; None where there is none, or it is not a local one."""
    sessions = [path for path in (folder / layout.PROFILES).glob("*") if any(path.glob("*.xplane.pb"))]
    return max(sessions, key=lambda path: path.stat().st_mtime_ns, default=None)
