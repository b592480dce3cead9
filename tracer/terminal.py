"""The terminal's side of the command line: what goes to stdout and to stderr, in colour or not, at which width."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shlex
import shutil
import signal
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from tracer.errors import ProgramFailed, TracerError, UsageError
from tracer.store import layout
from tracer.text import byte_size, one_line, shortened

if TYPE_CHECKING:
    from tracer.capture.program import Ended
    from tracer.diagnose import Check
    from tracer.discover.listing import ListedScenario
    from tracer.recorded import Run
    from tracer.render.text import Style
    from tracer.report.diff import DiffReport
    from tracer.report.groups import GroupsReport
    from tracer.report.lines import LinesReport
    from tracer.report.lint import LintReport
    from tracer.report.modes import ModesReport
    from tracer.report.ops import OpsReport
    from tracer.report.retraces import RetracesReport
    from tracer.report.runs import RunsReport
    from tracer.report.show import ShowReport
    from tracer.report.stacks import StacksReport
    from tracer.report.steps import StepsReport
    from tracer.store.prune import OldRun
    from tracer.tensorboard import Board

_MESSAGE = 1_000  # characters of an error
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and the end of a line


class Output:
    """Writes a report to stdout: as text, or as the one JSON object that `--json` promises."""

    def __init__(self, as_json: bool, logdir: str = "") -> None:
        self._as_json = as_json
        self._here = Path.cwd()  # now: a recorded program may change it
        usual = (layout.DEFAULT_LOGDIR, os.environ.get(layout.LOGDIR_VARIABLE), "")
        self._options = "" if logdir in usual else f" --logdir {shlex.quote(logdir)}"

    def scenarios(self, listed: Sequence[ListedScenario]) -> None:
        """Writes the list of scenarios."""
        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(json.scenarios(listed)))
        else:
            from tracer.render.text import lists as lists_page

            self._write(lists_page.scenarios(listed, style(sys.stdout)), then="trace-scenario run demo_module")

    def recorded(self, run: Run) -> None:
        """Writes what a recording came to."""
        from tracer.report.summary import run_summary

        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(json.recorded(run, run_summary(run))))
            return
        from tracer.render.text import show as show_page
        from tracer.render.text import times as times_page
        from tracer.report.show import show_report

        look = style(sys.stdout)
        report = show_report(run, top=40)
        body = show_page.show(report, look)
        said = look.render(times_page.summary(run_summary(run, report.timing)))
        self._write(
            f"{body}{chr(10) if said else ''}{said}folder: {self._short(run.path)}\n", then="trace-scenario board"
        )

    def program(self, ended: Ended) -> None:
        """Writes what a recording of a whole program came to: to stderr, as stdout is the program's."""
        from tracer.render import json

        if ended.failure is not None:
            show_error(ended.failure)
        if ended.run is None:
            return
        if self._as_json:
            from tracer.report.summary import run_summary

            self._write(json.dumps(json.program(ended.run, run_summary(ended.run), ended.exit_code)))
            return
        if sys.stderr is None:
            return
        from tracer.render.text import program as program_page
        from tracer.report.program import program_report

        with contextlib.suppress(OSError, ValueError):  # the program has closed it
            page = program_page.program(program_report(ended.run), style(sys.stderr))
            then = f"next: trace-scenario show {shlex.quote(ended.run.reference)}{self._options}"
            sys.stderr.write(f"{page}folder: {self._short(ended.run.path)}\n\n{one_line(then)}\n")
            sys.stderr.flush()

    def modes(self, report: ModesReport) -> None:
        """Writes what a recording in several modes came to."""
        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(json.modes(report)))
            return
        from tracer.render.text import modes as modes_page

        runs = [shlex.quote(row.run.name) for row in report.modes if row.run and row.is_whole]
        then = f"trace-scenario diff {runs[0]} {runs[-1]}" if len(runs) > 1 else ""
        self._write(modes_page.modes(report, style(sys.stdout)), then=then)

    def failed_run(self, path: str) -> None:
        """Writes what was recorded of a program that failed; what it raised is shown as an error."""
        from tracer.render import json
        from tracer.store.load import load_run

        if self._as_json:
            self._write(json.dumps(json.recorded(load_run(Path(path)))))

    def runs(self, report: RunsReport) -> None:
        """Writes the list of runs."""
        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(json.runs(report)))
        else:
            from tracer.render.text import lists as lists_page

            following = "trace-scenario show" if report.runs.items else "trace-scenario run demo_module"
            self._write(lists_page.runs(report, style(sys.stdout)), then=following)

    def show(self, report: ShowReport | GroupsReport | StepsReport) -> None:
        """Writes the page of one run, or what its window took by layer, phase, step and the like."""
        from tracer.report.groups import GroupsReport
        from tracer.report.steps import StepsReport

        if isinstance(report, GroupsReport | StepsReport):
            page = "groups" if isinstance(report, GroupsReport) else "steps"
            self._page(page, report, then=f"trace-scenario ops {shlex.quote(report.timing.run.reference)}")
            return
        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(json.show(report)))
        else:
            from tracer.render.text import show as show_page

            alone = report.run.profiles and not report.run.functions  # a profile without graphs
            verb = "ops" if alone else "lines" if report.timing else "board" if report.run.is_ours else "lint"
            following = "" if report.text else f"trace-scenario {verb} {shlex.quote(report.run.reference)}"
            body = show_page.show(report, style(sys.stdout))
            self._write(_for_terminal(body) if report.text else body, then=following)

    def ops(self, report: OpsReport) -> None:
        """Writes the nodes that a run executed."""
        self._page("ops", report, then=f"trace-scenario lines {shlex.quote(report.timing.run.reference)}")

    def lines(self, report: LinesReport) -> None:
        """Writes a run's source with the time at its lines."""
        self._page("lines", report, then=f"trace-scenario stacks {shlex.quote(report.timing.run.reference)}")

    def stacks(self, report: StacksReport) -> None:
        """Writes the call stacks behind a run's time."""
        self._page("stacks", report, then=f"trace-scenario ops {shlex.quote(report.timing.run.reference)}")

    def _page(self, name: str, report: Any, *, then: str) -> None:
        """Writes a report as the page, or as the object, of that name."""
        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(getattr(json, name)(report)))
        else:
            from tracer.render.text import times as times_page

            self._write(getattr(times_page, name)(report, style(sys.stdout)), then=then)

    def lint(self, report: LintReport) -> None:
        """Writes the findings of one run."""
        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(json.lint(report)))
        else:
            from tracer.render.text import lint as lint_page

            self._write(
                lint_page.lint(report, style(sys.stdout)),
                then=f"trace-scenario show {shlex.quote(report.run.reference)}",
            )

    def retraces(self, report: RetracesReport) -> None:
        """Writes why functions were traced again; what comes next is the diff of the first retrace."""
        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(json.retraces(report)))
            return
        from tracer.render.text import retraces as retraces_page

        reference = report.run.reference
        then = f"trace-scenario show {shlex.quote(reference)}"
        first = report.functions.items[0] if report.functions.items else None
        if first and first.causes:
            before = shlex.quote(f"{reference}:{first.name}#{first.causes[0].against}")
            then = f"trace-scenario diff {before} '#{first.causes[0].trace}'"
        self._write(retraces_page.retraces(report, style(sys.stdout)), then=then)

    def diff(self, report: DiffReport) -> None:
        """Writes what changed between two sides."""
        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(json.diff(report)))
        else:
            from tracer.render.text import diff as diff_page

            self._write(diff_page.diff(report, style(sys.stdout)))

    def check_export(self, format_: str, file: str | None) -> None:
        """Checks that an export can be written to where it is to go.

        Raises:
          UsageError: it is no text, and is to go to a terminal or into a JSON object.
        """
        from tracer.render.formats import is_binary

        if file is None and is_binary(format_) and (self._as_json or (sys.stdout is not None and sys.stdout.isatty())):
            raise UsageError(f"'{format_}' is no text", hint=f"name a file: -o run.{format_}-trace")

    def exported(self, content: str | bytes, format_: str, file: str | None) -> None:
        """Writes an export to a file, which appears whole, or to stdout."""
        from tracer.render import json
        from tracer.store.files import write_bytes

        encoded = content.encode() if isinstance(content, str) else content
        if file is not None:
            write_bytes(Path(file), encoded)
        if self._as_json:
            told = {"format": format_, "file": file, "bytes": len(encoded)}
            self._write(json.dumps(told if file is not None else {**told, "content": content}))
        elif file is not None:
            self._write(f"{one_line(file)}: {format_}, {byte_size(len(encoded))}")
        elif isinstance(content, str):
            self._write(_for_terminal(content))
        elif sys.stdout is not None:
            sys.stdout.buffer.write(encoded)
            sys.stdout.buffer.flush()

    def board(self, started: Board, links: Mapping[str, str], *, stays: bool) -> None:
        """Writes where TensorBoard is."""
        from tracer.render import json

        if self._as_json:
            self._write(json.dumps({"url": started.url, "pid": started.pid, "links": dict(links)}))
            return
        end = f"it stays: kill {started.pid} ends it" if stays else "Ctrl-C ends it"
        self._write(
            "\n".join(
                [*(f"{name}: {link}" for name, link in links.items()), f"TensorBoard, process {started.pid}; {end}"]
            )
        )

    def checks(self, checks: Sequence[Check]) -> None:
        """Writes what doctor found, with one line of remedy for each trouble."""
        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(json.checks(checks)))
        else:
            from tracer.render.text import lists as lists_page

            errors = any(check.state == "error" for check in checks)
            self._write(
                lists_page.checks(checks, style(sys.stdout)), then="" if errors else "trace-scenario run demo_module"
            )

    def pruned(self, removed: Sequence[OldRun], *, dry_run: bool) -> None:
        """Writes which runs went."""
        if self._as_json:
            from tracer.render import json

            self._write(json.dumps(json.pruned(removed, dry_run=dry_run)))
        else:
            from tracer.render.text import lists as lists_page

            self._write(lists_page.pruned(removed, style(sys.stdout), dry_run=dry_run), then="trace-scenario runs")

    def _write(self, body: str, *, then: str = "") -> None:
        if sys.stdout is None:  # it is closed, so nobody wants to read it
            return
        sys.stdout.write(body if body.endswith("\n") else body + "\n")
        if then:
            sys.stdout.write(f"\nnext: {one_line(then + self._options)}\n")
        sys.stdout.flush()

    def _short(self, path: str) -> str:
        """Returns a path as seen from here, where that is shorter."""
        with contextlib.suppress(ValueError):
            return str(Path(path).relative_to(self._here))
        return path


def style(stream: TextIO | None) -> Style:
    """Returns how to write to a stream: its width, and colour unless it is a pipe or NO_COLOR is set."""
    from tracer.render.text import UNLIMITED, Style

    terminal = stream is not None and stream.isatty()
    width = shutil.get_terminal_size().columns if terminal or "COLUMNS" in os.environ else UNLIMITED
    return Style(width=width, color=terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb")


def show_error(error: TracerError) -> None:
    """Writes an error to stderr: the program's own traceback if it raised, one line of error, one of hint."""
    if error.__cause__ is not None and isinstance(error, ProgramFailed) and sys.stderr is not None:
        sys.stderr.write(program_traceback(error.__cause__))
    if sys.stderr is None:
        return
    red, plain = ("\x1b[31m", "\x1b[0m") if style(sys.stderr).color else ("", "")
    sys.stderr.write(f"{red}error:{plain} {_told(error.message)}\n")
    if error.hint:
        sys.stderr.write(f"hint: {_told(error.hint)}\n")


def _told(message: str) -> str:
    """Returns a message as one line: names of files and nodes in it may hold anything, of any length."""
    return shortened(one_line(" ".join(message.split())), _MESSAGE)


def _for_terminal(content: str) -> str:
    """Returns what a file holds as it may be shown: a terminal would obey the control characters in it."""
    if sys.stdout is None or not sys.stdout.isatty():
        return content
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", content)


def program_traceback(error: BaseException) -> str:
    """Returns the traceback of a program's exception, cut to the program's own frames."""
    own = str(Path(__file__).resolve().parent) + os.sep
    report = traceback.TracebackException.from_exception(error)
    kept = [
        frame
        for frame in report.stack
        if not frame.filename.startswith((own, "<frozen")) and os.sep + "click" + os.sep not in frame.filename
    ]
    users = [frame for frame in kept if not _is_library(frame.filename)]
    report.stack = traceback.StackSummary.from_list(users or kept[-1:])
    if isinstance(error, SyntaxError):
        report.stack.clear()  # the message shows the line that does not parse
    return "".join(report.format(chain=False))


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Lets SIGTERM and a closed terminal end the block as Ctrl-C does, so that what it started is ended too."""
    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ended_by_signal() -> Callable[[int], None]:
    """Returns what has this process die of a signal, as its program would have without us; 0 is none.

    After Ctrl-C Python first does what it is to do at exit; SIGTERM lets it do nothing. To be called before the program
    runs: what is registered first is done last.
    """
    pending: list[int] = []

    def die(number: int) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    atexit.register(lambda: die(pending[0]) if pending else None)

    def end(number: int) -> None:
        if number == signal.SIGINT:
            pending.append(number)
        elif number:
            die(number)

    return end


@contextlib.contextmanager
def program_output_apart(*, apart: bool) -> Iterator[None]:
    """Sends what a recorded program prints to stderr while the block runs, also what it prints from C++."""
    if not apart:
        yield
        return
    sys.stdout.flush()
    try:
        saved = os.dup(1)
    except OSError:  # stdout is closed
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


@contextlib.contextmanager
def progress_bar(*, shown: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Yields what shows progress on a terminal, and does nothing elsewhere."""
    if not shown or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("loading TensorFlow", total=None)

        def update(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"{what} {done + 1}/{total}" if total else what)

        yield update


def _is_library(file: str) -> bool:
    """Tells files of Python and of the frameworks, whose frames are not what a user looks for."""
    packages = ("tensorflow", "keras", "tf_keras", "wrapt")
    if "__autograph_generated_file" in file:
        return True  # the message names the line that the user wrote
    return file.startswith(sysconfig.get_path("stdlib")) and (
        "site-packages" not in file or any(f"{os.sep}{name}{os.sep}" in file for name in packages)
    )
