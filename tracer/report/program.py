"""What the recording of a whole program came to, in a few lines: its own output is what matters there."""

from __future__ import annotations

import dataclasses

from tracer.recorded import Run
from tracer.report.summary import Statement, run_summary


@dataclasses.dataclass(frozen=True, slots=True)
class ProgramReport:
    """A run of a program, counted."""

    run: Run
    functions: int
    traces: int
    calls: int
    tracing_s: float  # in which the program did not run, but was traced
    summary: tuple[Statement, ...]


def program_report(run: Run) -> ProgramReport:
    """Returns the report on a run."""
    outer = [trace for trace in run.traces if trace.calls]  # the others were traced inside these
    return ProgramReport(
        run=run,
        functions=len(run.functions),
        traces=len(run.traces),
        calls=sum(function.calls for function in run.functions.values()),
        tracing_s=sum(trace.seconds or 0.0 for trace in outer),
        summary=run_summary(run),
    )
