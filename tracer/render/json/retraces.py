"""Why functions were traced again, as JSON."""

from __future__ import annotations

import dataclasses
from typing import Any

from tracer.render.json.values import listed, source_of
from tracer.report.listing import Listing
from tracer.report.retraces import Cause, Legitimate, RetracedFunction, RetracesReport
from tracer.retracing.changes import Change


def retraces(report: RetracesReport) -> dict[str, Any]:
    """Returns the object that `retraces --json` prints."""
    return {
        "run": report.run.path,
        "function": report.function,
        "retraces": report.retraces,
        "seconds": report.seconds,
        "functions": listed(report.functions, _function),
        "warnings": listed(Listing(report.damaged, len(report.damaged)), dataclasses.asdict),
    }


def _function(row: RetracedFunction) -> dict[str, Any]:
    return {
        "name": row.name,
        "origin": row.origin,
        "definition": source_of(row.definition),
        "traces": row.traces,
        "retraces": row.retraces,
        "calls": row.calls,
        "seconds": row.seconds,
        "causes": [_cause(cause) for cause in row.causes],
        "legitimate": [_legitimate(each) for each in row.legitimate],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        **_change(cause.change),
        "trace": cause.trace,
        "against": cause.against,
        "call_site": source_of(cause.call_site),
        "at_s": cause.at_s,
        "seconds": cause.seconds,
        "advice": cause.advice.text,
        "code": cause.advice.code,
    }


def _legitimate(each: Legitimate) -> dict[str, Any]:
    return {
        "trace": each.trace,
        "reason": each.reason,
        "call_site": source_of(each.call_site),
        "at_s": each.at_s,
        "seconds": each.seconds,
        "changes": [_change(change) for change in each.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    return {"kind": change.kind, "argument": change.argument, "before": change.before, "after": change.after}
