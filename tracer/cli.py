"""The command line: parse, one call of `tracer.api`, one write. Errors are shown here and nowhere else."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from tracer.errors import TracerError, UsageError, did_you_mean, reason
from tracer.terminal import (
    Output,
    ended_by_signal,
    program_output_apart,
    progress_bar,
    show_error,
    sigterm_as_interrupt,
)
from tracer.text import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

REGRESSION = 5  # the exit code of a comparison that found a change it was to fail on
INCONCLUSIVE = 6  # of a comparison that cannot tell whether there is such a change
PARTIAL = 7  # of a report from which something is missing, as its file is damaged
_DEBUG = "TRACE_SCENARIO_DEBUG"


class Commands(click.Group):
    """Commands in the order of use, with "did you mean", and the one place where errors become text and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the commands in the order in which they were added, which is the order of use."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Finds a command.

        Raises:
          UsageError: there is none of that name.
        """
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            hint = did_you_mean(args[0], self.commands, otherwise="trace-scenario --help lists the commands")
            raise UsageError(f"no command named '{args[0]}'", hint=hint)
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs a command and exits with the code that its outcome has."""
        kwargs["standalone_mode"] = False
        with _escaped_output() as before:
            kwargs["obj"] = before
            self._run(*args, **kwargs)

    def _run(self, *args: Any, **kwargs: Any) -> None:
        try:
            code = super().main(*args, **kwargs)
        except TracerError as error:
            show_error(error)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            show_error(_as_usage_error(error))
            sys.exit(UsageError.exit_code)
        except (click.Abort, KeyboardInterrupt):
            sys.exit(130)  # what a shell says of a program that Ctrl-C ended
        except BrokenPipeError:
            sys.stdout = None  # `runs | head` is no error; Python must not flush at its end
            sys.exit(0)
        except OSError as error:
            sys.stdout = None  # as above
            show_error(TracerError(f"the output cannot be written: {error.strerror}", hint="where does stdout go?"))
            sys.exit(1)
        except Exception as error:
            if _DEBUG in os.environ:
                raise
            show_error(_unexpected(error))
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


@contextlib.contextmanager
def _escaped_output() -> Iterator[dict[io.TextIOWrapper, str]]:
    """Has what no encoding has written as an escape, as names of files may hold it, and yields what was set before."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]
    before = _errors_of(streams)
    _set_errors(dict.fromkeys(streams, "backslashreplace"))
    try:
        yield before
    finally:
        _set_errors(before)


@contextlib.contextmanager
def _output_of_a_program(before: dict[io.TextIOWrapper, str]) -> Iterator[None]:
    """Has the output as Python opened it while a program runs; what the program sets is what it finds at exit."""
    ours = _errors_of(before)
    _set_errors(before)
    try:
        yield
    finally:
        before.update(_errors_of(before))
        _set_errors(ours)


def _errors_of(streams: Iterable[io.TextIOWrapper]) -> dict[io.TextIOWrapper, str]:
    found = {}
    for stream in streams:
        with contextlib.suppress(ValueError):  # the program has made another of its bytes
            found[stream] = stream.errors or "strict"
    return found


def _set_errors(wanted: Mapping[io.TextIOWrapper, str]) -> None:
    for stream, errors in wanted.items():
        with contextlib.suppress(OSError, ValueError):  # it is closed, or nobody reads it
            stream.reconfigure(errors=errors)


def _unexpected(error: Exception) -> TracerError:
    if isinstance(error, MemoryError):
        return TracerError("there is not enough memory", hint="look at a part of it: --function, --scope, --depth")
    return TracerError(f"internal: {reason(error)}", hint=f"please report this; {_DEBUG}=1 shows where")


def _as_usage_error(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "trace-scenario"
    if isinstance(error, click.NoSuchOption):
        known = [name for option in context.command.params for name in option.opts] if context else []
        hint = did_you_mean(error.option_name, known, otherwise=f"{command} --help")
        return UsageError(f"no option named '{error.option_name}'", hint=hint)
    return UsageError(error.format_message().rstrip(".").lower().replace("\n", " "), hint=f"{command} --help")


def _bytes(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    parsed = parse_bytes(value)
    if parsed is None:
        raise UsageError(f"'{value}' is no number of bytes", hint="as in --max-bytes 256MiB")
    return parsed


def _max_retraces(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--max-retraces",
        type=click.IntRange(min=0),
        metavar="N",
        help="Exit code 5 if all went well, and one of your functions was traced again more often.",
    )(command)


def _logdir(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--logdir",
        type=click.Path(),
        envvar="TRACE_SCENARIO_LOGDIR",
        default="logs",
        show_default=True,
        help="The log folder; TRACE_SCENARIO_LOGDIR sets it too.",
    )(command)


def _json(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")(command)


def _function(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--function", metavar="NAME[#N]", help="Of which function, and its N-th trace.  [default: the largest called]"
    )(command)


def _stage(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--stage",
        default="traced",
        show_default=True,
        help="source, autograph, traced, optimized, hlo or optimized_hlo.",
    )(command)


def _limit(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=2_000_000,
        show_default=True,
        help="How many nodes the graph may have with its functions in their places.",
    )(command)


def _timed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what the views of time take."""
    for option in (
        _json,
        _logdir,
        click.option("--top", type=click.IntRange(min=0), default=20, show_default=True, help="How many; 0 is all."),
        _limit,
        click.option("--sort", default="self", show_default=True, help="self, total, calls, bytes, peak or held."),
        click.option("--function", default="", metavar="NAME[#N]", help="Only of this function, or its N-th trace."),
        click.argument("run", default="latest"),
    ):
        command = option(command)
    return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="trace-scenario", prog_name="trace-scenario")
def main() -> None:
    """Record what a tf.function became, stage by stage, and where its time goes.

    \b
    trace-scenario run demo_module      record a built-in scenario
    trace-scenario show                 look at the newest run
    trace-scenario board                open it in TensorBoard
    """


@main.command("list")
@_json
def list_command(as_json: bool) -> None:
    """List the scenarios, built-in and found. Imports none of them.

    \b
    Example: trace-scenario list
    """
    from tracer import api

    Output(as_json).scenarios(api.list_())


@main.command()
@click.argument("target")
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="KEY=VALUE", help="A parameter of the target.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=TYPE[SHAPE]",
    help="An input, as x=float32[8,32] or training=True.",
)
@click.option("--signature", help="A SavedModel's signature.  [default: serving_default]")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random inputs.")
@click.option("--steps", type=int, help="Calls in the profile window.  [default: the scenario's, or 5]")
@click.option("--warmup", type=int, help="Calls before everything else.  [default: the scenario's, or 3]")
@click.option("--profile/--no-profile", default=True, show_default=True, help="Run TensorFlow's profiler.")
@click.option(
    "--profile-seconds",
    type=float,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the profiler runs at most; steps that are left go without.",
)
@click.option("--source/--no-source", "sources", default=True, show_default=True, help="Keep copies of your files.")
@click.option("--hlo", is_flag=True, help="Have XLA compile also the functions that are not jitted, to see their HLO.")
@click.option("--eager", is_flag=True, help="Call the target as it is: do not wrap it in a tf.function.")
@click.option("--modes", default="", metavar="MODE,...", help="Record it in each of eager, graph, xla, and compare.")
@_max_retraces
@_logdir
@_json
def run(
    target: str, parameters: tuple[str, ...], as_json: bool, modes: str, max_retraces: int | None, **options: Any
) -> int:
    """Record TARGET: a scenario, file.py[:name], package.module:attribute, a SavedModel folder, a Keras file.

    It is called warmup + steps + 1 + steps times: to warm up, for the true time of each step, once while TensorFlow
    instantiates functions again so that no kernel goes untraced, and with the profiler. With --no-profile it is called
    warmup + steps times.

    With --modes it is recorded once in each mode, in a process of its own, with at least 5 steps after 3 calls unless
    --steps and --warmup say, and one table compares them. The exit code is 7 if a mode is missing.

    \b
    Examples:
      trace-scenario run demo_module -p a=3
      trace-scenario run model.py:step --input x=float32[8,32]
      trace-scenario run keras.applications:MobileNetV2 -p weights=None
      trace-scenario run exported/my_model --signature serving_default
      trace-scenario run train_step --modes eager,graph,xla
    """
    from tracer import api
    from tracer.errors import ProgramFailed
    from tracer.recorded import Run

    output = Output(as_json, options["logdir"])
    given, asked = _key_values(parameters), modes.split(",") if modes else ()
    try:
        with program_output_apart(apart=as_json), progress_bar(shown=not as_json) as progress:
            recorded = api.run(target, parameters=given, modes=asked, progress=progress, **options)
    except KeyboardInterrupt:
        click.echo("\ninterrupted: what was recorded up to then is kept: trace-scenario show", err=True)
        raise
    except ProgramFailed as error:
        if error.run:
            output.failed_run(error.run)
        raise
    if isinstance(recorded, Run):
        output.recorded(recorded)
        written = [recorded]
    else:
        output.modes(recorded)
        written = [row.run for row in recorded.modes if row.run]
    if max_retraces is not None:
        for each in written:
            api.check_retraces(each, max_retraces)
    if isinstance(recorded, Run):
        return 0
    return TracerError.exit_code if recorded.is_empty else PARTIAL if recorded.is_partial else 0


class _ProgramCommand(click.Command):
    """A command behind whose first argument everything belongs to a program; so it does behind `-m MODULE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the options before the program."""
        flags = {name for option in self.params if getattr(option, "is_flag", False) for name in option.opts}
        flags |= {name for option in self.params for name in option.secondary_opts} | {"-h", "--help"}
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] != "--":
            if args[at] == "-m" and at + 1 < len(args):
                args = [*args[: at + 2], "--", *args[at + 2 :]]
                break
            at += 1 if args[at] in flags or "=" in args[at] else 2
        return super().parse_args(ctx, args)


@main.command(cls=_ProgramCommand, context_settings={"allow_interspersed_args": False})
@click.option("-m", "module", default="", metavar="MODULE", help="Run a module, as python -m does.")
@click.option("--functions", default="", metavar="REGEX", help="Record only functions whose name it matches.")
@click.option("--skip-steps", type=int, default=1, show_default=True, help="Steps before the first profile window.")
@click.option("--steps", type=int, default=10, show_default=True, help="Steps of a window.")
@click.option("--every", type=int, default=0, help="A window each N steps.  [default: as often as costs 3 %]")
@click.option("--step-function", default="", metavar="NAME", help="Whose calls are the steps.  [default: found out]")
@click.option("--fresh", is_flag=True, help="Have functions instantiated again for each window: every kernel is seen.")
@click.option("--profile/--no-profile", default=True, show_default=True, help="Run TensorFlow's profiler.")
@click.option("--profile-seconds", type=float, default=60.0, show_default=True, help="A window lasts no longer.")
@click.option("--max-bytes", callback=_bytes, default="256MiB", show_default=True, help="Of the run's folder.")
@click.option("--source/--no-source", "sources", default=True, show_default=True, help="Keep copies of your files.")
@click.option("--hlo", is_flag=True, help="Have XLA compile also the functions that are not jitted, to see their HLO.")
@_logdir
@_json
@_max_retraces
@click.argument("file", default="", metavar="FILE")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@click.pass_obj
def script(
    before: dict[io.TextIOWrapper, str],
    /,
    file: str,
    arguments: tuple[str, ...],
    module: str,
    as_json: bool,
    max_retraces: int | None,
    **options: Any,
) -> int:
    """Record a whole program, unchanged: FILE, or -m MODULE, with its ARGS, as python would run it.

    The run holds every function that it traces, and windows of the profiler: of --steps steps, after --skip-steps, and
    again as the program goes. Output and exit code are the program's own; what this command says is on stderr.

    \b
    Examples:
      trace-scenario script train.py --epochs 2
      trace-scenario script --no-profile --max-retraces 0 -m mypackage.train --config small
    """
    from tracer import api

    if module and file:
        file, arguments = "", (file, *arguments)
    output = Output(as_json, options["logdir"])
    last_words = ended_by_signal()  # first of all, so that what the program has Python do at exit comes before it
    with program_output_apart(apart=as_json), _output_of_a_program(before):
        ended = api.script(file, arguments, module=module, **options)
    output.program(ended)
    last_words(ended.signal)
    if max_retraces is not None and not ended.exit_code:
        if ended.failure is not None:
            return ended.failure.exit_code  # nobody knows
        if ended.run is not None:
            api.check_retraces(ended.run, max_retraces)
    return ended.exit_code


@main.command()
@click.option("--top", type=click.IntRange(min=0), default=20, show_default=True, help="How many; 0 is all.")
@_logdir
@_json
def runs(top: int, logdir: str, as_json: bool) -> None:
    """List what has been recorded, newest first.

    \b
    Example: trace-scenario runs --top 0
    """
    from tracer import api

    Output(as_json, logdir).runs(api.runs(logdir=logdir, top=top))


@main.command()
@click.argument("run", default="latest")
@_function
@_stage
@click.option("--scope", default="", help="Only this scope, by its path or the end of it.")
@click.option("--depth", type=click.IntRange(min=0), default=0, help="How many levels of scopes; 0 is all.")
@click.option("--raw", is_flag=True, help="The graph as it is: constants and identities too, and nothing folded.")
@click.option(
    "--by", default="scope", show_default=True, help="Time by scope, layer, module, phase, op, device or step."
)
@click.option("--sort", default="", help="self, total, calls, bytes, peak or held.  [default: as in the program]")
@_limit
@click.option("--top", type=click.IntRange(min=0), default=60, show_default=True, help="How many rows; 0 is all.")
@_logdir
@_json
def show(run: str, as_json: bool, **options: Any) -> int:
    """Show a RUN: its functions, their traces, and one stage of one: the scope tree of a graph, or a text.

    RUN is a path, latest, latest~2, a scenario (its newest run), or scenario/stamp. A path may also be what other tools
    left: a TensorBoard log folder, an event file, a GraphDef (.pb, .pbtxt, .meta), a SavedModel folder.

    \b
    Examples:
      trace-scenario show demo_module
      trace-scenario show --function step#2 --stage optimized --depth 2
      trace-scenario show train_step --by layer
      trace-scenario show exported/my_model
    """
    from tracer import api

    report = api.show(run, **options)
    Output(as_json, options["logdir"]).show(report)
    return PARTIAL if report.is_partial else 0


@main.command()
@_timed
def ops(run: str, as_json: bool, **options: Any) -> int:
    """Show what was executed in the window of a RUN, node by node: calls, time, memory, and the line of Python.

    \b
    Examples:
      trace-scenario ops train_step --sort calls
      trace-scenario ops --function step --top 0 --json
    """
    from tracer import api

    report = api.ops(run, **options)
    Output(as_json, options["logdir"]).ops(report)
    return PARTIAL if report.is_partial else 0


@main.command()
@_timed
def lines(run: str, as_json: bool, **options: Any) -> int:
    """Show the source of a RUN with the time of its window at each line.

    \b
    Examples:
      trace-scenario lines
      trace-scenario lines train_step --sort total --top 40
    """
    from tracer import api

    report = api.lines(run, **options)
    Output(as_json, options["logdir"]).lines(report)
    return PARTIAL if report.is_partial else 0


@main.command()
@_timed
def stacks(run: str, as_json: bool, **options: Any) -> int:
    """Show the call stacks of Python behind the time of a RUN's window.

    \b
    Examples:
      trace-scenario stacks --top 5
      trace-scenario export --format folded | flamegraph.pl > flames.svg
    """
    from tracer import api

    report = api.stacks(run, **options)
    Output(as_json, options["logdir"]).stacks(report)
    return PARTIAL if report.is_partial else 0


@main.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--function", default="", help="Of this function, where A and B name none.  [default: all]")
@click.option("--stage", default="", help="traced, optimized, hlo or optimized_hlo.  [default: traced]")
@click.option("--top", type=click.IntRange(min=0), default=60, show_default=True, help="How many rows; 0 is all.")
@_limit
@click.option("--fail-on-change", is_flag=True, help="Exit code 5 if anything changed in a graph.")
@click.option(
    "--fail-on",
    "conditions",
    multiple=True,
    metavar="NAME>NUMBER",
    help="Exit code 5 if B has more by so much, as time>5% or peak_bytes>64MiB; 6 if that cannot be told.",
)
@click.option(
    "--noise",
    type=click.FloatRange(min=0),
    metavar="PERCENT",
    help="How far two runs of an unchanged program are apart in time on this machine.  [default: 40]",
)
@_logdir
@_json
def diff(before: str, after: str, fail_on_change: bool, noise: float | None, as_json: bool, **options: Any) -> int:
    """Compare A and B: two runs, with their time and memory, two traces of a function, or two stages of one.

    Each is RUN[:FUNCTION][#TRACE][@STAGE]; what B leaves out at its beginning it has from A.

    \b
    Examples:
      trace-scenario diff latest~1 latest
      trace-scenario diff retracing:scale#1 '#2'
      trace-scenario diff latest:step@traced @optimized
      trace-scenario diff latest~1 latest --fail-on 'time>5%' --fail-on 'nodes>0'
    """
    from tracer import api

    report = api.diff(before, after, noise=None if noise is None else noise / 100, **options)
    Output(as_json, options["logdir"]).diff(report)
    if report.regressed or (fail_on_change and report.changed):
        return REGRESSION
    if report.undecided:
        return INCONCLUSIVE
    return PARTIAL if report.is_partial else 0


@main.command()
@click.argument("run", default="latest")
@click.option("--function", help="Look at this function only.")
@click.option("--top", type=click.IntRange(min=0), default=60, show_default=True, help="How many findings; 0 is all.")
@_limit
@_logdir
@_json
def lint(run: str, as_json: bool, **options: Any) -> int:
    """Say what is likely to be wrong in a RUN, where, and what to do about it.

    \b
    Example: trace-scenario lint demo_module
    """
    from tracer import api

    report = api.lint(run, **options)
    Output(as_json, options["logdir"]).lint(report)
    return PARTIAL if report.unread else 0


@main.command()
@click.argument("run", default="latest")
@click.option("--function", help="Look at this function only.")
@click.option("--top", type=click.IntRange(min=0), default=20, show_default=True, help="How many functions; 0 is all.")
@_logdir
@_json
def retraces(run: str, as_json: bool, **options: Any) -> int:
    """Say why TensorFlow traced the functions of a RUN again: which argument changed, where, and what spares it.

    \b
    Examples:
      trace-scenario retraces retracing
      trace-scenario run train_step --max-retraces 0
    """
    from tracer import api

    report = api.retraces(run, **options)
    Output(as_json, options["logdir"]).retraces(report)
    return PARTIAL if report.damaged else 0


@main.command()
@click.argument("run", default="latest")
@click.option(
    "--format",
    default="json",
    show_default=True,
    help="Of a graph: json, dot, csv, model-explorer, mermaid. Of a profile: folded, speedscope, perfetto. "
    "Of a run at a glance: html, svg.",
)
@click.option("-o", "--output", type=click.Path(), help="The file to write.  [default: stdout]")
@_function
@_stage
@click.option("--scope", default="", help="Only this scope, by its path or the end of it.")
@click.option("--raw", is_flag=True, help="Constants, variables, identities and control edges too.")
@click.option("--costs/--no-costs", default=True, help="In json and csv: what each node took.  [default: costs]")
@_limit
@_logdir
@_json
def export(run: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Write one stage of a function, or the profile of a RUN, in a format that other tools open.

    \b
    Examples:
      trace-scenario export --format dot | dot -Tsvg > graph.svg
      trace-scenario export demo_module --format model-explorer -o demo.json
      trace-scenario export train_step --format perfetto -o train_step.perfetto-trace
    """
    from tracer import api

    out = Output(as_json, options["logdir"])
    out.check_export(options["format"], output)
    out.exported(api.export(run, **options), options["format"], output)


@main.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--all", "all_runs", is_flag=True, help="Show the whole log folder, runs that come later too.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port.  [default: a free one]")
@click.option("--no-wait", is_flag=True, help="Leave TensorBoard running, print its process number, and return.")
@_logdir
@_json
def board(runs: tuple[str, ...], all_runs: bool, port: int, no_wait: bool, logdir: str, as_json: bool) -> None:
    """Open RUNs in TensorBoard: the newest, if none is named. Ctrl-C ends it.

    \b
    Example: trace-scenario board demo_module
    """
    from tracer import api

    with sigterm_as_interrupt():  # from the start: whatever ends us must end TensorBoard too
        started, links = api.board(runs or ("latest",), logdir=logdir, port=port, all_runs=all_runs)
        try:
            Output(as_json, logdir).board(started, links, stays=no_wait)
            if not no_wait:
                started.wait()
        finally:
            if not no_wait:
                started.stop()


@main.command()
@_logdir
@_json
def doctor(logdir: str, as_json: bool) -> None:
    """Check what this machine needs in order to record and to show. Exit code 1 if something is missing.

    \b
    Example: trace-scenario doctor
    """
    from tracer import api

    checks = api.doctor(logdir=logdir)
    Output(as_json, logdir).checks(checks)
    if any(check.state == "error" for check in checks):
        sys.exit(1)


@main.command()
@click.option("--keep", type=int, help="The newest so many of each scenario stay.")
@click.option("--older-than", metavar="AGE", help="Runs younger than this stay: 12h, 7d, 2w.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@_logdir
@_json
def prune(keep: int | None, older_than: str | None, dry_run: bool, logdir: str, as_json: bool) -> None:
    """Remove old runs: only folders that this tool made, and none that is being recorded.

    \b
    Example: trace-scenario prune --keep 3 --dry-run
    """
    from tracer import api

    removed = api.prune(keep=keep, older_than=older_than, dry_run=dry_run, logdir=logdir)
    Output(as_json, logdir).pruned(removed, dry_run=dry_run)


def _key_values(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"-p {text} is no parameter", hint="write -p key=value")
        pairs[key] = value
    return pairs
