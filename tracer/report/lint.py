"""A run to what `lint` says of it."""

from __future__ import annotations

import dataclasses

from tracer.lint.finding import SEVERITIES, Finding
from tracer.lint.run import lint
from tracer.recorded import Run
from tracer.report.listing import Listing, listing


@dataclasses.dataclass(frozen=True, slots=True)
class LintReport:
    """The findings of a run, or of one of its functions."""

    run: Run
    function: str  # the only one that was looked at; empty for all
    findings: Listing[Finding]
    severities: tuple[tuple[str, int], ...]  # how many there are of each, over all of them, also those left out


def lint_report(run: Run, *, function: str | None = None, top: int = 0) -> LintReport:
    """Returns the report on what is likely to be wrong in a run.

    Args:
      run: the run.
      function: look at this function only.
      top: how many findings to list, the most pressing first; 0 is all of them.

    Raises:
      NotFound: the run has no such function.
      Unreadable: a graph is damaged, or too large when its functions are put in their places.
    """
    found = lint(run, function=function)
    numbers = tuple((severity, sum(one.severity == severity for one in found)) for severity in SEVERITIES)
    return LintReport(run, function or "", listing(found, top=top), numbers)
