"""The modes of a target as the object that `run --modes --json` prints."""

from __future__ import annotations

from typing import Any

from tracer.render.json.values import listed
from tracer.report.listing import listing
from tracer.report.modes import Difference, ModeRow, ModesReport


def modes(report: ModesReport) -> dict[str, Any]:
    """Returns the object that `run --modes --json` prints."""
    return {
        "target": report.target,
        "scenario": report.scenario,
        "modes": listed(listing(report.modes), lambda row: _row(row, report)),
    }


def _row(row: ModeRow, report: ModesReport) -> dict[str, Any]:
    return {
        "mode": row.mode,
        "run": row.run.path if row.run else None,
        "status": row.status,
        "step_ns": row.step_ns,
        "ratio": _ratio(row, report),
        "first_call_ns": row.first_call_ns,
        "tracing_ns": row.tracing_ns,
        "peak_bytes": row.peak_bytes,
        "rss_bytes": row.rss_bytes,
        "kernels": row.kernels,
        "difference": _difference(row.difference, report.compared_with),
        "error": row.error,
        "notes": list(row.notes),
    }


def _ratio(row: ModeRow, report: ModesReport) -> float | None:
    first = report.reference
    return row.step_ns / first.step_ns if first and first.step_ns and row.step_ns else None


def _difference(found: Difference | None, compared_with: str) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "absolute": found.absolute,
        "relative": found.relative,
        "values": found.values,
        "where": found.where,
        "reason": found.reason,
        "compared_with": compared_with,
    }
