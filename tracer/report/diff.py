"""Two runs, or two traces or stages of one, to what changed between them."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tracer.errors import NotFound, Unreadable, UsageError
from tracer.graph.diff import diff_graphs
from tracer.graph.hlo import read_hlo
from tracer.graph.hlo_map import hlo_map
from tracer.graph.inline import LIMIT, Inlined, inline
from tracer.graph.model import Graph
from tracer.graph.stage_map import stage_map
from tracer.graph.tally import ScopeTally, tally_scopes
from tracer.recorded import GRAPH_STAGES, HLO_STAGES, Run, Trace, Warned
from tracer.report.changes import (
    Change,
    FateTotal,
    fate_totals,
    graph_changes,
    rolled_up,
    stage_rows,
    telling_first,
)
from tracer.report.conditions import MET, UNCLEAR, Condition, NodeCounts, Outcome, judge
from tracer.report.listing import Listing, listing
from tracer.report.measured import Both, Measured, Traces, measure
from tracer.report.pairing import trace_pairs
from tracer.report.sides import Side
from tracer.report.time_rows import TimeRow

_SORTS = ("added", "removed", "changed", "same")


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """Something about how two runs were made that is not the same."""

    what: str  # "tensorflow", "parameter a", "signature of step"
    before: str
    after: str


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
    paths: Mapping[str, str] = dataclasses.field(default_factory=dict)  # nodes with other paths: before to after
    sides: tuple[tuple[ScopeTally, ...], ...] = ()  # the scopes before and after, where they are not those of `scopes`
    fates: tuple[FateTotal, ...] = ()  # from traced to another stage: what became of how many nodes


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
    measured: Measured  # time and memory, where two runs are compared
    times: Listing[TimeRow]  # of scopes, lines, ops and layers, the most difference first
    outcomes: tuple[Outcome, ...]  # of the conditions that were set
    notes: tuple[str, ...]  # stages that were not recorded, and so could not be compared
    unread: tuple[Warned, ...] = ()  # graphs that could not be read, and so could not be compared

    @property
    def changed(self) -> bool:
        """Whether something is not the same, numbers in names apart, as far as the graphs could be read."""
        return bool(self.changes.total)

    @property
    def equal(self) -> bool:
        """Whether all graphs could be read, and are the same but for the numbers in names."""
        return not self.changed and not self.unread

    @property
    def regressed(self) -> bool:
        """Whether one of the conditions is met."""
        return any(outcome.state == MET for outcome in self.outcomes)

    @property
    def undecided(self) -> bool:
        """Whether of one of the conditions it cannot be told if it is met."""
        return any(outcome.state == UNCLEAR for outcome in self.outcomes)

    @property
    def is_partial(self) -> bool:
        """Whether something could not be read."""
        return bool(self.unread or self.measured.damaged)


def diff_report(
    before: Run,
    after: Run,
    sides: tuple[Side, Side] = (Side(), Side()),
    *,
    sampled: Both = (None, None),
    damaged: Sequence[Warned] = (),
    conditions: Sequence[Condition] = (),
    noise: float | None = None,
    top: int = 0,
    limit: int = LIMIT,
) -> DiffReport:
    """Returns what changed from one run to another, or between two traces or stages of one.

    Args:
      before: the run of the first side.
      after: the run of the second side; it may be the same one.
      sides: which functions, traces and stages of them; by default all functions, as traced.
      sampled: the profiles of both runs, read; None of a run without.
      damaged: profiles that could not be read.
      conditions: what to judge.
      noise: how far runs of an unchanged program may be apart in time, as a part: see `tracer.timing.compare`.
      top: how many changes, how many scopes and how many rows of time, 0 for all.
      limit: how many nodes a graph may have with its functions in their places.

    Raises:
      NotFound: no such function, trace or stage, or nothing that both sides have.
      Unreadable: the only graphs that could be compared are damaged, or larger than `limit`.
      UsageError: a stage that is no graph, or two stages that have nothing to be compared by.
    """
    stages = sides[0].stage or "traced", sides[1].stage or "traced"
    _check(stages, sides[0])
    notes: list[str] = []
    failures: list[Unreadable] = []
    compared = [
        _compared(function, one, other, stages, notes, limit, failures)
        for function, one, other in trace_pairs(before, after, sides)
    ]
    traces = tuple(trace for trace in compared if trace is not None)
    if not traces and failures:
        raise failures[0]
    if not traces and notes:
        raise NotFound("there is nothing to compare", hint=notes[0])
    changes = [change for trace in traces for change in trace.changes]
    scopes = [(trace.function, scope) for trace in traces for scope in trace.scopes if set(scope.counts) - {"same"}]
    measured = _measured((before, after), sides, sampled, traces, noise)
    measured = dataclasses.replace(measured, damaged=(*damaged, *measured.damaged))
    unread = tuple(dict.fromkeys(Warned("damaged", error.message, error.hint) for error in failures))
    outcomes: tuple[Outcome, ...] = ()
    if conditions:  # in a deep nest the paths of all scopes take their time
        counts = _node_counts(traces, partial=bool(unread or notes))
        outcomes = tuple(judge(condition, measured, counts) for condition in conditions)
    return DiffReport(
        before=str(dataclasses.replace(sides[0], run=before.name)),
        after=str(dataclasses.replace(sides[1], run=after.name)),
        config=tuple(_config(before, after, traces)),
        traces=traces,
        nodes={sort: sum(trace.counts.get(sort, 0) for trace in traces) for sort in _SORTS},
        changes=listing(changes, top=top),
        rows=listing([row for trace in traces for row in _rows(trace)], top=top),
        scopes=listing(scopes, top=top),
        measured=measured,
        times=listing(measured.rows, top=top),
        outcomes=outcomes,
        notes=tuple(notes),
        unread=unread,
    )


def _node_counts(traces: Sequence[TraceDiff], *, partial: bool) -> NodeCounts:
    scopes: dict[str, Counter[str]] = {}
    for tally in (tally for trace in traces for tally in trace.scopes):
        scopes.setdefault(tally.path, Counter()).update(tally.counts)
    return NodeCounts(
        whole=(sum(trace.nodes_before for trace in traces), sum(trace.nodes_after for trace in traces)),
        scopes={
            path: (counts.total() - counts["added"], counts.total() - counts["removed"])
            for path, counts in scopes.items()
        },
        partial=partial,
    )


def _check(stages: tuple[str, str], side: Side) -> None:
    graphs = (*GRAPH_STAGES, *HLO_STAGES)
    wrong = next((stage for stage in stages if stage not in graphs), None)
    if wrong:
        raise UsageError(f"diff compares graphs, and '{wrong}' is a text", hint=f"stages: {', '.join(graphs)}")
    if stages[0] != stages[1] and "traced" not in stages:
        raise UsageError(
            f"'{stages[0]}' and '{stages[1]}' share no names to compare by",
            hint=f"compare each with traced: {dataclasses.replace(side, stage='traced')} @{stages[1]}",
        )


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
        changes, sizes = tuple(graph_changes(function, diff)), (len(old.nodes), len(new.nodes))
        return TraceDiff(function, before, after, *sizes, counts, changes, diff.scopes, diff.paths, diff.sides)
    return _stage_diff(function, before, after, (old, new), stages)


def _stage_diff(
    function: str, before: Trace | None, after: Trace | None, graphs: tuple[Inlined, Inlined], stages: tuple[str, str]
) -> TraceDiff:
    forward = stages[0] == "traced"
    mapped = (stage_map if "optimized" in stages else hlo_map)(*(graphs if forward else graphs[::-1]))
    rows = list(stage_rows(function, mapped, forward=forward))
    counts = Counter(sort for sort, _, _ in rows)
    changes = tuple(change for _, _, change in rows if change)
    scopes = tally_scopes((path, sort) for sort, path, _ in rows)
    sizes = len(graphs[0].nodes), len(graphs[1].nodes)
    fates = fate_totals(mapped) if forward else ()  # they are of one way only
    return TraceDiff(function, before, after, *sizes, counts, changes, scopes, fates=fates)


def _rows(trace: TraceDiff) -> Sequence[Change]:
    before, after = trace.sides or (trace.scopes, trace.scopes)
    rows = rolled_up(trace.function, trace.changes, before, after)
    return telling_first(rows) if trace.fates else list(rows)


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


def _measured(
    runs: tuple[Run, Run],
    sides: tuple[Side, Side],
    sampled: Both,
    traces: Sequence[TraceDiff],
    noise: float | None,
) -> Measured:
    """Returns what two runs took; nothing where both sides are one run, as its time has nothing to be compared with."""
    if runs[0].path == runs[1].path:
        return Measured()
    before = Traces(
        {trace.before.id: trace.function for trace in traces if trace.before},
        {trace.before.id: trace.paths for trace in traces if trace.before},
    )
    after = Traces({trace.after.id: trace.function for trace in traces if trace.after}, {})
    return measure(runs, sampled, (before, after), only=any(side.function or side.trace for side in sides), noise=noise)
