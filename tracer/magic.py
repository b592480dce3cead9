"""`%%trace`: records a notebook's cell, and shows below it what was recorded.

%load_ext tracer

%%trace my_experiment --steps 5 -o run
step(x, y)
"""

from __future__ import annotations

import ast
import io
import keyword
import shlex
import tokenize
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any

import click

from tracer.errors import TracerError, UsageError
from tracer.recorded import Run

NAME = "cell"  # of the scenario, where the line names none
_SILENT = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def load_ipython_extension(shell: Any) -> None:
    """Makes `%%trace` known to IPython, and has runs and reports show themselves; `%load_ext tracer` calls it."""
    from tracer.display import register

    register(shell)

    def trace(line: str, cell: str) -> Run | None:
        __tracebackhide__ = True  # IPython leaves such a frame out of tracebacks
        return _trace(shell, line, cell)

    trace.__doc__ = _command.get_help(_context())  # what `%%trace?` shows
    shell.register_magic_function(trace, "cell", "trace")


@click.command(add_help_option=True)
@click.argument("name", default=NAME)
@click.option("-o", "--output", metavar="VARIABLE", help="The variable that gets the run; `_` has it in any case.")
@click.option("--steps", type=int, help="Run the cell so many times with the profiler, and before that without it.")
@click.option("--warmup", type=int, help="Before everything else run the cell so many times; with --steps.")
@click.option("--logdir", type=click.Path(), help="The log folder.  [default: logs]")
@click.option("--no-profile", is_flag=True, help="Record the graphs only.")
@click.option("--profile-seconds", type=float, help="For how long the profiler is on at most.")
@click.option("--no-source", is_flag=True, help="Keep no copies of the source that lines refer to.")
@click.option("--hlo", is_flag=True, help="Have XLA compile also what is not jitted, for its HLO.")
def _command(**options: Any) -> dict[str, Any]:
    """Record every tf.function that the cell traces or calls, and show the run below it.

    The cell runs once, as it is. With --steps it runs again and again, as `tracer.record` does with a function.

    \b
    Example: %%trace my_experiment --steps 5 -o run
    """
    return options


def _context() -> click.Context:
    return click.Context(_command, info_name="%%trace")


def _trace(shell: Any, line: str, cell: str) -> Run | None:
    """Records a cell, and returns the run for IPython to show. What the cell raises goes its way, after the run."""
    __tracebackhide__ = True
    try:
        options = _options(line)
        if options is None:
            return None
        program = _Cell(shell, line, cell)
        record = _recording(program, options)
    except SyntaxError as error:
        raise error.with_traceback(None) from None
    except TracerError as error:
        raise _shown(error) from None
    from tracer.capture.signals import die_if_told_to

    opened: list[Path] = []
    try:
        record(opened.append)
    except BaseException as error:  # noqa: BLE001  # whatever ends the cell, Ctrl-C too, leaves a run to show
        if not opened and isinstance(error, TracerError):  # nothing was run
            raise _shown(error) from None
        if opened:
            _keep(shell, options["output"], _read(opened[0]), show=True)
        die_if_told_to(error)
        raise error.with_traceback(program.part_of(error.__traceback__))  # noqa: B904  # it is the same error
    run = _read(opened[0])
    _keep(shell, options["output"], run)
    return run


def _options(line: str) -> dict[str, Any] | None:
    """Returns what stands behind `%%trace`; None where it asks for help, which is printed.

    Raises:
      UsageError: it cannot be understood.
    """
    try:
        with _command.make_context("%%trace", shlex.split(line)) as context:
            options: dict[str, Any] = _command.invoke(context)
    except click.exceptions.Exit:
        return None
    except click.ClickException as error:
        raise UsageError(error.format_message(), hint="%%trace --help lists the options") from None
    except ValueError as error:  # of shlex: a quote that is not closed
        raise UsageError(f"cannot read '{line}': {error}", hint="close the quote") from None
    variable = options["output"]
    if variable is not None and (not variable.isidentifier() or keyword.iskeyword(variable)):
        raise UsageError(f"'{variable}' is no name of a variable", hint="as in: %%trace -o run")
    if options["warmup"] is not None and options["steps"] is None:
        raise UsageError("--warmup is for --steps", hint="a cell that runs once has nothing to warm up for: --steps 5")
    return options


def _recording(program: _Cell, options: Mapping[str, Any]) -> Callable[[Callable[[Path], None]], object]:
    """Returns what records the cell; it tells the run's folder as soon as there is one.

    Raises:
      UsageError: an option has a wrong value.
    """
    from tracer.capture.limits import SECONDS
    from tracer.capture.record import Settings, record_calls
    from tracer.capture.session import trace
    from tracer.discover.declare import Call

    name: str = options["name"]
    how: dict[str, Any] = {
        "logdir": options["logdir"],
        "profile": not options["no_profile"],
        "sources": not options["no_source"],
        "hlo": options["hlo"],
        "profile_seconds": SECONDS if options["profile_seconds"] is None else options["profile_seconds"],
    }
    settings = Settings(steps=_or(options["steps"], 1), warmup=_or(options["warmup"], 0), **how)  # which checks them

    def block(opened: Callable[[Path], None]) -> None:
        with trace(name, **how) as session:
            opened(session.path)
            program()

    if options["steps"] is None:
        return block
    return lambda opened: record_calls(name, lambda: (Call(program),), settings, facts={"target": name}, opened=opened)


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number


class _Cell:
    """The code of a cell, to be run in the notebook's namespace."""

    def __init__(self, shell: Any, line: str, cell: str) -> None:
        """Compiles it.

        Raises:
          SyntaxError: it is no Python.
        """
        self.__name__ = NAME
        self._shell = shell
        # With the magic's own line in front, numbers of lines are those that one sees.
        source = f"# %%trace {line}\n{shell.transform_cell(cell)}"
        # Where tracebacks, AutoGraph and our copies of sources find the text.
        self._file = shell.compile.cache(source, number=len(shell.user_ns["In"]) - 1)
        tree = shell.transform_ast(shell.compile.ast_parse(source, filename=self._file))
        shown = tree.body and isinstance(tree.body[-1], ast.Expr) and not _ends_with_semicolon(source)
        last = tree.body[-1:] if shown else []
        rest = ast.Module(tree.body[: len(tree.body) - len(last)], tree.type_ignores)
        self._rest = self._compiled(rest, "exec")
        self._shows = self._compiled(ast.Interactive(last), "single")  # a value, by a hook
        self._last = self._compiled(ast.Module(last, []), "exec")

    def _compiled(self, tree: ast.Module | ast.Interactive, mode: str) -> CodeType:
        flags = self._shell.compile.flags
        code: CodeType = compile(tree, self._file, mode, flags, dont_inherit=True)  # nothing of this file's
        return code

    def __call__(self) -> None:
        """Runs it. The value of its last line is shown, as that of any cell, but only once."""
        exec(self._rest, self._shell.user_ns)  # noqa: S102  # that is what a notebook does
        shows, self._shows = self._shows, self._last
        exec(shows, self._shell.user_ns)  # noqa: S102

    def part_of(self, trace: TracebackType | None) -> TracebackType | None:
        """Returns the part of a traceback that begins in the cell; all of it, if none does."""
        part = trace
        while part is not None and part.tb_frame.f_code.co_filename != self._file:
            part = part.tb_next
        return part or trace


def _ends_with_semicolon(source: str) -> bool:
    """Tells whether a cell ends with a `;`, which hides the value of its last line; comments may follow."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    said = [token for token in tokens if token.type not in _SILENT]
    return bool(said) and said[-1].string == ";"


def _read(path: Path) -> Run:
    from tracer.store.load import load_run

    return load_run(path)


def _keep(shell: Any, variable: str | None, run: Run, *, show: bool = False) -> None:
    if variable:
        shell.user_ns[variable] = run
    if show:
        from IPython.display import display

        display(run)


def _shown(error: TracerError) -> Exception:
    """Returns an error as IPython shows it: without a traceback."""
    from IPython.core.error import UsageError as Shown

    shown: Exception = Shown(f"{error.message}\nhint: {error.hint}" if error.hint else error.message)
    return shown
