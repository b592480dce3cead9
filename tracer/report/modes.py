"""One target in several modes, side by side: eagerly, as graphs, with XLA."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from tracer.errors import Unreadable
from tracer.recorded import Run
from tracer.report.steps import step_accounts
from tracer.report.time_diff import peak_diff
from tracer.timing.statistics import median

NOT_COMPARABLE = "not comparable"
FAILED = "failed"
NOT_POSSIBLE = "not possible"  # the status of a mode that the target cannot be in, so that nothing was recorded
_ROUNDING = 1e-3  # results of random ops that are closer than this have the same random numbers

# Ops with random numbers of their own; those of stateless ones are a matter of their inputs.
_RANDOM = re.compile(
    r"Random(?!\w*Dataset)\w+|(?:Parameterized)?TruncatedNormal|Multinomial|\w+CandidateSampler"
    r"|Stateful(?:StandardNormal|TruncatedNormal|Uniform|RandomBinomial)\w*"
)
# As XLA words a refusal, of the first op that it meets and does not have.
_REFUSED = re.compile(r"Detected unsupported operations when trying to compile graph \S+ on \w+: (?P<op>\w+)")


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """How far what was returned is from what another mode returned."""

    absolute: float | None  # the largest difference of two numbers; None if there is nothing to compare
    relative: float | None  # as a part of the largest number of its tensor, the largest; None of one that is all zero
    values: int  # numbers and texts that were compared
    where: str = ""  # which tensor it is: "call 2 of step[0]"; empty if there is no difference
    reason: str = ""  # why there is no number


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one mode."""

    mode: str
    run: Run | None  # None if nothing was recorded
    error: str = ""  # what ended it, one line
    first_call_ns: int | None = None  # wall time of the first calls, without what the recording took
    tracing_ns: int | None = None  # of that, tracing
    rss_bytes: int | None = None  # by how much the process grew, from its first call to the profile
    difference: Difference | None = None  # from the first mode that has results; None for that mode itself
    notes: tuple[str, ...] = ()
    ended: bool = False  # whether its process came to an end before it could say what it recorded


@dataclasses.dataclass(frozen=True, slots=True)
class ModeRow:
    """One mode, measured."""

    mode: str
    run: Run | None
    status: str  # of the run; `NOT_POSSIBLE` or `FAILED` if there is none
    step_ns: int | None  # the median of a step's wall time, without the profiler
    first_call_ns: int | None
    tracing_ns: int | None
    peak_bytes: int | None  # in use at the peak of a step, of the blocks that TensorFlow reports
    rss_bytes: int | None
    kernels: int | None  # executions in a step, the median
    difference: Difference | None
    error: str
    notes: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it was recorded to its end."""
        return self.status == "complete"


@dataclasses.dataclass(frozen=True, slots=True)
class ModesReport:
    """The modes of one target."""

    target: str
    scenario: str
    compared_with: str  # the mode that the others are compared with: the first that was recorded whole; empty if none
    modes: tuple[ModeRow, ...]  # in the order in which they were asked for

    @property
    def is_partial(self) -> bool:
        """Whether a mode is missing."""
        return any(not row.is_whole for row in self.modes)

    @property
    def is_empty(self) -> bool:
        """Whether no mode was recorded whole."""
        return not self.compared_with

    @property
    def reference(self) -> ModeRow | None:
        """The row that the others are compared with."""
        return next((row for row in self.modes if row.mode == self.compared_with), None)


def modes_report(target: str, scenario: str, recorded: Sequence[Recorded]) -> ModesReport:
    """Returns what was measured of each mode, in the order of `recorded`."""
    rows = [_row(each) for each in recorded]
    first = next((row.mode for row in rows if row.is_whole), "")
    random = sorted({op for row in rows if row.run for op in _random_ops(row.run)})
    rows = [dataclasses.replace(row, difference=_told(row.difference, random)) for row in rows]
    return ModesReport(target, scenario, first, tuple(rows))


def _row(of: Recorded) -> ModeRow:
    run = of.run
    return ModeRow(
        mode=of.mode,
        run=run,
        status=run.status if run else FAILED if of.ended else NOT_POSSIBLE,
        step_ns=median(run.settled_ns) if run and run.settled_ns else None,
        first_call_ns=of.first_call_ns,
        tracing_ns=of.tracing_ns,
        peak_bytes=_peak(run) if run else None,
        rss_bytes=of.rss_bytes,
        kernels=_kernels(run) if run else None,
        difference=of.difference,
        error=refusal(of.error),
        notes=(*of.notes, *(_notes(of.mode, run) if run and run.status == "complete" else ())),
    )


def refusal(error: str) -> str:
    """Returns what ended a mode, in short where it is XLA that has no kernel for an op."""
    found = _REFUSED.search(error)
    return f"XLA does not compile {found['op']}" if found else error


def _kernels(run: Run) -> int | None:
    try:
        accounts = step_accounts(run, run.profiles)
    except Unreadable:
        return None
    ended = [account.calls for account in accounts if not account.raised]
    return median(ended) if ended else None


def _peak(run: Run) -> int | None:
    try:
        profiles = [run.profile(path) for path in run.profiles]
    except Unreadable:
        return None
    found = peak_diff(profiles, profiles)
    return found.before if found else None


def _notes(mode: str, run: Run) -> Iterator[str]:
    """Yields where a run is not what its mode says."""
    called = [trace for trace in run.traces if trace.calls and trace.origin != "tensorflow"]
    names = ", ".join(dict.fromkeys(f"'{trace.name}'" for trace in called))
    if mode == "eager" and called:
        yield f"{names} ran as a graph: TensorFlow has no Python of it"
    elif mode != "eager" and not called:
        yield "the target calls no tf.function, so it ran eagerly, op by op"
    elif mode == "graph" and any(trace.jit_compile for trace in called):
        yield "with XLA: " + ", ".join(dict.fromkeys(f"'{trace.name}'" for trace in called if trace.jit_compile))
    elif mode == "xla" and not any(trace.jit_compile for trace in run.traces):
        yield f"XLA compiled nothing: {names} ran as in the graph mode"


def _told(difference: Difference | None, random: Sequence[str]) -> Difference | None:
    """Returns a difference; without numbers where the modes had other random numbers."""
    if difference is None or not random:
        return difference
    if difference.relative is not None and difference.relative <= _ROUNDING:
        return difference
    return Difference(None, None, difference.values, reason=f"{NOT_COMPARABLE}: random ({', '.join(random)})")


def _random_ops(run: Run) -> Iterator[str]:
    """Yields the ops with random numbers of their own, of a run's graphs and of what it ran eagerly."""
    try:
        for trace in run.traces:
            if not trace.stages.get("traced", "not recorded"):
                graph = trace.graph
                for nodes in (graph.nodes, *(function.nodes for function in graph.functions.values())):
                    yield from {kind.op for kind in nodes.kinds if _RANDOM.fullmatch(kind.op)}
        for path in run.profiles:
            yield from {op.type for op in run.profile(path).ops if _RANDOM.fullmatch(op.type)}
    except Unreadable:
        return
