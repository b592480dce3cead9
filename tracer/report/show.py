"""A run to what `show` says of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from tracer.errors import NotFound, did_you_mean
from tracer.graph.inline import inline, inlined_nodes
from tracer.graph.model import Graph, Node, Nodes
from tracer.graph.scopes import Scope, scope_tree
from tracer.recorded import Function, Run, Trace
from tracer.report.listing import Listing, listing


@dataclasses.dataclass(frozen=True, slots=True)
class TraceRow:
    """One trace of a function, in numbers."""

    trace: Trace
    nodes: int  # in the traced graph and in every function that it runs, each call counted


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
    """A run: its functions, and the scope tree of one of them."""

    run: Run
    functions: Listing[FunctionRow]
    shown: TraceRow | None  # whose scope tree it is
    shown_name: str
    scopes: Listing[Scope]
    ops: Mapping[str, tuple[tuple[str, int], ...]]  # by scope: the kinds of op right in it and how many, most first


def show_report(
    run: Run, *, function: str | None = None, scope: str = "", depth: int = 0, top: int = 0, raw: bool = False
) -> ShowReport:
    """Returns the report on a run.

    Args:
      run: the run.
      function: whose scope tree to show; the one that the program called first, if it is not given.
      scope: only this scope and what is below it.
      depth: how many levels of scopes, 0 for all.
      top: how many functions and how many scopes, 0 for all.
      raw: also the scopes that TensorFlow makes for the inputs of a single op, such as `add` of `add/y`.

    Raises:
      NotFound: no such function or scope.
    """
    rows = [FunctionRow(item, tuple(map(_trace_row, item.traces))) for item in run.functions.values()]
    chosen = next((row for row in rows if row.name == (run.functions[function].name if function else row.name)), None)
    shown = _telling(chosen) if chosen else None
    graph = shown.trace.graph if shown and not shown.trace.stages["traced"] else Graph(Nodes.of(()))
    nodes = [(node.name, node) for node in inline(graph).nodes]
    op_paths = frozenset() if raw else frozenset(path for path, node in nodes if not node.bodies)
    tree = [row for row in scope_tree(path for path, _ in nodes) if not _inside_op(row.path, op_paths)] if shown else []
    if scope and scope not in {row.path for row in tree}:
        known = [row.path for row in tree if row.path]
        raise NotFound(
            f"no scope named '{scope}'",
            hint=did_you_mean(scope, known, otherwise=f"it has: {', '.join(known[:8]) or 'none'}"),
        )
    scopes = [row for row in tree if _within(row, scope, depth)]
    return ShowReport(
        run=run,
        functions=listing(rows, top=top),
        shown=shown,
        shown_name=chosen.name if chosen else "",
        scopes=listing(scopes, top=top),
        ops=_ops_by_scope(nodes, op_paths),
    )


def _within(row: Scope, scope: str, depth: int) -> bool:
    inside = not scope or row.path == scope or row.path.startswith(scope + "/")
    base = scope.count("/") + 1 if scope else 0
    return inside and (not depth or row.depth - base <= depth)


def _telling(row: FunctionRow) -> TraceRow:
    """Returns the trace that says most about a function: one that ran, else the last."""
    called = [trace for trace in row.traces if trace.trace.calls]
    return called[0] if called else row.traces[-1]


def _trace_row(trace: Trace) -> TraceRow:
    recorded = trace.stages.get("traced") == ""
    return TraceRow(trace, inlined_nodes(trace.graph) if recorded else 0)


def _inside_op(path: str, op_paths: frozenset[str]) -> bool:
    """Tells a scope that is an op's own name, or lies below one."""
    return path in op_paths or _owner(path, op_paths) != path


def _owner(path: str, op_paths: frozenset[str]) -> str:
    """Returns the outermost op on a path, whose inputs all else below it are; the path itself if there is none."""
    if not op_paths:
        return path
    end = path.find("/")
    while end >= 0:
        if path[:end] in op_paths:
            return path[:end]
        end = path.find("/", end + 1)
    return path


def _ops_by_scope(
    nodes: Sequence[tuple[str, Node]], op_paths: frozenset[str]
) -> dict[str, tuple[tuple[str, int], ...]]:
    counts: dict[str, dict[str, int]] = {}
    for path, node in nodes:
        ops = counts.setdefault(_owner(path, op_paths).rpartition("/")[0], {})
        ops[node.op] = ops.get(node.op, 0) + 1
    return {scope: tuple(sorted(ops.items(), key=lambda item: (-item[1], item[0]))) for scope, ops in counts.items()}
