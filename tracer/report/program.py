"""What the recording of a whole program came to, in a few lines: its own output is what matters there."""

from __future__ import annotations

import dataclasses

from tracer.recorded import Run
from tracer.report.summary import Statement, run_summary
from tracer.report.tracing import tracing_seconds


@dataclasses.dataclass(frozen=True, slots=True)
class ProgramReport:
    """A run of a program, counted."""

    run: Run
    functions: int
    traces: int
    calls: int
    tracing_s: float  # in which the program did not run, but was traced: by Python's calls and by tf.data
    summary: tuple[Statement, ...]


def program_report(run: Run) -> ProgramReport:
    """Returns the report on a run."""
    return ProgramReport(
        run=run,
        functions=len(run.functions),
        traces=len(run.traces),
        calls=sum(function.calls for function in run.functions.values()),
        tracing_s=tracing_seconds(run.traces),
        summary=run_summary(run),
    )
