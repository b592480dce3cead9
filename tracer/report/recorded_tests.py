"""What a run of tests recorded, test by test."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from tracer.report.listing import Listing, listing


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedTest:
    """A test, or one of the runs that it recorded. It comes from the process that ran it as plain values."""

    test: str  # as pytest names it: "tests/test_model.py::test_step[2]"
    functions: int = 0
    traces: int = 0
    retraces: int = 0
    nodes: int = 0  # of its largest graph
    run: str = ""  # the run's folder; empty where it traced nothing
    problem: str = ""  # why it was not recorded; empty if it was, or was not to be
    recorded: bool = True  # whether it was to be recorded
    graphs: Mapping[str, str] = dataclasses.field(default_factory=dict)  # files of graphs: "written", "updated", "same"

    def as_json(self) -> dict[str, Any]:
        """Returns it as plain values."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedTestsReport:
    """What a run of tests recorded."""

    logdir: str
    tests: Listing[RecordedTest]  # the runs: most retraces first, then most nodes
    ran: int  # tests that were recorded, whether they traced something or not
    tracing: int  # those that did
    functions: int
    traces: int
    retraces: int
    problems: Mapping[str, tuple[str, ...]]  # why tests could not be recorded, and which
    written: tuple[str, ...]  # files of graphs that were written or updated


def recorded_tests_report(tests: Iterable[RecordedTest], logdir: str, *, top: int) -> RecordedTestsReport:
    """Returns the report on tests in whatever order they ended.

    Args:
      tests: all that were recorded, or were to be, or that compared a graph.
      logdir: the log folder.
      top: how many runs to list, 0 for all.
    """
    ordered = sorted(tests, key=lambda one: (-one.retraces, -one.nodes, one.test))
    runs = [one for one in ordered if one.run]
    problems: dict[str, tuple[str, ...]] = {}
    for one in ordered:
        if one.problem:
            problems[one.problem] = (*problems.get(one.problem, ()), one.test)
    return RecordedTestsReport(
        logdir,
        listing(runs, top=top),
        ran=len({one.test for one in ordered if one.recorded and not one.problem}),
        tracing=len({one.test for one in runs}),
        functions=sum(one.functions for one in runs),
        traces=sum(one.traces for one in runs),
        retraces=sum(one.retraces for one in runs),
        problems=problems,
        written=tuple(
            sorted({file for one in ordered for file, what in one.graphs.items() if what in ("written", "updated")})
        ),
    )
