"""One verb for each command, with the same names and parameters."""

from __future__ import annotations

import importlib
import math
import os
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.discover.declare import Call, Scenario, parse_parameters
from tracer.discover.input_spec import InputSpec, parse_inputs
from tracer.discover.listing import ListedScenario, list_scenarios
from tracer.discover.target import Target, load_target, parse_target
from tracer.errors import NotFound, ProgramFailed, TooManyRetraces, TracerError, Unreadable, UsageError, reason
from tracer.graph.inline import LIMIT
from tracer.store import layout
from tracer.text import plural

if TYPE_CHECKING:
    from tracer.capture.modes import Mode
    from tracer.capture.program import Ended
    from tracer.diagnose import Check
    from tracer.recorded import Run, Warned
    from tracer.report.diff import DiffReport
    from tracer.report.groups import GroupsReport
    from tracer.report.lines import LinesReport
    from tracer.report.lint import LintReport
    from tracer.report.modes import ModesReport, Recorded
    from tracer.report.ops import OpsReport
    from tracer.report.retraces import RetracesReport
    from tracer.report.runs import RunRow, RunsReport
    from tracer.report.show import ShowReport
    from tracer.report.stacks import StacksReport
    from tracer.report.steps import StepsReport
    from tracer.store.prune import OldRun
    from tracer.tensorboard import Board
    from tracer.timing.samples import Sampled

STEPS = 5  # steps in the window, unless a scenario or the user says; a median of five stands one outlier
WARMUP = 3  # the first call traces, and the next ones settle: allocators, caches, threads

_SCENARIO_INPUTS = "a scenario makes its own arguments: set them with -p"


def list_() -> tuple[ListedScenario, ...]:
    """Returns the scenarios that can be run by name. Imports none of them."""
    return list_scenarios()


def run(
    target: str,
    *,
    parameters: Mapping[str, str] | None = None,
    inputs: Sequence[str] = (),
    signature: str | None = None,
    seed: int = 0,
    steps: int | None = None,
    warmup: int | None = None,
    logdir: str | Path | None = None,
    profile: bool = True,
    profile_seconds: float = 60.0,
    sources: bool = True,
    hlo: bool = False,
    eager: bool = False,
    modes: Sequence[str] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> Run | ModesReport:
    """Records a target and returns what was recorded; with `modes` a run for each, and a report on all of them.

    Args:
      target: a scenario's name, `file.py[:name]`, `package.module:attribute`, a SavedModel folder, or a Keras file.
      parameters: values of the target's parameters, as text.
      inputs: what to call it with, as `x=float32[8,32]`; else its signature or its Keras inputs say.
      signature: the SavedModel's signature.
      seed: of the random inputs.
      steps: calls in the profile window, and before that as many without the profiler; the scenario's own wish, or 5.
      warmup: calls before everything else; the scenario's own wish, or 3.
      logdir: the log folder.
      profile: whether to profile.
      profile_seconds: how long the profiler runs at most; steps that are left go without.
      sources: whether to keep copies of the user's files.
      hlo: whether XLA also compiles the functions that the program does not have it compile, for their HLO.
      eager: call the target as it is, and do not wrap it in a tf.function.
      modes: `eager`, `graph` (without XLA), `xla`: record it in each of these, in a process of its own, with the same
        seeds; at least 5 steps after 3 calls, unless `steps` and `warmup` say. What raises in one is in its row.
      progress: called with what is being done, how much is done, and how much there is.

    Raises:
      NotFound, UsageError: the target, a parameter or an input is wrong.
      ProgramFailed: the program raised; `run` on it names what was recorded, `__cause__` is what it raised.
      WriteFailed: the run could not be written whole.
    """
    found = parse_target(target)
    specs = parse_inputs(inputs)
    _check_options(found, specs, signature)
    options: dict[str, Any] = {
        "parameters": dict(parameters or {}),
        "inputs": list(inputs),
        "signature": signature,
        "seed": seed,
        "steps": steps,
        "warmup": warmup,
        "logdir": str(logdir) if logdir is not None else None,
        "profile": profile,
        "profile_seconds": profile_seconds,
        "sources": sources,
        "hlo": hlo,
        "eager": eager,
    }
    if modes:
        return _side_by_side(found, modes, options, progress)
    return _recorded(found, **options, progress=progress)


def _recorded(
    found: Target,
    *,
    parameters: Mapping[str, str],
    inputs: Sequence[str],
    signature: str | None,
    seed: int,
    steps: int | None,
    warmup: int | None,
    eager: bool,
    mode: Mode | None = None,
    **how: Any,
) -> Run:
    """Records a target, in a mode if one is given. Args and raises: as `run`; `how` is the rest of its settings."""
    from tracer.capture.environment import quiet_start

    specs = parse_inputs(inputs)
    with quiet_start():  # around the user's import of TensorFlow, which may set variables before that it reads
        loaded = load_target(found) if found.kind in ("scenario", "file", "module") else None
        importlib.import_module("tensorflow")
    build, wishes, notes = _builder(found, loaded, parameters, specs, signature, seed=seed, eager=eager)

    from tracer.capture.record import Settings, record_calls
    from tracer.store.load import load_run

    if mode:  # to compare times takes more calls than to look at a graph, which is what some scenarios are for
        wishes = max(wishes[0] or 0, STEPS), max(wishes[1] or 0, WARMUP)
    settings = Settings(steps=_first(steps, wishes[0], STEPS), warmup=_first(warmup, wishes[1], WARMUP), **how)
    in_effect = {**_defaults(loaded), **parameters}
    facts = {"target": found.text, "parameters": in_effect, "inputs": list(inputs), "seed": seed}
    if mode:
        facts["mode"] = mode.name
        build = mode.calls_of(build, settings, loaded=found.kind == "saved_model")
    with _program_errors() as opened:
        try:
            return record_calls(found.name, build, settings, facts=facts, notes=notes, opened=opened.append)
        except SystemExit as ended:
            if ended.code in (None, 0) and opened:
                return load_run(opened[0])  # the program ended itself, and said that all is well
            raise


def script(
    file: str = "",
    arguments: Sequence[str] = (),
    *,
    module: str = "",
    logdir: str | Path | None = None,
    functions: str = "",
    skip_steps: int = 1,
    steps: int = 10,
    every: int = 0,
    step_function: str = "",
    fresh: bool = False,
    profile: bool = True,
    profile_seconds: float = 60.0,
    max_bytes: int = 256 << 20,
    sources: bool = True,
    hlo: bool = False,
) -> Ended:
    """Runs a program in this process as Python would, unchanged, and records its functions and windows of its steps.

    Its steps are the batches of Keras' `fit`, `evaluate` and `predict`, else the calls of the function that takes the
    most time, from one to the next; those that it marks with `tracer.step()` go before both.

    Args:
      file: the program's file, or a folder or archive with a `__main__.py`.
      arguments: what it finds in `sys.argv`.
      module: a module to run instead, as `python -m` does.
      logdir: the log folder.
      functions: a regular expression: record only functions whose name it matches.
      skip_steps: steps before the first window of the profiler.
      steps: steps of each window.
      every: a window begins each so many steps; 0 for as often as it costs no more than 3 % of the program's time.
      step_function: the function whose calls are the steps.
      fresh: have functions instantiated again before each window, so that no kernel goes untraced; their seeded
        sequences of random numbers begin again with it.
      profile: whether there are windows at all.
      profile_seconds: a window lasts no longer.
      max_bytes: of the run's folder; the oldest windows give way, and of many traces the last lose their graphs.
      sources: whether to keep copies of the user's files.
      hlo: whether XLA also compiles the functions that the program does not have it compile, for their HLO.

    Raises:
      NotFound, UsageError: there is no such file, or an option is wrong.
      WriteFailed: the log folder cannot be written; the program did not run.
    """
    from tracer.capture.main_module import main_put_back, program
    from tracer.capture.program import record_program
    from tracer.capture.rolling_session import rolling_settings

    settings = rolling_settings(
        logdir=_logdir(logdir),
        functions=functions,
        skip_steps=skip_steps,
        steps=steps,
        every=every,
        step_function=step_function,
        fresh=fresh,
        profile=profile,
        profile_seconds=profile_seconds,
        max_bytes=max_bytes,
        sources=sources,
        hlo=hlo,
    )
    with main_put_back():
        return record_program(program(file, arguments, module=module), settings)


def _side_by_side(
    found: Target,
    modes: Sequence[str],
    options: Mapping[str, Any],
    progress: Callable[[str, int, int], None] | None,
) -> ModesReport:
    """Records a target in several modes, one after the other, each in a process of its own."""
    from tracer.capture import mode_process
    from tracer.report.modes import modes_report

    asked = mode_process.check_modes(modes)
    if options["eager"]:
        raise UsageError("--eager is not for several modes", hint="eager is one of them: --modes eager,graph")
    if not options["profile"]:
        raise UsageError("--modes needs the profile: kernels are counted in it", hint="leave out --no-profile")
    recorded: list[Recorded] = []
    with mode_process.mode_folder() as folder:
        for number, mode in enumerate(asked):
            if progress:
                progress(f"recording in mode {mode}", number, len(asked))
            recorded.append(_in_mode(found, mode, {**options, "progress": None}, folder, recorded))
    return modes_report(found.text, found.name, recorded)


def _in_mode(
    found: Target, mode: str, options: Mapping[str, Any], folder: Path, others: Sequence[Recorded]
) -> Recorded:
    """Records a target in one mode, and compares what it returned with the first of the others that came to its end."""
    from tracer.capture import mode_process
    from tracer.report.modes import Difference, Recorded
    from tracer.store.load import load_run

    if mode == "eager" and found.kind == "saved_model":
        return Recorded(mode, None, "a SavedModel holds graphs and no Python, so nothing of it can run eagerly")
    job = {"target": found.text, "mode": mode, "options": options}
    facts = mode_process.record_apart(record_in_mode, job, folder)
    path = facts.pop("run")
    run = load_run(Path(path)) if path else None
    first = next((other.mode for other in others if other.run and other.run.status == "complete"), "")
    whole = first and run and run.status == "complete"
    apart = mode_process.results_apart(folder, first, mode) if whole else None
    notes = tuple(facts.pop("notes", ()))
    return Recorded(mode, run, difference=Difference(*apart) if apart else None, notes=notes, **facts)


def record_in_mode(job: Mapping[str, Any]) -> None:
    """Records a target in a mode, in the process that is there for that alone, and hands over what came of it."""
    from tracer.capture.environment import quiet_start
    from tracer.capture.mode_process import hand_over, hand_over_error
    from tracer.capture.modes import Mode, seed_all

    options, mode, folder = job["options"], Mode(job["mode"]), job["folder"]
    try:
        with quiet_start():
            seed_all(options["seed"])
        with mode.in_effect():
            run = _recorded(parse_target(job["target"]), **options, mode=mode)
        hand_over(folder, mode, run=run.path)
    except ProgramFailed as error:
        if not error.run:
            hand_over_error(folder, error)
        else:
            hand_over(folder, mode, run=error.run, error=reason(error.__cause__) if error.__cause__ else error.message)
    except TracerError as error:
        hand_over_error(folder, error)
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None  # which is told where it was asked for


def runs(*, logdir: str | Path | None = None, top: int = 0) -> RunsReport:
    """Returns what has been recorded, newest first."""
    from tracer.report.listing import listing
    from tracer.report.runs import RunsReport
    from tracer.store.find import list_runs

    folder = _logdir(logdir)
    paths = list_runs(folder)
    rows = [_run_row(path) for path in (paths[:top] if top else paths)]
    whole = listing(rows)
    return RunsReport(str(folder), type(whole)(whole.items, len(paths)))


def show(
    run: str = "latest",
    *,
    logdir: str | Path | None = None,
    function: str | None = None,
    stage: str = "traced",
    scope: str = "",
    depth: int = 0,
    top: int = 0,
    raw: bool = False,
    by: str = "scope",
    sort: str = "",
    limit: int = LIMIT,
) -> ShowReport | GroupsReport | StepsReport:
    """Returns a run's functions and one stage of one of them: its scope tree, or its text.

    With another `by` than `scope` it returns what the window of the run took by that: a `GroupsReport`; by `step` a
    `StepsReport`.

    Args:
      run: the run, or what another tool left: a log folder, an event file, a GraphDef, a SavedModel.
      logdir: the log folder.
      function: whose stage, `step`, or `step#2` for its second trace; if not given, of those that the program called
        the one with the most nodes, else the first.
      stage: `traced`, `optimized`, or one of the texts `source`, `autograph`, `hlo`, `optimized_hlo`.
      scope: only this scope and what is below it: its path, the end of it where one scope's path ends so, or the path
        of a node that lies in it.
      depth: how many levels of scopes, 0 for all.
      top: how many functions and scopes, 0 for all.
      raw: the graph as it is, with constants and identities, and without folding what repeats.
      by: `scope`, `layer`, `module`, `phase`, `op`, `device` or `step`.
      sort: `self`, `total`, `calls`, `bytes`, `peak` or `held`; if it is empty scopes come in the order of the
        program, phases and steps in their own, and other groups by their time.
      limit: how many nodes the graph may have with its functions in their places.

    Raises:
      NotFound: no such run, function, stage, scope, group or order; or nothing to group, for want of a profile.
      Unreadable: the run is damaged.
      TooLarge: the graph is larger than `limit`.
    """
    from tracer.report.show import show_report

    with _reading(run, logdir) as loaded:
        if by != "scope":
            if scope or raw or depth or stage != "traced":
                raise UsageError(
                    f"--by {by} is of all that ran", hint="--scope, --stage, --depth and --raw are for --by scope"
                )
            return _grouped(loaded, by, function or "", sort, top, limit)
        return show_report(
            loaded, function=function, stage=stage, scope=scope, depth=depth, top=top, raw=raw, sort=sort, limit=limit
        )


def _grouped(run: Run, by: str, function: str, sort: str, top: int, limit: int) -> GroupsReport | StepsReport:
    from tracer.profile.sums import each_step
    from tracer.report.groups import check_group, groups_report
    from tracer.report.steps import steps_report
    from tracer.timing.timing import read_timing

    check_group(by)
    if by == "step":
        if function or sort:
            raise UsageError("steps are of the whole run, in their order", hint="leave out --function and --sort")
        return steps_report(read_timing(run, by_step=each_step, limit=limit), top=top)
    return groups_report(read_timing(run, limit=limit), by, function=function, sort=sort, top=top)


def ops(
    run: str = "latest",
    *,
    logdir: str | Path | None = None,
    function: str = "",
    sort: str = "self",
    top: int = 0,
    limit: int = LIMIT,
) -> OpsReport:
    """Returns what was executed in a run's window, node by node, the most expensive first.

    Args:
      run: the run, or a profile (`.xplane.pb`), or a log folder with one.
      logdir: the log folder.
      function: only the nodes of this function, or of one trace of it: `step#2`.
      sort: `self`, `total`, `calls`, `bytes`, `peak` or `held`.
      top: how many nodes to list, 0 for all.
      limit: how many nodes a graph may have with its functions in their places; a larger one is left out.

    Raises:
      NotFound: no such run, function or order, or the run has no profile.
      Unreadable: the run or its profile is damaged.
    """
    from tracer.report.ops import ops_report
    from tracer.timing.timing import read_timing

    with _reading(run, logdir) as loaded:
        return ops_report(read_timing(loaded, limit=limit), function=function, sort=sort, top=top)


def lines(
    run: str = "latest",
    *,
    logdir: str | Path | None = None,
    function: str = "",
    sort: str = "self",
    top: int = 0,
    limit: int = LIMIT,
) -> LinesReport:
    """Returns the lines of Python behind what was executed in a run's window, the most expensive first.

    Args and raises: as `ops`; `sort="total"` counts for a line what it called as well.
    """
    from tracer.report.lines import lines_report
    from tracer.timing.timing import read_timing

    with _reading(run, logdir) as loaded:
        return lines_report(read_timing(loaded, limit=limit), function=function, sort=sort, top=top)


def stacks(
    run: str = "latest",
    *,
    logdir: str | Path | None = None,
    function: str = "",
    sort: str = "self",
    top: int = 0,
    limit: int = LIMIT,
) -> StacksReport:
    """Returns the call stacks of Python behind what was executed in a run's window, the most expensive first.

    Args and raises: as `ops`.
    """
    from tracer.report.stacks import stacks_report
    from tracer.timing.timing import read_timing

    with _reading(run, logdir) as loaded:
        return stacks_report(read_timing(loaded, limit=limit), function=function, sort=sort, top=top)


def lint(
    run: str = "latest",
    *,
    logdir: str | Path | None = None,
    function: str | None = None,
    top: int = 0,
    limit: int = LIMIT,
) -> LintReport:
    """Returns what is likely to be wrong in a run, the most pressing first, each with advice.

    Args:
      run: the run, or what another tool left, as in `show`.
      logdir: the log folder.
      function: look at this function only.
      top: how many findings to list, 0 for all.
      limit: how many nodes a graph may have with its functions in their places.

    Raises:
      NotFound: no such run or function.
      Unreadable: the run is damaged.
    """
    from tracer.report.lint import lint_report

    with _reading(run, logdir) as loaded:
        return lint_report(loaded, function=function, top=top, limit=limit)


def retraces(
    run: str = "latest",
    *,
    logdir: str | Path | None = None,
    function: str | None = None,
    top: int = 0,
) -> RetracesReport:
    """Returns why TensorFlow traced the functions of a run again, those first that lost the most time.

    Args:
      run: the run.
      logdir: the log folder.
      function: look at this function only.
      top: how many functions to list, 0 for all.

    Raises:
      NotFound: no such run or function.
      Unreadable: the run is damaged.
    """
    from tracer.report.retraces import retraces_report

    with _reading(run, logdir) as loaded:
        return retraces_report(loaded, function=function, top=top)


def check_retraces(run: Run, most: int) -> None:
    """Checks that no function of the user's was traced again more than `most` times.

    Raises:
      TooManyRetraces: one was; the message names the one with the most retraces, and the cause of the first of them.
    """
    from tracer.retracing.causes import retraces_over

    excess = retraces_over(run, most)
    if excess:
        worst = excess[0]
        left = len(excess) - 1
        others = f", and so {'was' if left == 1 else 'were'} {plural(left, 'other function')}" if left else ""
        raise TooManyRetraces(
            f"'{worst.function}' was traced again {plural(worst.retraces, 'time')} ({worst.cause}), "
            f"{most} allowed{others}",
            hint=f"trace-scenario retraces {shlex.quote(run.path)} says why, and what spares it",
        )


def diff(
    before: str,
    after: str,
    *,
    logdir: str | Path | None = None,
    function: str = "",
    stage: str = "",
    conditions: Sequence[str] = (),
    noise: float | None = None,
    top: int = 0,
    limit: int = LIMIT,
) -> DiffReport:
    """Returns what changed from one run to another, or between two traces or stages of one: graph, time, memory.

    Args:
      before: `RUN[:FUNCTION][#TRACE][@STAGE]`: `latest~1`, `latest:step#1`, `latest:step@traced`.
      after: the same; what it leaves out at its beginning it has from `before`: `#2`, `@optimized`.
      logdir: the log folder.
      function: the function on both sides where they name none.
      stage: the stage on both sides where they name none; else `traced`.
      conditions: `time>5%`, `peak_bytes>64MiB`, `self_ns[net/layer]>10%`: `outcomes` says which are met.
      noise: how far runs of an unchanged program may be apart in time, 0.05 for 5 %; by default 40 %.
      top: how many changes, and how many rows of time, to list, 0 for all.
      limit: how many nodes a graph may have with its functions in their places.

    Raises:
      NotFound: no such run, function, trace or stage, or nothing to compare.
      UsageError: a side or a condition cannot be read, or a stage is not for comparing.
      Unreadable: a run is damaged.
    """
    from tracer.report.conditions import parse_condition
    from tracer.report.diff import diff_report
    from tracer.report.sides import parse_sides

    if noise is not None and not 0 <= noise < math.inf:
        raise UsageError(f"noise is {noise}", hint="a part, 0 or more: 0.05 for 5 %")
    wanted = [parse_condition(condition) for condition in conditions]
    sides = parse_sides(before, after, function=function, stage=stage, is_path=os.path.exists)
    with _reading(sides[0].run, logdir) as first, _reading(sides[1].run, logdir) as second:
        damaged: list[Warned] = []
        both = first.path != second.path  # the time of one run has nothing to be compared with
        sampled = [_samples(each, limit, damaged) if both else None for each in (first, second)]
        return diff_report(
            first,
            second,
            sides,
            sampled=(sampled[0], sampled[1]),
            damaged=damaged,
            conditions=wanted,
            noise=noise,
            top=top,
            limit=limit,
        )


def _samples(run: Run, limit: int, damaged: list[Warned]) -> Sampled | None:
    """Returns what a run's nodes took; None if it has no profile, or none that can be read: `damaged` says so then."""
    from tracer.recorded import Warned
    from tracer.timing.samples import read_samples

    try:
        return read_samples(run, limit=limit)
    except NotFound:
        return None
    except Unreadable as error:
        damaged.append(Warned("damaged", error.message, error.hint))
        return None


def export(
    run: str = "latest",
    *,
    format: str = "json",  # noqa: A002  # the option's name
    logdir: str | Path | None = None,
    function: str | None = None,
    stage: str = "traced",
    scope: str = "",
    raw: bool = False,
    costs: bool = True,
    limit: int = LIMIT,
) -> str | bytes:
    """Returns one stage of a function, or a run's profile, in a format that other tools open.

    Args:
      run: the run, or what another tool left, as in `show`.
      format: of a graph `json`, `dot`, `csv`, `model-explorer`, `mermaid`; of a profile `folded`, `speedscope`,
        `perfetto`, which is bytes; of a run at a glance `html`, a page, and `svg`, the picture in it.
      logdir: the log folder.
      function: which function, or which trace of it, as in `show`; of a profile all of them, if it is not given.
      stage: which stage of it.
      scope: only this scope and what is below it.
      raw: constants, variables, identities and control edges too.
      costs: what each node took, in the formats that have room for it (`json`, `csv`), if the run has a profile.
      limit: how many nodes the graph may have with its functions in their places.

    Raises:
      NotFound: no such run, function, stage or scope, or no profile.
      UsageError: no such format, or it is not for a stage that is a text, or not for a part of a graph.
      Unreadable: the run, or its profile, is damaged.
      TooLarge: the graph is larger than `limit`.
    """
    from tracer.render import html
    from tracer.render.formats import check_format
    from tracer.render.profile import FORMATS

    check_format(format)
    with _reading(run, logdir) as loaded:
        if format in html.FORMATS:
            from tracer.report.overview import overview

            seen = overview(loaded, function=function, stage=stage, scope=scope, raw=raw, limit=limit)
            return html.FORMATS[format].render(seen)
        if format not in FORMATS:
            return _graph_export(loaded, format, function, stage, scope, raw=raw, costs=costs, limit=limit)
        if scope or raw or stage != "traced":
            raise UsageError(f"'{format}' is of a profile", hint="--stage, --scope and --raw are for graphs")
        from tracer.report.profile import profile_view
        from tracer.timing.timing import read_timing

        return FORMATS[format].render(profile_view(read_timing(loaded, limit=limit), function=function or ""))


def _graph_export(
    run: Run, name: str, function: str | None, stage: str, scope: str, *, raw: bool, costs: bool, limit: int
) -> str:
    from tracer.recorded import GRAPH_STAGES
    from tracer.render.graph import FORMATS, render_view
    from tracer.report.export import export_view
    from tracer.report.show import chosen_trace
    from tracer.timing.timing import read_timing

    trace = chosen_trace(run, function)
    timing = None
    if costs and FORMATS[name].costs and run.profiles and stage in GRAPH_STAGES:
        try:
            timing = read_timing(run, limit=limit)
        except Unreadable as error:
            raise Unreadable(error.message, hint="--no-costs exports the graph without its profile") from error
    return render_view(export_view(trace, stage=stage, scope=scope, raw=raw, limit=limit, timing=timing), name)


def board(
    runs: Sequence[str] = ("latest",), *, logdir: str | Path | None = None, port: int = 0, all_runs: bool = False
) -> tuple[Board, dict[str, str]]:
    """Starts TensorBoard and returns it, with links to the first run's dashboards; `stop()` or a `with` block ends it.

    Args:
      runs: which runs it shows, the first of them first.
      logdir: the log folder.
      port: 0 for a free one.
      all_runs: show the whole log folder instead, runs that come later too.

    Raises:
      NotFound: no such run, or no TensorBoard.
      UsageError: the port is taken.
    """
    from tracer.store.find import find_run
    from tracer.tensorboard import board_on, start_board

    folder = _logdir(logdir)
    if all_runs:
        started = start_board(folder, port=port)
        return started, {"graphs": started.link()}
    found = [find_run(run, folder) for run in runs]
    named = {f"{path.parent.name}/{path.name}": path for path in found}
    started = board_on(named, port=port)
    first = next(iter(named))
    profiled = any(named[first].glob(layout.PROFILES + "/*/*.xplane.pb"))
    dashboards = ("graphs", "profile") if profiled else ("graphs",)
    return started, {dashboard: started.link(first, dashboard=dashboard) for dashboard in dashboards}


def doctor(*, logdir: str | Path | None = None) -> tuple[Check, ...]:
    """Returns what this machine needs in order to record and to show, checked."""
    from tracer.diagnose import diagnose

    return diagnose(_logdir(logdir))


def prune(
    *,
    keep: int | None = None,
    older_than: str | None = None,
    dry_run: bool = False,
    logdir: str | Path | None = None,
) -> tuple[OldRun, ...]:
    """Removes old runs, oldest first, and returns them. Touches only folders that this tool made.

    Args:
      keep: the newest so many of each scenario stay, whatever their age.
      older_than: runs younger than this stay: `7d`, `12h`.
      dry_run: remove nothing.
      logdir: the log folder.

    Raises:
      UsageError: neither `keep` nor `older_than` is given, or they are none.
      WriteFailed: a run cannot be removed.
    """
    import datetime

    from tracer.store.prune import old_runs, parse_age, remove

    if keep is not None and keep < 0:
        raise UsageError(f"keep is {keep}", hint="a number of runs, 0 or more: --keep 3")
    age = parse_age(older_than) if older_than is not None else None
    found = old_runs(_logdir(logdir), keep=keep, older_than=age, now=datetime.datetime.now().astimezone())
    if not dry_run:
        remove(found)
    return found


@contextmanager
def _reading(run: str, logdir: str | Path | None) -> Iterator[Run]:
    """Opens a run, or what another tool left, and reads its graphs in peace from the garbage collector."""
    from tracer.collector import paused_collector
    from tracer.store.open import open_run

    with paused_collector():
        yield open_run(run, _logdir(logdir))


@contextmanager
def _program_errors() -> Iterator[list[Path]]:
    """Turns what a recorded program raises into `ProgramFailed`, which knows the run's folder; ours go through."""
    opened: list[Path] = []
    try:
        yield opened
    except TracerError as error:
        if isinstance(error, ProgramFailed) and opened:
            error.run = str(opened[0])
        raise
    except (Exception, SystemExit) as error:
        path = str(opened[0]) if opened else ""
        if isinstance(error, SystemExit) and (not path or error.code in (None, 0) or type(error) is not SystemExit):
            raise
        raise ProgramFailed(
            f"the recorded program failed: {reason(error)}",
            hint=f"what was recorded up to then is kept: trace-scenario show {shlex.quote(path)}",
            run=path,
        ) from error


def _defaults(loaded: Any) -> dict[str, str]:
    """Returns what a scenario's parameters are where nobody sets them, as `-p` would."""
    if not isinstance(loaded, Scenario):
        return {}
    return {item.name: str(item.default) for item in loaded.parameters if not item.required}


def _logdir(logdir: str | Path | None) -> Path:
    return Path(logdir) if logdir is not None else layout.default_logdir()


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)


def _check_options(target: Target, specs: Sequence[InputSpec], signature: str | None) -> None:
    if target.kind == "scenario" and specs:
        raise UsageError("--input is not for scenarios", hint=_SCENARIO_INPUTS)
    if signature is not None and target.kind != "saved_model":
        raise UsageError("--signature is for SavedModel folders", hint="leave it out")


def _builder(
    target: Target,
    loaded: Any,
    parameters: Mapping[str, str],
    specs: Sequence[InputSpec],
    signature: str | None,
    *,
    seed: int,
    eager: bool,
) -> tuple[Callable[[], Sequence[Call]], tuple[int | None, int | None], list[Any]]:
    """Returns what builds the calls, the scenario's wishes for steps and warm-up, and a list of notes that it fills."""
    if isinstance(loaded, Scenario):
        if specs:  # a file's scenario is known as one only now
            raise UsageError("--input is not for scenarios", hint=_SCENARIO_INPUTS)
        given = parse_parameters(loaded.parameters, parameters, owner=f"scenario '{loaded.name}'")
        return lambda: loaded.calls(given), (loaded.steps, loaded.warmup), []

    from tracer.capture.callables import keras_file, object_calls, saved_model_calls
    from tracer.capture.inputs import Inputs

    made = Inputs(seed)

    def build() -> Sequence[Call]:
        if target.kind == "saved_model":
            return saved_model_calls(Path(target.location), signature, specs, made)
        thing = keras_file(Path(target.location)) if target.kind == "keras_model" else loaded
        return object_calls(thing, parameters, specs, made, eager=eager)

    return build, (None, None), made.notes


def _run_row(path: Path) -> RunRow:
    from tracer.report.runs import RunRow
    from tracer.store.load import read_header, status
    from tracer.store.usage import folder_bytes

    name, scenario = f"{path.parent.name}/{path.name}", path.parent.name
    try:
        facts = read_header(path)
    except Unreadable as error:
        return RunRow(name, str(path), scenario, "unreadable", "", None, 0, folder_bytes(path), error.message)
    for key in ("steps", "functions", "bytes"):
        if not isinstance(facts.get(key, 0), int) and facts[key] is not None:
            problem = f"{path / layout.RUN_FILE}: {key} is no number"
            return RunRow(name, str(path), scenario, "unreadable", "", None, 0, folder_bytes(path), problem)
    return RunRow(
        run=name,
        path=str(path),
        scenario=str(facts.get("scenario", scenario)),
        status=status(facts),
        started=str(facts.get("started", "")),
        steps=facts.get("steps"),
        functions=facts["functions"] if "functions" in facts else _function_count(path),
        bytes=facts["bytes"] if "bytes" in facts else folder_bytes(path),
    )


def _function_count(path: Path) -> int:
    """Counts the functions of a run that did not come to say so: it is being recorded, or was cut off."""
    from tracer.store.load import load_run

    try:
        return len(load_run(path).functions)
    except Unreadable:
        return 0
