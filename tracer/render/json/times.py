"""Time and memory as the objects that `--json` prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tracer.profile.attribute import Unattributed
from tracer.profile.steps import StepAccount
from tracer.recorded import Raised, Window
from tracer.render.json.values import listed, source_of
from tracer.report.groups import GroupRow, GroupsReport
from tracer.report.lines import LineRow, LinesReport
from tracer.report.listing import Listing
from tracer.report.memory import memory_peaks
from tracer.report.ops import OpRow, OpsReport
from tracer.report.stacks import StackRow, StacksReport
from tracer.report.steps import StepsReport
from tracer.report.summary import Statement
from tracer.report.timed import Sums
from tracer.timing.statistics import Spread
from tracer.timing.timing import Timing


def ops(report: OpsReport) -> dict[str, Any]:
    """Returns the object that `ops --json` prints."""
    return {
        **_head(report.timing, report.function, report.self_ns),
        "ops": listed(report.ops, _op),
        "unattributed": _rest(report.unattributed),
    }


def lines(report: LinesReport) -> dict[str, Any]:
    """Returns the object that `lines --json` prints."""
    return {
        **_head(report.timing, report.function, report.self_ns),
        "lines": listed(report.lines, _line),
        "files": listed(
            Listing(report.files, len(report.files)),
            lambda file: {"file": file.source.file, "self_ns": file.self_ns, "note": file.source.note},
        ),
        "without_line": listed(
            Listing(tuple(report.without_line.items()), len(report.without_line)),
            lambda row: {"reason": row[0], **_sums(row[1])},
        ),
        "unattributed": _sums(report.unattributed),
    }


def stacks(report: StacksReport) -> dict[str, Any]:
    """Returns the object that `stacks --json` prints."""
    return {
        **_head(report.timing, report.function, report.self_ns),
        "stacks": listed(report.stacks, _stack),
        "unattributed": _sums(report.unattributed),
    }


def groups(report: GroupsReport) -> dict[str, Any]:
    """Returns the object that `show --by ... --json` prints."""
    return {
        **_head(report.timing, report.function, report.self_ns),
        "by": report.by,
        "groups": listed(report.groups, _group),
        "unattributed": _rest(report.unattributed),
    }


def steps(report: StepsReport) -> dict[str, Any]:
    """Returns the object that `show --by step --json` prints."""
    slowest = report.slowest
    return {
        **_head(report.timing, "", report.timing.self_ns),
        "by": "step",
        "wall_ns": report.wall_ns,
        "parts": _parts(report.parts),
        "profiled": _spread(report.profiled),
        "bare": _spread(report.bare),
        "raised": next((step.number for step in report.raised), None),
        "steps": listed(report.steps, _step),
        "slowest": None
        if slowest is None
        else {"step": slowest.number, "different": [dataclasses.asdict(each) for each in report.different]},
    }


def summary(statements: Sequence[Statement]) -> dict[str, Any]:
    """Returns the sentences of a summary."""
    return listed(Listing(tuple(statements), len(statements)), lambda each: each._asdict())


def window(of: Window | None) -> dict[str, Any] | None:
    """Returns the window of a run."""
    return None if of is None else dataclasses.asdict(of)


def raised(step: Raised | None) -> dict[str, Any] | None:
    """Returns the step of a run that raised."""
    return None if step is None else {"pass": step.where, "step": step.step}


def coverage(timing: Timing) -> dict[str, float]:
    """Returns which part of the executions, and of their time, found an owner."""
    return {"nodes": timing.coverage_nodes, "time": timing.coverage_time}


def memory(timing: Timing) -> dict[str, Any]:
    """Returns the peak of each device's memory, and who held it."""
    found = memory_peaks(timing)
    return listed(
        Listing(found, len(found)),
        lambda peak: {
            "device": peak.device,
            "hosts": peak.hosts,
            "peak_bytes": peak.peak_bytes,
            "step": peak.step,
            "before_bytes": peak.before_bytes,
            "holders": listed(Listing(peak.holders, len(peak.holders)), lambda holder: holder._asdict()),
        },
    )


def _head(timing: Timing, function: str, self_ns: int) -> dict[str, Any]:
    return {
        "run": timing.run.path,
        "status": timing.run.status,
        "function": function,
        "raised": raised(timing.run.raised),
        "window": window(timing.run.window),
        "coverage": coverage(timing),
        "untraced": timing.untraced,
        "memory": memory(timing),
        "self_ns": self_ns,
        "warnings": listed(Listing(timing.damaged, len(timing.damaged)), dataclasses.asdict),
    }


def _op(row: OpRow) -> dict[str, Any]:
    time, owner = row.node.time, row.node.owner
    return {
        "path": time.path,
        "op": row.node.op,
        "device": time.device,
        "calls": time.calls,
        "self_ns": time.self_ns,
        "total_ns": time.total_ns,
        "bytes": time.bytes,
        "peak_bytes": time.peak_bytes,
        "held_bytes": time.held_bytes,
        "source": source_of(row.source),
        "function": row.node.function,
        "trace": time.trace,
        "kind": time.kind,
        "kernels": [kernel.name for kernel in time.kernels],
        "kernel_times": listed(Listing(time.kernels, len(time.kernels)), lambda kernel: kernel._asdict()),
        "fused": list(owner.fused),
        "shared": time.shared,
        "phase": owner.phase,
        "module": owner.module.name if owner.module else "",
    }


def _line(row: LineRow) -> dict[str, Any]:
    return {
        "file": row.file,
        "line": row.line,
        "text": row.text,
        **_sums(row.sums),
        "total_ns": row.below_ns,
        "gradient_ns": row.gradient_ns,
        "function": row.function,
    }


def _stack(row: StackRow) -> dict[str, Any]:
    frames = [{"function": frame.function, "file": frame.file, "line": frame.line} for frame in row.frames]
    return {"frames": frames, "reason": row.reason, **_sums(row.sums)}


def _group(row: GroupRow) -> dict[str, Any]:
    return {"name": row.name, "detail": row.detail, **_sums(row.sums), "phases": _phases(row.sums)}


def _step(step: StepAccount) -> dict[str, Any]:
    return {
        "step": step.number,
        "name": step.name,
        "raised": step.raised,
        "wall_ns": step.wall_ns,
        "parts": _parts(step.parts),
        "calls": step.calls,
        "self_ns": step.self_ns,
    }


def _parts(parts: Mapping[str, int]) -> dict[str, int]:
    return {f"{kind}_ns": time for kind, time in parts.items()}


def _spread(of: Spread | None) -> dict[str, int] | None:
    if of is None:
        return None
    return {"samples": of.samples, **{f"{name}_ns": getattr(of, name) for name in ("least", "median", "p90", "most")}}


def _sums(sums: Sums) -> dict[str, int]:
    return {
        "nodes": sums.nodes,
        "calls": sums.calls,
        "self_ns": sums.self_ns,
        "bytes": sums.bytes,
        "peak_bytes": sums.peak_bytes,
        "held_bytes": sums.held_bytes,
    }


def _phases(sums: Sums) -> dict[str, int]:
    return {f"{phase}_ns": own for phase, own in sums.phases.items()}


def _rest(rows: tuple[Unattributed, ...]) -> dict[str, Any]:
    return listed(
        Listing(rows, len(rows)),
        lambda row: {
            "reason": row.reason,
            "calls": row.calls,
            "self_ns": row.self_ns,
            "bytes": row.bytes,
            "held_bytes": row.held_bytes,
            "examples": list(row.examples),
        },
    )
