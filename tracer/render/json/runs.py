"""Lists, runs, graphs, findings and changes as the objects that `--json` prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from tracer.diagnose import Check
from tracer.discover.listing import ListedScenario
from tracer.recorded import STAGES, Run
from tracer.render.json.times import coverage, memory, raised, summary, window
from tracer.render.json.values import listed
from tracer.report.lint import LintReport
from tracer.report.listing import Listing
from tracer.report.runs import RunsReport
from tracer.report.show import FunctionRow, ShowReport
from tracer.report.summary import Statement
from tracer.rules.finding import Finding
from tracer.store.prune import OldRun
from tracer.text import tensor_type


def scenarios(found: Sequence[ListedScenario]) -> dict[str, Any]:
    """Returns the object that `list --json` prints."""
    return {
        "scenarios": listed(
            Listing(tuple(found), len(found)),
            lambda entry: {
                "name": entry.name,
                "summary": entry.summary,
                "tags": list(entry.tags),
                "parameters": [
                    {"name": item.name, "type": item.kind_text, "default": item.default, "required": item.required}
                    for item in entry.parameters
                ],
                "origin": entry.origin,
            },
        )
    }


def show(report: ShowReport) -> dict[str, Any]:
    """Returns the object that `show --json` prints; times are null in a run without a profile."""
    run = report.run
    return {
        "run": run.path,
        "status": run.status,
        "scenario": run.scenario,
        "function": report.shown_name,
        "trace": report.shown.trace.id if report.shown else "",
        "stage": report.stage,
        "text": report.text,
        "functions": listed(report.functions, _function),
        "scopes": listed(
            report.scopes,
            lambda scope: {
                "path": scope.path,
                "depth": scope.depth,
                "nodes": scope.nodes,
                "self_ns": scope.self_ns,
                "total_ns": scope.total_ns,
                "executions": scope.calls,
                "allocated_bytes": scope.allocated,
                "peak_bytes": scope.peak_bytes,
                "held_bytes": scope.held_bytes,
                "variables": scope.variables,
                "parameters": scope.parameters,
                "parameter_bytes": scope.parameter_bytes,
                "optimizer_parameters": scope.optimizer_parameters,
                "unknown_size_variables": scope.unsized_variables,
                "outputs": [tensor_type(output) for output in scope.outputs],
                "leaving": scope.leaving,
                "bytes": scope.bytes,
                "unknown_bytes_nodes": scope.unsized,
                "flops": scope.flops,
                "unknown_flops_nodes": scope.unknown_flops,
                "ops": dict(scope.ops),
                "put_aside": dict(scope.aside),
                "calls": scope.runs,
            },
        ),
        "findings": listed(Listing(report.findings, len(report.findings)), _finding),
        "warnings": listed(
            Listing((*run.warnings, *report.damaged), len(run.warnings) + len(report.damaged)), dataclasses.asdict
        ),
        "error": run.error,
        "raised": raised(run.raised),
        "bare_step_ns": list(run.bare_step_ns),
        "window": window(run.window),
        "coverage": coverage(report.timing) if report.timing else None,
        "memory": memory(report.timing) if report.timing else None,
    }


def recorded(run: Run, said: Sequence[Statement] = ()) -> dict[str, Any]:
    """Returns the object that `run --json` prints."""
    return {
        "run": run.path,
        "status": run.status,
        "scenario": run.scenario,
        "parameters": dict(run.parameters),
        "functions": listed(
            Listing(tuple(run.functions.values()), len(run.functions)),
            lambda function: {
                "name": function.name,
                "traces": len(function.traces),
                "calls": function.calls,
                "stages": list(function.stages),
            },
        ),
        "calls": listed(Listing(run.calls, len(run.calls)), dict),
        "window": window(run.window),
        "summary": summary(said),
        "warnings": listed(Listing(run.warnings, len(run.warnings)), dataclasses.asdict),
        "error": run.error,
        "raised": raised(run.raised),
        "bare_step_ns": list(run.bare_step_ns),
    }


def program(run: Run, said: Sequence[Statement], exit_code: int) -> dict[str, Any]:
    """Returns the object that `script --json` prints."""
    return {**recorded(run, said), "exit_code": exit_code}


def runs(report: RunsReport) -> dict[str, Any]:
    """Returns the object that `runs --json` prints."""
    return {
        "logdir": report.logdir,
        "runs": listed(
            report.runs,
            lambda row: {
                "run": row.run,
                "path": row.path,
                "scenario": row.scenario,
                "status": row.status,
                "started": row.started,
                "steps": row.steps,
                "functions": row.functions,
                "bytes": row.bytes,
                "warning": row.warning,
            },
        ),
    }


def lint(report: LintReport) -> dict[str, Any]:
    """Returns the object that `lint --json` prints; what a finding has no place for is empty, or null for the line."""
    return {
        "run": report.run.path,
        "function": report.function,
        "severities": dict(report.severities),
        "findings": listed(report.findings, _finding),
        "warnings": listed(Listing(report.unread, len(report.unread)), dataclasses.asdict),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "where": finding.where,
        "message": finding.message,
        "advice": finding.advice,
        "function": finding.function,
        "trace": finding.trace,
        "node": finding.node,
        "file": finding.line.file if finding.line else None,
        "line": finding.line.line if finding.line else None,
        "count": finding.count,
        "docs": finding.docs,
    }


def checks(found: Sequence[Check]) -> dict[str, Any]:
    """Returns the object that `doctor --json` prints."""
    return {
        "checks": listed(
            Listing(tuple(found), len(found)),
            lambda check: {
                "name": check.name,
                "state": check.state,
                "message": check.message,
                "remedy": check.remedy,
            },
        )
    }


def pruned(removed: Sequence[OldRun], *, dry_run: bool) -> dict[str, Any]:
    """Returns the object that `prune --json` prints."""
    return {
        "dry_run": dry_run,
        "bytes": sum(run.bytes for run in removed),
        "runs": listed(
            Listing(tuple(removed), len(removed)),
            lambda run: {"run": f"{run.path.parent.name}/{run.path.name}", "path": str(run.path), "bytes": run.bytes},
        ),
    }


def _function(row: FunctionRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "traces": len(row.function.traces),
        "calls": row.function.calls,
        "seconds": row.seconds,
        "stages": list(row.function.stages),
        "signatures": [
            {
                "trace": item.trace.id,
                "kind": item.trace.kind,
                "cause": item.trace.cause,
                "signature": item.trace.signature,
                "call_site": None
                if item.trace.call_site is None
                else {"file": item.trace.call_site.file, "line": item.trace.call_site.line},
                "seconds": item.trace.seconds,
                "calls": item.trace.calls,
                "nodes": item.nodes,
                "missing": {stage: item.trace.stages[stage] for stage in STAGES if item.trace.stages.get(stage)},
            }
            for item in row.traces
        ],
    }
