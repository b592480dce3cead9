"""A run to what `lint` says of it."""

from __future__ import annotations

import dataclasses

from tracer.graph.inline import LIMIT
from tracer.recorded import Run, Warned
from tracer.report.listing import Listing, listing
from tracer.rules.finding import SEVERITIES, Finding
from tracer.rules.run import lint


@dataclasses.dataclass(frozen=True, slots=True)
class LintReport:
    """The findings of a run, or of one of its functions."""

    run: Run
    function: str  # the only one that was looked at; empty for all
    findings: Listing[Finding]
    severities: tuple[tuple[str, int], ...]  # how many there are of each, over all of them, also those left out
    unread: tuple[Warned, ...] = ()  # traces and graphs that could not be looked at, as they are damaged


def lint_report(run: Run, *, function: str | None = None, top: int = 0, limit: int = LIMIT) -> LintReport:
    """Returns the report on what is likely to be wrong in a run.

    Args:
      run: the run.
      function: look at this function only.
      top: how many findings to list, the most pressing first; 0 is all of them.
      limit: how many nodes a graph may have with its functions in their places.

    Raises:
      NotFound: the run has no such function.
      Unreadable: the only graph is damaged, or larger than `limit`.
    """
    unread: list[Warned] = []
    found = lint(run, function=function, limit=limit, unread=unread if len(run.traces) > 1 else None)
    numbers = tuple((severity, sum(one.severity == severity for one in found)) for severity in SEVERITIES)
    return LintReport(run, function or "", listing(found, top=top), numbers, (*run.damaged, *unread))
