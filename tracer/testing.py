"""What tests ask for, whatever runs them: a recording in the background, limits for it, and graphs that are kept.

`tracer.pytest_plugin` is pytest's side of it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.errors import TracerError, Unreadable, UsageError, did_you_mean
from tracer.report.limits import Limits, LimitsReport, limits_report, run_summary
from tracer.report.recorded_tests import RecordedTest
from tracer.rules.rules import RULES
from tracer.store import layout

if TYPE_CHECKING:
    from tracer.capture.session import Session
    from tracer.graph.inline import Inlined
    from tracer.graph.model import Graph
    from tracer.recorded import Run, Trace

GRAPHS = "graphs"  # the folder, beside the tests, of the graphs that they keep
WIDTH = 110  # of what a failure says, for pytest puts something before each line, and cuts none
_PLAIN = re.compile(r"[A-Za-z0-9_.]+(?:\[[A-Za-z0-9_.-]+\])?")  # a test's name that can be a file's
_LONGEST = 100  # characters of it
_RUN = 51  # of a run's name, before a digest: `layout.slug` takes 60
_CHANGES = 40  # of a graph that are listed


class GraphChanged(AssertionError):
    """A function's graph is not the one that is kept, or none is."""


class Recording:
    """The recording of one test, in the background: what goes wrong with it is its `problem`, and no error."""

    def __init__(self) -> None:
        self.problem = ""  # why the test was not recorded; empty if it was
        self.runs: list[Run] = []  # those that the test recorded through us, else what was recorded in the background
        self._stack = contextlib.ExitStack()
        self._session: Session | None = None

    def start(self, name: str, logdir: Path, *, profile: bool = False) -> None:
        """Begins to record."""
        from tracer.capture.session import trace_in_background

        try:
            self._session = self._stack.enter_context(trace_in_background(name, logdir=logdir, profile=profile))
        except TracerError as error:
            self.problem = error.message

    def end(self, error: BaseException | None) -> None:
        """Ends it, with what the test raised. It leaves no run behind if nothing was traced."""
        session, self._session = self._session, None
        if session is None:
            return
        try:
            self._stack.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
        except BaseException as failure:
            if not isinstance(failure, TracerError):
                raise
            self.problem = failure.message
        if session.gave_way_to and not self.runs:
            self.problem = f"it has a session of its own: {session.gave_way_to}"
        elif session.is_recorded:
            self._keep(session.run)

    def _keep(self, run: Run) -> None:
        from tracer.store.writer import remove_run

        if self.runs or all(trace.origin == "tensorflow" for trace in run.traces):
            remove_run(Path(run.path))
        else:
            self.runs.append(run)


def recorded_tests(test: str, recording: Recording | None, graphs: Mapping[str, str]) -> list[RecordedTest]:
    """Returns what was recorded of a test, for the report: one for each run, and one where there is none."""
    if recording is None:
        return [RecordedTest(test, recorded=False, graphs=graphs)]
    if not recording.runs:
        return [RecordedTest(test, problem=recording.problem, graphs=graphs)]
    return [_recorded_test(test, run, graphs) for run in recording.runs]


def _recorded_test(test: str, run: Run, graphs: Mapping[str, str]) -> RecordedTest:
    summary = run_summary(run)
    return RecordedTest(
        test,
        summary.functions,
        summary.traces,
        len(summary.retraces),
        summary.nodes,
        run.path,
        graphs=graphs,
    )


def parse_limits(given: Mapping[str, Any]) -> Limits:
    """Returns limits from keywords: `max_retraces=1, max_nodes=500, no_findings=["float64"]`.

    Raises:
      UsageError: an unknown keyword or rule, or a value of another type.
    """
    known = [field.name for field in dataclasses.fields(Limits)]
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known, otherwise=f"there are {', '.join(known)}")
            raise UsageError(f"no limit is named '{name}'", hint=hint)
    for name in ("max_retraces", "max_nodes"):
        value = given.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise UsageError(f"{name} is {value!r}", hint=f"a number, 0 or more: {name}=1")
    return Limits(given.get("max_retraces"), given.get("max_nodes"), _rules(given.get("no_findings", ())))


def _rules(given: Any) -> tuple[str, ...]:
    known = [rule.name for rule in RULES]
    if isinstance(given, bool):
        return tuple(known) if given else ()
    if not isinstance(given, list | tuple | set | frozenset) or not all(isinstance(name, str) for name in given):
        raise UsageError(
            f"no_findings is {given!r}", hint='True, or the names of rules: no_findings=["retracing", "float64"]'
        )
    for name in given:
        if name not in known:
            raise UsageError(
                f"no rule of lint is named '{name}'",
                hint=did_you_mean(name, known, otherwise=f"there are {', '.join(known)}"),
            )
    return tuple(given)


def broken_limits(recording: Recording, limits: Limits) -> str:
    """Returns what is to be said of the limits that a test's runs break; nothing if they break none."""
    from tracer.render.text import Style
    from tracer.render.text import limits as limits_page

    if recording.problem:
        return f"the limits of this test cannot be judged, as it was not recorded: {recording.problem}"
    reports = [_judged(run, limits) for run in recording.runs]
    return "\n".join(limits_page.limits(report, Style(width=WIDTH)) for report in reports if report.broken)


def _judged(run: Run, limits: Limits) -> LimitsReport:
    return limits_report(run, run_summary(run), limits)


def graph_file(test_file: Path, test: str, number: int) -> Path:
    """Returns where a test keeps a graph: `graphs/test_model/test_step.graph`, `test_step-2.graph` for its second.

    A name that not every file system can have has a digest of the whole of it: `test_step_a_b-3f2a9c1d.graph`.
    (The end is no `.txt`: pytest takes `test*.txt` for tests.)
    """
    plain = _PLAIN.fullmatch(test) and len(test) <= _LONGEST
    name = test if plain else f"{layout.slug(test)}-{_digest(test)}"
    end = f"-{number}" if number > 1 else ""
    return test_file.parent / GRAPHS / test_file.stem / f"{name}{end}.graph"


def run_name(test: str) -> str:
    """Returns the name of a test's runs in the log folder; one that is too long for that has a digest at its end."""
    short = layout.slug(test)
    return test if len(short) == len(test.rstrip("]")) else f"{short[:_RUN]}-{_digest(test)}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def check_graph(
    fn: Callable[..., Any] | Trace,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    golden: Path,
    *,
    update: bool,
    shown: str,
    how_to_update: str,
) -> str:
    """Compares the graph of `fn(*args, **kwargs)` with the one that is kept; returns "written", "updated" or "same".

    Args:
      fn: the function, which is traced and not run; or a trace of a run, which has no arguments.
      args: its arguments.
      kwargs: and those by name.
      golden: the file of the graph that is kept.
      update: write the file where the graph is another one, or none is kept. Other numbers in names are no change.
      shown: what to call the file.
      how_to_update: the command that would.

    Raises:
      GraphChanged: the graph is another one, or none is kept.
      Unreadable: the file is damaged, or of another format.
      UsageError: `fn` cannot be traced.
    """
    from tracer.graph.inline import inline
    from tracer.store.graph_text import check_not_newer, read_graph_text, write_graph_text

    name, signature, graph = _graph(fn, args, kwargs)
    content = write_graph_text(inline(graph), name + signature)
    kept = _kept(golden, shown)
    if kept == content:
        return "same"
    if kept is None and not update:
        raise GraphChanged(f"no graph is kept in {shown}\nhint: {how_to_update} writes it; look at it, and commit it")
    if kept is not None:
        check_not_newer(kept, shown)
        try:
            before = read_graph_text(kept, shown)
        except Unreadable as error:
            if not update:
                raise Unreadable(error.message, hint=f"{error.hint}, or {how_to_update} writes it anew") from error
        else:
            now = read_graph_text(content, "the graph")
            difference = _difference(name, shown, (before.graph, now.graph), (before.signature, now.signature))
            if not difference:
                return "same"
            if not update:
                raise GraphChanged(f"{difference}\nhint: if that is meant, {how_to_update} writes it anew")
    _write(golden, content)
    return "written" if kept is None else "updated"


def _graph(fn: Callable[..., Any] | Trace, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, str, Graph]:
    """Returns the name, the signature and the graph of what is to be compared."""
    from tracer.recorded import Trace

    if not isinstance(fn, Trace):
        from tracer.capture.traced_graph import traced_graph

        return traced_graph(fn, args, kwargs)
    if args or kwargs:
        raise UsageError("a trace that is recorded takes no arguments", hint=f"assert_graph(trace) of '{fn.id}'")
    return fn.name, fn.signature, fn.graph


def _kept(golden: Path, shown: str) -> str | None:
    try:
        return golden.read_bytes().decode("utf-8").replace("\r\n", "\n")  # git may have changed the ends of lines
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise Unreadable(f"{shown} is damaged: it is no text", hint="take it from version control again") from error
    except OSError as error:
        raise Unreadable(f"{shown} cannot be read: {error.strerror}", hint="is it a file of yours?") from error


def _difference(name: str, shown: str, graphs: tuple[Inlined, Inlined], signatures: tuple[str, str]) -> str:
    from tracer.render.text import Style
    from tracer.render.text import golden as golden_page
    from tracer.report.golden import golden_report

    report = golden_report(name, shown, graphs, signatures=signatures, top=_CHANGES)
    return "" if report.equal else golden_page.golden(report, Style(width=WIDTH))


def _write(golden: Path, content: str) -> None:
    from tracer.store.files import write_bytes, write_errors

    with write_errors(golden):
        golden.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(golden, content.encode("utf-8"))


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
