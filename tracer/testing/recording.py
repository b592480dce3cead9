"""A test is recorded in the background, and what it traced goes into the report on all tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.errors import TracerError
from tracer.report.limits import RunSummary, run_summary
from tracer.report.recorded_tests import RecordedTest
from tracer.store import layout
from tracer.testing.names import digest

if TYPE_CHECKING:
    from tracer.capture.session import Session
    from tracer.recorded import Run

_RUN = 51  # characters of a run's name, before a digest: `layout.slug` takes 60


class Recording:
    """The recording of one test, in the background: what goes wrong with it is its `problem`, and no error."""

    def __init__(self) -> None:
        self.problem = ""  # why the test was not recorded; empty if it was
        self.found: list[tuple[Run, RunSummary]] = []
        self._own: list[Run] = []
        self._stack = contextlib.ExitStack()
        self._session: Session | None = None

    def start(self, name: str, logdir: Path, *, profile: bool = False) -> None:
        """Begins to record."""
        from tracer.capture.session import trace_in_background

        try:
            self._session = self._stack.enter_context(trace_in_background(name, logdir=logdir, profile=profile))
        except TracerError as error:
            self.problem = error.message
        except ImportError as error:
            self.problem = str(error)  # there is no TensorFlow, so the test can trace nothing

    def add(self, run: Run) -> None:
        """Has a run that the test records itself, through us, stand for the test."""
        self._own.append(run)

    def end(self, error: BaseException | None) -> None:
        """Ends it, with what the test raised. It leaves no run behind if nothing was traced."""
        session, self._session = self._session, None
        if session is None:
            return
        try:
            self._stack.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
            if session.gave_way_to and not self._own:
                self.problem = f"it has a session of its own: {session.gave_way_to}"
            elif session.is_readable and not session.run.traces:
                self.problem = f"what was recorded has been removed: {session.run.path}"
            runs = self._own or ([session.run] if session.is_readable else [])
            self.found = [(run, run_summary(run)) for run in runs if run in self._own or _is_kept(run)]
        except TracerError as failure:
            self.problem = failure.message


def _is_kept(run: Run) -> bool:
    """Removes a run of TensorFlow's own helpers only: its test traced nothing."""
    from tracer.store.writer import remove_run

    if any(trace.origin != "tensorflow" for trace in run.traces):
        return True
    remove_run(Path(run.path))
    return False


def recorded_tests(test: str, recording: Recording | None, graphs: Mapping[str, str]) -> list[RecordedTest]:
    """Returns what was recorded of a test, for the report: one for each run, and one where there is none."""
    if recording is None:
        return [RecordedTest(test, recorded=False, graphs=graphs)]
    if not recording.found:
        return [RecordedTest(test, problem=recording.problem, graphs=graphs)]
    return [
        RecordedTest(
            test,
            summary.functions,
            summary.traces,
            summary.retraces,
            summary.nodes,
            run.path,
            graphs=graphs,
        )
        for run, summary in recording.found
    ]


def run_name(test: str) -> str:
    """Returns the name of a test's runs in the log folder; one that is too long for that has a digest at its end."""
    short = layout.slug(test)
    return test if len(short) == len(test.rstrip("]")) else f"{short[:_RUN]}-{digest(test)}"


def summary(tests: Iterable[Mapping[str, Any]], logdir: str, *, top: int, all_tests: bool, width: int) -> str:
    """Returns what to print at the end of all tests; nothing if there is nothing to say.

    Args:
      tests: `RecordedTest`s as plain values, from whichever process ran them.
      logdir: the log folder.
      top: how many tests to list, 0 for all.
      all_tests: whether all were to be recorded; else only the graphs that were written are news.
      width: of the terminal.
    """
    from tracer.render.text import Style
    from tracer.render.text import recorded_tests as page
    from tracer.report.recorded_tests import recorded_tests_report

    found = [RecordedTest(**each) for each in tests]
    if not all_tests:
        found = [RecordedTest(one.test, recorded=False, graphs=one.graphs) for one in found]
    report = recorded_tests_report(found, logdir, top=top)
    return page.recorded_tests(report, Style(width=width))
