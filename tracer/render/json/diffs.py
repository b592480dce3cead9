"""What changed between two runs, as the object that `diff --json` prints."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from tracer.render.json.values import listed
from tracer.report.diff import DiffReport
from tracer.report.listing import Listing
from tracer.report.time_diff import MemoryDiff, TimeDiff
from tracer.report.time_rows import TimeRow
from tracer.timing.compare import Comparison


def diff(report: DiffReport) -> dict[str, Any]:
    """Returns the object that `diff --json` prints; what was not measured on both sides is null."""
    measured = report.measured
    damaged = (*report.unread, *measured.damaged)
    return {
        "before": report.before,
        "after": report.after,
        "equal": report.equal,
        "config": listed(Listing(report.config, len(report.config)), dataclasses.asdict),
        "nodes": dict(report.nodes),
        "functions": listed(
            Listing(report.traces, len(report.traces)),
            lambda trace: {
                "name": trace.function,
                "before": trace.before.id if trace.before else None,
                "after": trace.after.id if trace.after else None,
                "nodes": {sort: trace.counts.get(sort, 0) for sort in report.nodes},
                "fates": [dataclasses.asdict(total) for total in trace.fates],
            },
        ),
        "changes": listed(report.changes, dataclasses.asdict),
        "scopes": listed(
            report.scopes,
            lambda row: {
                "function": row[0],
                "path": row[1].path,
                "depth": row[1].depth,
                **{sort: row[1].counts.get(sort, 0) for sort in report.nodes},
            },
        ),
        "time": _time(measured.time) if measured.time else None,
        "cpu_ns": {**_self(measured.cpu_ns), "noise": measured.cpu_ns.noise} if measured.cpu_ns else None,
        "self_ns": _self(measured.self_ns) if measured.self_ns else None,
        "peak_bytes": _memory(measured.peak_bytes),
        "bytes": _memory(measured.bytes),
        "calls": {"before": measured.calls[0], "after": measured.calls[1]} if measured.calls else None,
        "times": listed(report.times, _row),
        "conditions": listed(
            Listing(report.outcomes, len(report.outcomes)),
            lambda outcome: {
                "condition": outcome.condition.text,
                "state": outcome.state,
                "reason": outcome.reason,
            },
        ),
        "notes": list(report.notes),
        "warnings": listed(Listing(damaged, len(damaged)), dataclasses.asdict),
    }


def _time(time: TimeDiff) -> dict[str, Any]:
    return {
        **_self(time.comparison),
        "reason": time.reason,
        "before_steps": time.steps[0],
        "after_steps": time.steps[1],
        "passes": list(time.passes),
        "noise": time.comparison.noise,
    }


def _self(found: Comparison) -> dict[str, Any]:
    return {
        "before_ns": round(found.before),
        "after_ns": round(found.after),
        "ratio_low": found.range.low if found.range.low > 0 else None,
        "ratio_high": found.range.high if found.range.high < math.inf else None,
        "verdict": found.verdict,
    }


def _memory(memory: MemoryDiff | None) -> dict[str, Any] | None:
    if memory is None:
        return None
    return {
        "before": memory.before,
        "after": memory.after,
        "verdict": memory.verdict,
        "before_least": memory.before_range[0],
        "before_most": memory.before_range[1],
        "after_least": memory.after_range[0],
        "after_most": memory.after_range[1],
        "allowance": memory.allowance,
    }


def _row(row: TimeRow) -> dict[str, Any]:
    return {
        "by": row.key.by,
        "name": f"{row.key.name}:{row.key.line}" if row.key.by == "line" else row.key.name,
        "function": row.key.function,
        **_self(row.comparison),
        "before_calls": row.calls[0],
        "after_calls": row.calls[1],
        "before_bytes": round(row.bytes[0]),
        "after_bytes": round(row.bytes[1]),
    }
