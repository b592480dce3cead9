"""Tests whose graphs are watched: `pytest --trace-scenario`, `traced`, `@pytest.mark.trace(...)`, `assert_graph`.

    @pytest.mark.trace(max_retraces=0, max_nodes=500, no_findings=["float64"])
    def test_step(assert_graph):
        step(x)
        assert_graph(step, x)

pytest loads this at every start, in projects that never use it too: it imports nothing but what pytest has imported.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tracer.capture.session import Session
    from tracer.recorded import Trace
    from tracer.report.limits import Limits
    from tracer.testing.recording import Recording

_SHOWN = 20  # tests that the summary lists, without -v
_MARKER = (
    "trace(max_retraces=None, max_nodes=None, no_findings=()): record the test, and have it fail where a function is "
    "traced again more often, a graph has more nodes, or lint's rules find something (True: any of them)."
)
_LOGDIR_VARIABLE = "TRACE_SCENARIO_LOGDIR"  # as in tracer.store.layout, which a start has no time to import
_UPDATE = "--update-graphs"
_KEPT = 3  # runs of each test that stay in pytest's cache: enough to compare with the one before


class _Watched:
    """What is watched of the test that runs."""

    def __init__(self, item: pytest.Item) -> None:
        self.item = item
        self.recording: Recording | None = None
        self.limits: Limits | None = None
        self.graphs: dict[str, str] = {}  # files of graphs, and what became of them
        self.also = ""  # which limits are broken, where the test failed by itself


_WATCHED = pytest.StashKey[_Watched]()
_current: list[_Watched] = []  # the test that runs is the last; a plugin's own tests may run pytest in a test


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    group = parser.getgroup("trace-scenario", "what TensorFlow's functions become (trace-scenario)")
    group.addoption("--trace-scenario", action="store_true", help="record the functions that each test traces")
    group.addoption(
        "--trace-scenario-logdir",
        metavar="DIR",
        help=f"where runs are kept; by default {_LOGDIR_VARIABLE}, else pytest's cache (without it: logs)",
    )
    group.addoption(
        "--trace-scenario-profile", action="store_true", help="run TensorFlow's profiler over each recorded test too"
    )
    group.addoption(_UPDATE, action="store_true", help="write the graphs that assert_graph compares with")


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known, and listens for what tests recorded in the process that prints it."""
    config.addinivalue_line("markers", _MARKER)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Summary())


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Knows which test runs."""
    _current.append(_Watched(item))
    yield
    _current.pop()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begins anew with each time that a test runs, as plugins have tests run again, and reads its limits."""
    if _current and _current[-1].item is item:
        watched = _current[-1] = item.stash[_WATCHED] = _Watched(item)
        if item.get_closest_marker("trace"):
            watched.limits = _limits(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Records the test, and has it fail where its limits are broken."""
    watched = item.stash.get(_WATCHED, None)
    if watched is None or (watched.limits is None and not item.config.getoption("trace_scenario")):
        yield
        return
    from tracer.testing.limits import broken_limits
    from tracer.testing.recording import Recording

    recording = watched.recording = Recording()
    recording.start(_run_name(item), _logdir(item.config), profile=item.config.getoption("trace_scenario_profile"))
    outcome = yield
    error = _error(item, outcome)
    skipped = isinstance(error, pytest.skip.Exception)
    recording.end(None if skipped else error)
    if watched.limits is None or skipped:
        return
    said = broken_limits(recording, watched.limits)
    if said and error is None:
        outcome.force_exception(pytest.fail.Exception(said, pytrace=False))
    elif said:
        watched.also = said


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Has the report say what was recorded: so it also comes from the processes of xdist."""
    outcome = yield
    if call.excinfo is not None:
        _end_if_told_to(call.excinfo.value)
    watched = item.stash.get(_WATCHED, None)
    if watched is None:
        return
    report = outcome.get_result()
    if call.when == "call" and watched.also:
        report.sections.append(("limits of the trace marker", watched.also))
    if call.when == "teardown" and (watched.recording or watched.graphs):
        from tracer.testing.recording import recorded_tests

        report.trace_scenario = [
            one.as_json() for one in recorded_tests(item.nodeid, watched.recording, watched.graphs)
        ]


@pytest.fixture
def traced(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., AbstractContextManager[Session]]:
    """Records a part of the test, as `tracer.trace` does: what it yields is the run, when its block has ended.

        def test_step(traced):
            with traced() as run:
                step(x)
            assert len(run.functions["step"].traces) == 1

    Takes what `tracer.trace` takes; without `profile=True` there is no profile. Runs go into `tmp_path`, or into the
    folder of `--trace-scenario-logdir`.
    """
    chosen = _named_logdir(request.config) if request.config.getoption("trace_scenario_logdir") else tmp_path
    profiled = request.config.getoption("trace_scenario_profile")

    @contextmanager
    def record(name: str = "", **options: Any) -> Iterator[Session]:
        import tracer

        session = None
        options = {"logdir": chosen, "profile": profiled, **options}
        try:
            with tracer.trace(name or _run_name(request.node), **options) as session:
                yield session
        finally:
            watched = request.node.stash.get(_WATCHED, None)
            if session is not None and session.is_readable and watched is not None and watched.recording is not None:
                watched.recording.add(session.run)

    return record


@pytest.fixture(name="assert_graph")
def _assert_graph(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Compares the graph of a function with the one that the test keeps: `assert_graph(step, x)`."""

    def check(fn: Callable[..., Any] | Trace, /, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        _check_graph(request.node, fn, args, kwargs)

    return check


def assert_graph(fn: Callable[..., Any] | Trace, /, *args: Any, **kwargs: Any) -> None:
    """Compares the graph of `fn(*args, **kwargs)` with the one that the test keeps beside it; `fn` does not run.

    `fn` may also be a trace of a run: `assert_graph(run.functions["step"].traces[0])`.

    The graphs are in `graphs/<test file>/<test>.graph`. `pytest --update-graphs` writes those that are missing or that
    changed in more than the numbers in names.

    Raises:
      AssertionError: the graph is another one, or none is kept.
    """
    __tracebackhide__ = True
    if not _current:
        pytest.fail(
            "assert_graph was called outside of a test\nhint: call it in a test: the graph is kept by the test's name"
        )
    _check_graph(_current[-1].item, fn, args, kwargs)


def _check_graph(
    item: pytest.Item, fn: Callable[..., Any] | Trace, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    __tracebackhide__ = True
    from tracer.errors import TracerError
    from tracer.testing.kept import GraphChanged, check_graph, graph_file

    watched = item.stash[_WATCHED]
    golden = graph_file(item.path, _test_name(item), len(watched.graphs) + 1)
    shown = os.path.relpath(golden, item.config.rootpath)
    watched.graphs[shown] = "not compared"
    changed = problem = ""
    try:
        watched.graphs[shown] = check_graph(
            fn,
            args,
            kwargs,
            golden,
            update=item.config.getoption("update_graphs"),
            shown=shown,
            how_to_update=f"pytest {shlex.quote(item.nodeid)} {_UPDATE}",
        )
    except GraphChanged as error:
        changed = str(error)
    except TracerError as error:
        problem = f"{error.message}\nhint: {error.hint}" if error.hint else error.message
    if changed:  # raised here, where pytest shows the test's line and none of ours
        raise GraphChanged(changed)
    if problem:
        pytest.fail(problem)


def _error(item: pytest.Item, outcome: Any) -> BaseException | None:
    """Returns what the test raised. Of unittest's tests pytest keeps it, and tells later."""
    kept = getattr(item, "_excinfo", None)
    error: BaseException | None = outcome.excinfo[1] if outcome.excinfo else kept[0].value if kept else None
    return error


def _end_if_told_to(error: BaseException | None) -> None:
    """Ends pytest where a recording made an exception of SIGTERM, which pytest takes for the failure of one test."""
    signals = sys.modules.get("tracer.capture.signals")
    if signals is not None:
        signals.die_if_told_to(error)


def _limits(item: pytest.Item) -> Limits:
    from tracer.errors import UsageError
    from tracer.testing.limits import parse_limits

    given: dict[str, Any] = {}
    problem = ""
    for marker in item.iter_markers("trace"):  # the closest first
        if marker.args:
            problem = f"it takes keywords only, as in trace(max_retraces=1), and not {marker.args[0]!r}"
        given = {**marker.kwargs, **given}
    try:
        limits = parse_limits(given)
    except UsageError as error:
        problem = f"{error.message}\nhint: {error.hint}"
    if problem:
        pytest.fail(f"@pytest.mark.trace: {problem}", pytrace=False)
    return limits


def _test_name(item: pytest.Item) -> str:
    """Returns the test's name in its file: `TestStep.test_shape[2]`."""
    return item.nodeid.partition("::")[2].replace("::", ".") or item.name


def _run_name(item: pytest.Item) -> str:
    from tracer.testing.recording import run_name

    return run_name(f"{item.path.stem}.{_test_name(item)}")


def _logdir(config: pytest.Config) -> Path:
    """Returns the log folder: the one that is named, else in pytest's cache, where there is one."""
    return _named_logdir(config) or _cache(config) or config.rootpath / "logs"


def _named_logdir(config: pytest.Config) -> Path | None:
    """Returns the folder that the user names, from where pytest was started: tests may change directory."""
    named = config.getoption("trace_scenario_logdir") or os.environ.get(_LOGDIR_VARIABLE)
    return config.invocation_params.dir / named if named else None


def _cache(config: pytest.Config) -> Path | None:
    cache = getattr(config, "cache", None)  # `-p no:cacheprovider`
    return Path(cache.mkdir("trace-scenario")) if cache is not None else None


class _Summary:
    """Collects what tests recorded, in the process that prints it."""

    def __init__(self) -> None:
        self._tests: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes what a test's report says, wherever it ran."""
        self._tests += getattr(report, "trace_scenario", ())

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Removes old runs from pytest's cache, which nobody else would."""
        if any(one["run"] for one in self._tests) and not _named_logdir(session.config):
            import tracer
            from tracer.errors import TracerError

            cache = _cache(session.config)
            with suppress(TracerError):  # it is tidying up
                if cache is not None:
                    tracer.prune(keep=_KEPT, logdir=cache)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Prints what was recorded, and which graphs were written."""
        if not self._tests:
            return
        from tracer.testing.recording import summary

        top = 0 if config.getoption("verbose") > 0 else _SHOWN
        page = summary(
            self._tests,
            str(_logdir(config)),
            top=top,
            all_tests=config.getoption("trace_scenario"),
            width=terminalreporter._tw.fullwidth,
        )
        if page:
            terminalreporter.section("trace-scenario")
            terminalreporter.write(page)
