"""A run to what `show` says of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tracer.errors import NotFound, Unreadable, UsageError, did_you_mean
from tracer.graph.inline import LIMIT, inline, inlined_nodes
from tracer.graph.model import Graph
from tracer.lint.finding import Finding
from tracer.lint.run import lint
from tracer.recorded import GRAPH_STAGES, STAGES, Function, Run, Trace, Warned
from tracer.report.listing import Listing, listing
from tracer.report.scopes import ScopeRow, Scopes, scope_rows


@dataclasses.dataclass(frozen=True, slots=True)
class TraceRow:
    """One trace of a function, in numbers."""

    trace: Trace
    nodes: int | None  # in the traced graph and in every function that it runs, each call counted; None: damaged


@dataclasses.dataclass(frozen=True, slots=True)
class FunctionRow:
    """One function, in numbers."""

    function: Function
    traces: tuple[TraceRow, ...]

    @property
    def name(self) -> str:
        """The function's name in the run."""
        return self.function.name

    @property
    def seconds(self) -> float | None:
        """Time to trace it, over all traces; None if the session saw none of them."""
        known = [row.trace.seconds for row in self.traces if row.trace.seconds is not None]
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
    findings: tuple[Finding, ...]  # of the whole run
    damaged: tuple[Warned, ...]  # graphs of the run that cannot be read


def show_report(
    run: Run,
    *,
    function: str | None = None,
    stage: str = "traced",
    scope: str = "",
    depth: int = 0,
    top: int = 0,
    raw: bool = False,
    limit: int = LIMIT,
) -> ShowReport:
    """Returns the report on a run.

    Args:
      run: the run.
      function: which function to show, or which trace of it: `step#2` is its second; the one that the program called
        first, if it is not given.
      stage: which stage of it.
      scope: only this scope and what is below it.
      depth: how many levels of scopes, 0 for all.
      top: how many functions and how many scopes, 0 for all.
      raw: the graph as it is: what the clean view puts aside too, and no row that stands for several scopes.
      limit: how many nodes the graph may have with its functions in their places.

    Raises:
      NotFound: no such function, stage or scope.
      UsageError: a scope of a stage that is a text.
      TooLarge: the graph is larger than `limit`.
    """
    damaged: list[Warned] = []
    rows = [
        FunctionRow(item, tuple(_trace_row(trace, damaged) for trace in item.traces)) for item in run.functions.values()
    ]
    name, shown = _chosen(run, rows, function)
    if shown is not None and shown.nodes is None and function is None:
        shown = None  # it is told among the warnings, and the rest is worth seeing
    whole, text = _stage(shown, stage, scope, raw=raw, limit=limit)
    return ShowReport(
        run=run,
        functions=listing(rows, top=top),
        shown=shown,
        shown_name=name,
        stage=stage,
        scopes=_cut(whole.all if whole else (), depth, top),
        tree=_cut(whole.folded if whole else (), depth, top),
        whole=whole,
        text=text,
        findings=lint(run, limit=limit, unread=[]),
        damaged=tuple(damaged),
    )


def chosen_trace(run: Run, function: str | None = None) -> Trace:
    """Returns the trace that `function` names, as in `show_report`.

    Raises:
      NotFound: there is none.
    """
    rows = [FunctionRow(item, tuple(TraceRow(trace, 0) for trace in item.traces)) for item in run.functions.values()]
    _, shown = _chosen(run, rows, function)
    if shown is None:
        raise NotFound(f"{run.name} has no function", hint=f"trace-scenario show {run.name} says why")
    return shown.trace


def _chosen(run: Run, rows: Sequence[FunctionRow], function: str | None) -> tuple[str, TraceRow | None]:
    """Returns the trace that a name like `step` or `step#2` means, or the most telling one of the first function."""
    if function is None or (function not in run.functions and "#" not in function):
        row = next((row for row in rows if function is None or row.name == run.functions[function].name), None)
        return (row.name, _telling(row)) if row else ("", None)
    if function in run.functions:
        return function, _telling(next(row for row in rows if row.name == function))
    name, _, number = function.rpartition("#")
    row = next(row for row in rows if row.name == run.functions[name].name)
    if not number.isdecimal() or not 0 < int(number) <= len(row.traces):
        raise NotFound(f"'{name}' has no trace number '{number}'", hint=f"its traces are 1 to {len(row.traces)}")
    return name, row.traces[int(number) - 1]


def _stage(shown: TraceRow | None, stage: str, scope: str, *, raw: bool, limit: int) -> tuple[Scopes | None, str]:
    if stage not in STAGES:
        raise NotFound(f"no stage named '{stage}'", hint=did_you_mean(stage, STAGES, otherwise=", ".join(STAGES)))
    if shown is None or (stage == "traced" and shown.trace.stages.get("traced")):
        return None, ""
    content = shown.trace.stage(stage)
    if isinstance(content, Graph):
        return scope_rows(inline(content, limit=limit), scope=scope, raw=raw), ""
    if scope:
        raise UsageError(f"the stage '{stage}' is a text without scopes", hint=f"graphs: {', '.join(GRAPH_STAGES)}")
    return None, content


def _cut(rows: Sequence[ScopeRow], depth: int, top: int) -> Listing[ScopeRow]:
    """Returns the rows down to a depth; `top` leaves out the deepest, and of those the last."""
    base = rows[0].depth if rows else 0
    found = [row for row in rows if not depth or row.depth - base <= depth]
    if not top or len(found) <= top:
        return listing(found)
    # A tree that is cut in the middle shows one corner of the graph; one that is cut at a depth shows all of it.
    order = sorted(range(len(found)), key=lambda at: (found[at].depth, at))
    return Listing(tuple(found[at] for at in sorted(order[:top])), len(found))


def _telling(row: FunctionRow) -> TraceRow:
    """Returns the trace that says most about a function: one that ran, else the last."""
    called = [trace for trace in row.traces if trace.trace.calls]
    return called[0] if called else row.traces[-1]


def _trace_row(trace: Trace, damaged: list[Warned]) -> TraceRow:
    try:
        return TraceRow(trace, inlined_nodes(trace.graph) if trace.stages.get("traced") == "" else 0)
    except Unreadable as error:
        damaged.append(Warned("damaged", error.message, error.hint))
        return TraceRow(trace, None)
