"""All that was measured of two runs, side by side: time, memory, executions."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping

from tracer.recorded import Run, Warned
from tracer.report.time_diff import (
    MemoryDiff,
    TimeDiff,
    bytes_diff,
    cpu_diff,
    peak_diff,
    profiles_of,
    same_machine,
    time_diff,
)
from tracer.report.time_rows import Side, TimeRow, moved_lines, time_rows
from tracer.timing.compare import ELSEWHERE, NOISE, Comparison, compare
from tracer.timing.samples import Sampled

Both = tuple[Sampled | None, Sampled | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Traces:
    """How the traces of a run are called on the second side."""

    functions: Mapping[str, str]  # by trace: its function's name
    paths: Mapping[str, Mapping[str, str]]  # by trace: nodes that have another path there


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """What two runs took. What one of them did not measure is None."""

    time: TimeDiff | None = None  # wall time of a step
    cpu_ns: Comparison | None = None  # of all threads in a step without the profiler
    self_ns: Comparison | None = None  # of all executions in a step, threads added up
    calls: tuple[float, float] | None = None  # executions in a step
    peak_bytes: MemoryDiff | None = None
    bytes: MemoryDiff | None = None  # allocated in a step
    rows: tuple[TimeRow, ...] = ()  # the most difference first
    damaged: tuple[Warned, ...] = ()  # what could not be read, and is left out

    def rows_of_scope(self, path: str) -> list[TimeRow]:
        """Returns the rows of a scope, one for each function that has it."""
        return [row for row in self.rows if row.key.by == "scope" and row.key.name == path]


def measure(
    runs: tuple[Run, Run], sampled: Both, traces: tuple[Traces, Traces], *, only: bool, noise: float | None
) -> Measured:
    """Returns what two runs took.

    Args:
      runs: the first and the second.
      sampled: the profiles of both; None of one that has none.
      traces: what to call the traces of both.
      only: whether rows are about these traces and about nothing else.
      noise: how far runs of an unchanged program may be apart; by default `NOISE`, and more for runs on two machines.
    """
    before, after = sampled
    profiles = profiles_of(before), profiles_of(after)
    found = Measured(
        time=time_diff(*runs, profiles, noise),
        cpu_ns=cpu_diff(*runs, noise),
        peak_bytes=peak_diff(*profiles),
        bytes=bytes_diff(*profiles),
        damaged=tuple(dict.fromkeys(warned for each in (before, after) if each for warned in each.timing.damaged)),
    )
    if before is None or after is None or not (before.batches and after.batches):
        return found
    allowed = noise if noise is not None else NOISE if same_machine(*runs) else ELSEWHERE
    files = dict.fromkeys(frame.file for node in after.timing.nodes for frame in node.owner.stack[-1:])
    sides = (
        Side(traces[0].functions, traces[0].paths, moved_lines(*runs, tuple(files)), only=only),
        Side(traces[1].functions, only=only),
    )
    return dataclasses.replace(
        found,
        self_ns=compare([(before.self_ns(), after.self_ns())], allowed),
        calls=(statistics.median(before.calls()), statistics.median(after.calls())),
        rows=time_rows(before, after, sides, allowed),
    )
