"""The limits that a test sets for what it records: read from keywords, and judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tracer.errors import TracerError, UsageError, did_you_mean
from tracer.report.limits import Limits, limits_report
from tracer.rules.rules import RULES
from tracer.testing.kept import WIDTH
from tracer.testing.recording import Recording


def parse_limits(given: Mapping[str, Any]) -> Limits:
    """Returns limits from keywords: `max_retraces=1, max_nodes=500, no_findings=["float64"]`.

    Raises:
      UsageError: an unknown keyword or rule, or a value of another type.
    """
    known = [field.name for field in dataclasses.fields(Limits)]
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known, otherwise=f"there are {', '.join(known)}")
            raise UsageError(f"no limit is named '{name}'", hint=hint)
    for name in ("max_retraces", "max_nodes"):
        value = given.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise UsageError(f"{name} is {value!r}", hint=f"a number, 0 or more: {name}=1")
    return Limits(given.get("max_retraces"), given.get("max_nodes"), _rules(given.get("no_findings", ())))


def _rules(given: Any) -> tuple[str, ...]:
    known = [rule.name for rule in RULES]
    if isinstance(given, bool):
        return tuple(known) if given else ()
    if not isinstance(given, list | tuple | set | frozenset) or not all(isinstance(name, str) for name in given):
        raise UsageError(
            f"no_findings is {given!r}", hint='True, or the names of rules: no_findings=["retracing", "float64"]'
        )
    for name in given:
        if name not in known:
            raise UsageError(
                f"no rule of lint is named '{name}'",
                hint=did_you_mean(name, known, otherwise=f"there are {', '.join(known)}"),
            )
    return tuple(given)


def broken_limits(recording: Recording, limits: Limits) -> str:
    """Returns what is to be said of the limits that a test's runs break; nothing if they break none."""
    from tracer.render.text import Style
    from tracer.render.text import limits as page

    problem = recording.problem
    try:
        reports = [limits_report(run, summary, limits) for run, summary in recording.found]
    except TracerError as error:
        problem = error.message
    if problem:
        return f"the limits of this test cannot be judged: {problem}"
    return "\n".join(page.limits(report, Style(width=WIDTH)) for report in reports if report.broken)
