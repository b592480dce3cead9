"""A run to what `show` says of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from tracer import text
from tracer.errors import NotFound, Unreadable, UsageError, did_you_mean
from tracer.graph.inline import LIMIT, TooLarge, inline, inlined_nodes
from tracer.graph.model import Graph
from tracer.graph.references import port_number
from tracer.profile.attribute import NodeTime
from tracer.recorded import GRAPH_STAGES, HLO_STAGES, STAGES, Function, Functions, Run, Trace, Warned
from tracer.report.listing import Listing, listing
from tracer.report.scopes import Rows, ScopeRow, Scopes, scope_rows
from tracer.rules.finding import Finding
from tracer.rules.run import lint
from tracer.timing.timing import TimedNode, Timing, read_timing

_CHOSEN_FROM = 100  # functions that were called, whose graphs are read to find the largest
_HELPERS = frozenset({"tensorflow", "tracer", "python"})  # origins of functions that nobody asked for
_CHARACTERS = 100_000_000  # of the paths of all rows, and of the lines before them


@dataclasses.dataclass(frozen=True, slots=True)
class TraceRow:
    """One trace of a function, in numbers."""

    trace: Trace
    nodes: int | None  # in the traced graph and in every function that it runs, each call counted; None: damaged


@dataclasses.dataclass(frozen=True, slots=True)
class FunctionRow:
    """One function, in numbers."""

    function: Function
    traces: tuple[TraceRow, ...]  # those that are listed

    @property
    def name(self) -> str:
        """The function's name in the run."""
        return self.function.name

    @property
    def seconds(self) -> float | None:
        """Time to trace it, over all traces; None if the session saw none of them."""
        known = [trace.seconds for trace in self.function.traces if trace.seconds is not None]
        return sum(known) if known else None


@dataclasses.dataclass(frozen=True, slots=True)
class ShowReport:
    """A run: its functions, and one stage of one of them."""

    run: Run
    functions: Listing[FunctionRow]
    shown: TraceRow | None  # whose stage it is
    shown_name: str
    stage: str  # "traced"
    scopes: Listing[ScopeRow]  # of a graph: every scope
    tree: Listing[ScopeRow]  # of a graph: the rows to read, repeated blocks as one
    whole: Scopes | None  # the graph's scopes before any was left out
    text: str  # of a stage that is a text
    findings: tuple[Finding, ...]  # of the functions that are listed
    damaged: tuple[Warned, ...]  # graphs and profiles of the run that cannot be read
    timing: Timing | None = None  # what the run's window took; None without a profile
    timed: tuple[TimedNode, ...] = ()  # what the nodes of the shown trace took
    sort: str = ""  # the order of scopes that was asked for; empty for that of the program
    chosen: bool = False  # whether somebody asked for this function or scope: the other functions are not of interest

    @property
    def all_rows(self) -> int:
        """How many rows the tree has, those too that lie deeper than was asked for."""
        return len(self.whole.folded.depths) if self.whole else 0

    @property
    def is_partial(self) -> bool:
        """Whether something of the run is not shown because it is damaged."""
        return bool(self.damaged or self.run.damaged)


def show_report(
    run: Run,
    *,
    function: str | None = None,
    stage: str = "traced",
    scope: str = "",
    depth: int = 0,
    top: int = 0,
    raw: bool = False,
    sort: str = "",
    limit: int = LIMIT,
) -> ShowReport:
    """Returns the report on a run; `tracer.show` says what the options mean.

    Raises:
      NotFound: no such function, stage, scope or order.
      UsageError: a scope, or another option for graphs, of a stage that is a text.
      TooLarge: the graph is larger than `limit`.
    """
    damaged: list[Warned] = []
    # Of a log folder with thousands of graphs only those that are listed are read.
    listed = list(run.functions.values())[: top or None]
    rows = [
        FunctionRow(item, tuple(_trace_row(trace, damaged) for trace in item.traces[: top or None])) for item in listed
    ]
    known = {item.trace.id: item for row in rows for item in row.traces}
    name, trace = _chosen(run, function, known)
    shown = _known_row(trace, known) if trace else None
    if shown is not None and shown.nodes is None and function is None:
        shown = None  # it is told among the warnings, and the rest is worth seeing
    timing = _timing(run, damaged, limit=limit)
    timed: tuple[TimedNode, ...] = ()
    if timing is not None and shown is not None:
        timed = tuple(node for node in timing.nodes if node.time.trace == shown.trace.id)
    times = None if timing is None else [node.time for node in timed]
    whole, content = _stage(shown, stage, scope, raw=raw, limit=limit, times=times, sort=sort, check=not run.is_ours)
    if content:
        _check_text(stage, {"scope": scope, "depth": depth, "raw": raw, "sort": sort})
    return ShowReport(
        run=run,
        functions=Listing(tuple(rows), len(run.functions)),
        shown=shown,
        shown_name=name,
        stage=stage,
        scopes=_cut(whole.all, depth, top) if whole else listing([]),
        tree=_cut(whole.folded, depth, top) if whole else listing([]),
        whole=whole,
        text=content,
        findings=lint(dataclasses.replace(run, functions=Functions(tuple(listed))), limit=limit, unread=damaged),
        damaged=tuple(dict.fromkeys(damaged)),
        timing=timing,
        timed=timed,
        sort=sort,
        chosen=bool(function or scope),
    )


def _timing(run: Run, damaged: list[Warned], *, limit: int) -> Timing | None:
    """Returns what the window took. A profile that cannot be read is told of, and the graph is worth seeing."""
    if not run.profiles:
        return None
    try:
        timing = read_timing(run, limit=limit)
    except Unreadable as error:
        damaged.append(Warned("damaged", error.message, error.hint))
        return None
    damaged += [warned for warned in timing.damaged if warned not in run.damaged]
    return timing


def chosen_trace(run: Run, function: str | None = None) -> Trace:
    """Returns the trace that `function` names, as in `show_report`.

    Raises:
      NotFound: there is none.
    """
    _, trace = _chosen(run, function, {})
    if trace is None:
        raise NotFound(f"{run.name} has no function", hint=f"trace-scenario show {run.name} says why")
    return trace


def _chosen(run: Run, function: str | None, known: dict[str, TraceRow]) -> tuple[str, Trace | None]:
    """Returns the trace that a name like `step` or `step#2` means, or the most telling one of the run."""
    if function is None:
        largest = _largest(run, known)
        return (largest.name, _telling(largest)) if largest else ("", None)
    if function in run.functions or "#" not in function:
        return run.functions[function].name, _telling(run.functions[function])
    name, _, number = function.rpartition("#")
    traces = run.functions[name].traces
    if not 0 < port_number(number) <= len(traces):
        raise NotFound(f"'{name}' has no trace number '{number}'", hint=f"its traces are 1 to {len(traces)}")
    return name, traces[int(number) - 1]


def _largest(run: Run, known: dict[str, TraceRow]) -> Function | None:
    """Returns the function with the most nodes of those that the program called, else the first.

    The function that a program calls first is often a helper of the one that its author means.
    """
    called = [each for each in run.functions.values() if each.calls]
    own = [each for each in called if each.traces[0].origin not in _HELPERS] or called
    if len(own) < 2:
        return next(iter(own or run.functions.values()), None)
    return max(own[:_CHOSEN_FROM], key=lambda each: _known_row(_telling(each), known).nodes or 0)


def _stage(
    shown: TraceRow | None,
    stage: str,
    scope: str,
    *,
    raw: bool,
    limit: int,
    times: Sequence[NodeTime] | None,
    sort: str,
    check: bool,
) -> tuple[Scopes | None, str]:
    if stage not in STAGES:
        raise NotFound(f"no stage named '{stage}'", hint=did_you_mean(stage, STAGES, otherwise=", ".join(STAGES)))
    if shown is None or (stage == "traced" and shown.trace.stages.get("traced")):
        return None, ""
    content = shown.trace.stage(stage)
    if isinstance(content, Graph):
        return scope_rows(inline(content, limit=limit), scope=scope, raw=raw, times=times, sort=sort, check=check), ""
    return None, content


def _check_text(stage: str, options: Mapping[str, object]) -> None:
    """Refuses what only graphs have, where a text is shown.

    Raises:
      UsageError: one of the options is set.
    """
    wrong = next((name for name, value in options.items() if value), "")
    if wrong:
        hint = f"graphs: {', '.join(GRAPH_STAGES)}"
        if stage in HLO_STAGES:
            hint += f"; and as a graph: trace-scenario export --stage {stage}"
        raise UsageError(f"the stage '{stage}' is shown as a text, without --{wrong}", hint=hint)


def _cut(rows: Rows, depth: int, top: int) -> Listing[ScopeRow]:
    """Returns the rows down to a depth; `top` leaves out the deepest, and of those the last.

    Raises:
      TooLarge: the rows are more than any page holds.
    """
    depths = rows.depths
    found = [at for at, level in enumerate(depths) if not depth or level - depths[0] <= depth]
    # A tree that is cut in the middle shows one corner of the graph; one that is cut at a depth shows all of it.
    chosen = sorted(sorted(found, key=lambda at: (depths[at], at))[:top]) if top else found
    shown, characters = [], 0
    for at in chosen:
        shown.append(rows.row(at))
        characters += len(shown[-1].path) + depths[at]
        if characters > _CHARACTERS:
            levels = text.count(max(depths))
            raise TooLarge(
                f"the scopes nest {levels} levels deep: all their paths are too long to show",
                hint="show less of them: --depth 100, or --top 60",
            )
    return Listing(tuple(shown), len(found))


def _telling(function: Function) -> Trace:
    """Returns the trace that says most about a function: one that ran, else the last."""
    called = [trace for trace in function.traces if trace.calls]
    return called[0] if called else function.traces[-1]


def _known_row(trace: Trace, known: dict[str, TraceRow]) -> TraceRow:
    """Returns the numbers of a trace, counted once: a large graph takes its time."""
    if trace.id not in known:
        known[trace.id] = _trace_row(trace, [])
    return known[trace.id]


def _trace_row(trace: Trace, damaged: list[Warned]) -> TraceRow:
    try:
        return TraceRow(trace, inlined_nodes(trace.graph) if trace.stages.get("traced") == "" else 0)
    except Unreadable as error:
        damaged.append(Warned("damaged", error.message, error.hint))
        return TraceRow(trace, None)
