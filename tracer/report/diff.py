"""Two runs, or two traces or stages of one, to what changed between them."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tracer.errors import NotFound, Unreadable, UsageError
from tracer.graph.diff import GraphDiff, diff_graphs
from tracer.graph.hlo import read_hlo
from tracer.graph.hlo_map import hlo_map
from tracer.graph.inline import LIMIT, Inlined, inline
from tracer.graph.matching import without_numbers
from tracer.graph.model import Graph
from tracer.graph.scopes import ScopeTree
from tracer.graph.stage_map import KEPT, StageMap, stage_map
from tracer.graph.tally import ScopeTally, tally_scopes
from tracer.recorded import Function, Run, Trace
from tracer.report.listing import Listing, listing
from tracer.report.sides import Side

_SORTS = ("added", "removed", "changed", "same")
_HLO = ("hlo", "optimized_hlo")


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """Something about how two runs were made that is not the same."""

    what: str  # "tensorflow", "parameter a", "signature of step"
    before: str
    after: str


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed. A node that differs in two things has two of them."""

    kind: str  # "added", "removed", "changed", "renamed"
    function: str
    path: str  # of the node or the scope; empty for a whole function or trace
    before: str  # of the node: its op where it was removed, else what differs
    after: str
    what: str  # "node", "op", "shape", "inputs", an attribute's name, "scope", "function", "trace", or a node's fate
    nodes: int = 1  # that it is about


@dataclasses.dataclass(frozen=True, slots=True)
class TraceDiff:
    """Two traces of a function, or the only one where the other side has none."""

    function: str
    before: Trace | None
    after: Trace | None
    nodes_before: int
    nodes_after: int
    counts: Mapping[str, int]  # of nodes: added, removed, changed, same
    changes: tuple[Change, ...]
    scopes: tuple[ScopeTally, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class TimeDiff:
    """Wall time of a step, where both runs measured it."""

    before_ns: int | None
    after_ns: int | None
    verdict: str  # "unknown"; "not judged" where there are times, as one window does not tell a change from noise


@dataclasses.dataclass(frozen=True, slots=True)
class DiffReport:
    """What changed between two sides."""

    before: str  # the sides as a user names them, with the runs' full names
    after: str
    config: tuple[Setting, ...]
    traces: tuple[TraceDiff, ...]
    nodes: Mapping[str, int]  # added, removed, changed, same: over all traces
    changes: Listing[Change]
    rows: Listing[Change]  # the same with whole scopes that came or went in one row
    scopes: Listing[tuple[str, ScopeTally]]  # function, scope; only those in which something changed
    time: TimeDiff
    notes: tuple[str, ...]  # what could not be compared

    @property
    def equal(self) -> bool:
        """Whether the graphs are the same but for the numbers in names."""
        return not self.changes.total


def diff_report(
    before: Run, after: Run, sides: tuple[Side, Side] = (Side(), Side()), *, top: int = 0, limit: int = LIMIT
) -> DiffReport:
    """Returns what changed from one run to another, or between two traces or stages of one.

    Args:
      before: the run of the first side.
      after: the run of the second side; it may be the same one.
      sides: which functions, traces and stages of them; by default all functions, as traced.
      top: how many changes and how many scopes, 0 for all.
      limit: how many nodes a graph may have with its functions in their places.

    Raises:
      NotFound: no such function, trace or stage, or nothing that both sides have.
      Unreadable: the only graphs that could be compared are damaged, or larger than `limit`.
      UsageError: a stage that is no graph, or two stages that have nothing to be compared by.
    """
    stages = sides[0].stage or "traced", sides[1].stage or "traced"
    _check(stages)
    notes: list[str] = []
    failures: list[Unreadable] = []
    compared = [
        _compared(function, one, other, stages, notes, limit, failures)
        for function, one, other in _pairs(before, after, sides)
    ]
    traces = tuple(trace for trace in compared if trace is not None)
    if not traces and failures:
        raise failures[0]
    if not traces and notes:
        raise NotFound("there is nothing to compare", hint=notes[0])
    changes = [change for trace in traces for change in trace.changes]
    scopes = [(trace.function, scope) for trace in traces for scope in trace.scopes if set(scope.counts) - {"same"}]
    return DiffReport(
        before=str(dataclasses.replace(sides[0], run=before.name)),
        after=str(dataclasses.replace(sides[1], run=after.name)),
        config=tuple(_config(before, after, traces)),
        traces=traces,
        nodes={sort: sum(trace.counts.get(sort, 0) for trace in traces) for sort in _SORTS},
        changes=listing(changes, top=top),
        rows=listing([row for trace in traces for row in _rolled_up(trace)], top=top),
        scopes=listing(scopes, top=top),
        time=_time(before, after),
        notes=tuple(notes),
    )


def _check(stages: tuple[str, str]) -> None:
    graphs = ("traced", "optimized", *_HLO)
    wrong = next((stage for stage in stages if stage not in graphs), None)
    if wrong:
        raise UsageError(f"diff compares graphs, and '{wrong}' is a text", hint=f"stages: {', '.join(graphs)}")
    if stages[0] != stages[1] and "traced" not in stages:
        raise UsageError(
            f"'{stages[0]}' and '{stages[1]}' share no names to compare by",
            hint="compare traced with another stage, or one stage of two runs",
        )


def _pairs(before: Run, after: Run, sides: tuple[Side, Side]) -> Iterator[tuple[str, Trace | None, Trace | None]]:
    """Yields the traces to compare, with the function's name; None where a side has none."""
    named = sides[0].function or sides[1].function
    numbered = sides[0].trace or sides[1].trace
    if numbered and not named:
        named = next(iter(before.functions), "")
    if named:
        one = before.functions[sides[0].function or named]
        other = after.functions[sides[1].function or named]
        pairs: Iterable[tuple[Function | None, Function | None]] = [(one, other)]
    else:
        pairs = _function_pairs(before, after)
    for left, right in pairs:
        name = (right or left or _NOBODY).name
        own = _chosen(left, sides[0].trace or sides[1].trace) if left else ()
        others = _chosen(right, sides[1].trace or sides[0].trace) if right else ()
        for trace, other_trace in _trace_pairs(own, others):
            yield name, trace, other_trace


_NOBODY = Function("", ())


def _chosen(function: Function, number: int) -> tuple[Trace, ...]:
    if not number:
        return function.traces
    if number > len(function.traces):
        last = len(function.traces)
        raise NotFound(f"'{function.name}' has no trace #{number}", hint=f"it has {last}: #1 to #{last}")
    return (function.traces[number - 1],)


def _function_pairs(before: Run, after: Run) -> list[tuple[Function | None, Function | None]]:
    """Pairs functions by name, those left by their names without numbers, and those left then with nothing."""
    partner = {name: name for name in after.functions if name in before.functions}
    left = [name for name in before.functions if name not in partner]
    for name in after.functions:
        alike = [other for other in left if without_numbers(other) == without_numbers(name)]
        if name not in partner and alike:
            partner[name] = alike[0]
            left.remove(alike[0])
    pairs: list[tuple[Function | None, Function | None]] = [
        (before.functions[partner[name]] if name in partner else None, function)
        for name, function in after.functions.items()
    ]
    return pairs + [(before.functions[name], None) for name in left]


def _trace_pairs(before: Sequence[Trace], after: Sequence[Trace]) -> list[tuple[Trace | None, Trace | None]]:
    """Pairs traces by kind and signature, those left by kind in their order."""
    left = list(before)
    found: dict[str, Trace] = {}
    for same in (_signature, lambda trace: trace.kind):
        for trace in after:
            partner = next((other for other in left if same(other) == same(trace)), None)
            if trace.id not in found and partner:
                found[trace.id] = partner
                left.remove(partner)
    return [(found.get(trace.id), trace) for trace in after] + [(trace, None) for trace in left]


def _signature(trace: Trace) -> str:
    return f"{trace.kind} {trace.signature}"


def _compared(
    function: str,
    before: Trace | None,
    after: Trace | None,
    stages: tuple[str, str],
    notes: list[str],
    limit: int,
    failures: list[Unreadable],
) -> TraceDiff | None:
    """Compares two traces; where a graph cannot be read, the others are compared all the same."""
    try:
        return _trace_diff(function, before, after, stages, notes, limit)
    except Unreadable as error:
        failures.append(error)
        notes.append(error.message)
        return None


def _trace_diff(
    function: str, before: Trace | None, after: Trace | None, stages: tuple[str, str], notes: list[str], limit: int
) -> TraceDiff | None:
    missing = [
        (trace, stage, trace.stages.get(stage, "it was not recorded"))
        for trace, stage in ((before, stages[0]), (after, stages[1]))
        if trace and trace.stages.get(stage) != ""
    ]
    if missing:
        notes += [f"{trace.id} has no {stage} graph: {reason}" for trace, stage, reason in missing]
        return None
    old = _graph(before, stages[0], limit) if before else None
    new = _graph(after, stages[1], limit) if after else None
    if old is None or new is None:
        return _one_sided(function, before, after, old, new)
    if stages[0] == stages[1]:
        diff = diff_graphs(old, new)
        counts = {"added": diff.added, "removed": diff.removed, "changed": diff.changed, "same": diff.same}
        changes, scopes = tuple(_graph_changes(function, diff)), diff.scopes
    else:
        forward = stages[0] == "traced"
        mapped = stage_map if "optimized" in stages else hlo_map
        rows = list(_stage_rows(function, mapped(old, new) if forward else mapped(new, old), forward=forward))
        counts = Counter(sort for sort, _, _ in rows)
        changes = tuple(change for _, _, change in rows if change)
        scopes = tally_scopes((path, sort) for sort, path, _ in rows)
    return TraceDiff(function, before, after, len(old.nodes), len(new.nodes), counts, changes, scopes)


def _graph(trace: Trace, stage: str, limit: int) -> Inlined:
    content = trace.stage(stage)
    return inline(content if isinstance(content, Graph) else read_hlo(content, f"{stage} of {trace.id}"), limit=limit)


def _one_sided(
    function: str, before: Trace | None, after: Trace | None, old: Inlined | None, new: Inlined | None
) -> TraceDiff:
    trace, graph, kind = (after, new, "added") if before is None else (before, old, "removed")
    assert trace is not None
    assert graph is not None
    nodes = len(graph.nodes)
    signature = trace.signature
    change = Change(kind, function, "", *(("", signature) if kind == "added" else (signature, "")), "trace", nodes)
    scopes = tally_scopes((name, kind) for name in graph.nodes.names)
    sizes = (0, nodes) if kind == "added" else (nodes, 0)
    return TraceDiff(function, before, after, *sizes, {kind: nodes}, (change,), scopes)


def _graph_changes(function: str, diff: GraphDiff) -> Iterator[Change]:
    for renamed in diff.renamed:
        yield Change("renamed", function, renamed.after, renamed.before, renamed.after, "scope", renamed.nodes)
    for change in diff.changes:
        if change.kind == "added":
            yield Change("added", function, change.path, "", change.op, "node")
        elif change.kind == "removed":
            yield Change("removed", function, change.path, change.op, "", "node")
        for difference in change.differences:
            yield Change("changed", function, change.path, difference.before, difference.after, difference.what)


def _stage_rows(function: str, stages: StageMap, *, forward: bool) -> Iterator[tuple[str, str, Change | None]]:
    """Yields for each node of two stages what it counts as, its path, and what there is to say of it.

    A node that several became counts as the heir of one of them: the one whose name it has, else the first.
    """
    heirs: dict[str, str] = {}
    for fate in stages.fates:
        if fate.into and (fate.path == fate.into or fate.into not in heirs):
            heirs[fate.into] = fate.path
    gone, come = ("removed", "added") if forward else ("added", "removed")
    for fate in stages.fates:
        is_heir = bool(fate.into) and heirs[fate.into] == fate.path
        what = fate.fate if fate.fate != KEPT else fate.reason
        now = ", ".join(
            part for part in (fate.became, fate.into if fate.into != fate.path else "", fate.reason) if part
        )
        sides = (fate.op, now if fate.fate != KEPT else fate.became) if forward else (now, fate.op)
        if is_heir and not what:
            yield "same", fate.path, None
        elif is_heir:
            yield "changed", fate.path, Change("changed", function, fate.path, *sides, what)
        else:
            yield gone, fate.path, Change(gone, function, fate.path, *sides, what)
        for path in fate.also:
            part = ("", f"from {fate.path}")
            yield come, path, Change(come, function, path, *(part if forward else part[::-1]), "node")
    for node in stages.added:
        sides = ("", f"{node.op}, {node.by}" if node.by else node.op)
        yield come, node.path, Change(come, function, node.path, *(sides if forward else sides[::-1]), "node")


def _rolled_up(trace: TraceDiff) -> Iterator[Change]:
    """Yields a trace's changes, with one row for each scope that came or went as a whole."""
    whole: dict[int, ScopeTally] = {}  # by number: the scope around it that came or went as a whole
    for scope in trace.scopes[1:]:
        sorts = list(scope.counts.items())
        above = whole.get(scope.tree.parents[scope.scope])
        if above is not None:
            whole[scope.scope] = above
        elif len(sorts) == 1 and sorts[0][0] in ("added", "removed") and sorts[0][1] > 1:
            whole[scope.scope] = scope
    seen: set[int] = set()
    for change in trace.changes:
        around = _around(change.path, trace.scopes[0].tree, whole) if change.what == "node" else None
        if around is None:
            yield change
        elif around.scope not in seen:
            seen.add(around.scope)
            nodes = sum(around.counts.values())
            yield Change(change.kind, trace.function, around.path, "", "", "scope", nodes)


def _around(path: str, tree: ScopeTree, whole: Mapping[int, ScopeTally]) -> ScopeTally | None:
    """Returns the scope that a node lies in, or is itself, of those in `whole`."""
    scope = tree.find(path.rpartition("/")[0])
    own = tree.child(scope, path.rpartition("/")[2]) if scope is not None else None
    found = whole.get(own) if own is not None else None
    return found or (whole.get(scope) if scope is not None else None)


def _config(before: Run, after: Run, traces: Sequence[TraceDiff]) -> Iterator[Setting]:
    if before.path != after.path:
        yield from _changed_keys("", before.versions, after.versions)
        if before.scenario != after.scenario:
            yield Setting("scenario", before.scenario, after.scenario)
        yield from _changed_keys("parameter ", before.parameters, after.parameters)
        yield from _changed_keys("host ", before.host, after.host)
    for trace in traces:
        if trace.before and trace.after and trace.before.signature != trace.after.signature:
            yield Setting(f"signature of {trace.function}", trace.before.signature, trace.after.signature)


def _changed_keys(prefix: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Setting]:
    for key in dict.fromkeys(itertools.chain(before, after)):
        if before.get(key) != after.get(key):
            yield Setting(prefix + key, _shown(before.get(key)), _shown(after.get(key)))


def _shown(value: object) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _time(before: Run, after: Run) -> TimeDiff:
    steps = [
        run.window.wall_ns // run.window.steps if run.window and run.window.steps else None for run in (before, after)
    ]
    judged = before.path != after.path and None not in steps
    return TimeDiff(steps[0], steps[1], "not judged") if judged else TimeDiff(None, None, "unknown")
