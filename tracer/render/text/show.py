"""The page of one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tracer import text
from tracer.graph.scopes import Scope
from tracer.recorded import Run
from tracer.render.text.style import STATUS_STYLES, Style, guides, more, plain, source_line, table, warnings
from tracer.report.show import FunctionRow, ShowReport

if TYPE_CHECKING:
    from rich.console import RenderableType


def show(report: ShowReport, style: Style) -> str:
    """Returns the page that `show` prints: header, functions, scope tree, warnings."""
    parts: list[RenderableType] = [*_header(report.run)]
    if report.functions.items:
        parts += ["", _functions(report.functions.items)]
        if report.functions.truncated:
            parts.append(more(report.functions.total - len(report.functions.items), "function"))
    if report.shown is not None:
        parts += ["", *_tree(report)]
    parts += warnings(report.run.warnings)
    parts += ["", *_missing(report)]
    return style.render(parts).rstrip("\n") + "\n"


def _header(run: Run) -> list[RenderableType]:
    from rich.text import Text

    title = Text()
    title.append(text.one_line(run.name), style="bold")
    title.append("  ")
    title.append(run.status, style=STATUS_STYLES.get(run.status, ""))
    facts = [f"TensorFlow {run.versions['tensorflow']}"] if "tensorflow" in run.versions else []
    if run.window is not None:
        per_step = text.nanoseconds(run.window.wall_ns // run.window.steps)
        facts.append(f"{text.plural(run.window.steps, 'step')} profiled, {per_step} each")
        facts.append(f"{text.plural(run.window.warmup, 'warm-up step')}")
    facts.append(f"recorded in {text.seconds(run.seconds)}" if run.seconds is not None else "not finished")
    lines: list[RenderableType] = [title, Text("  ".join(facts), style="dim")]
    if run.parameters:
        lines.append(Text("  ".join(f"{key}={value}" for key, value in run.parameters.items()), style="dim"))
    if run.error:
        lines.append(Text(f"error: {text.one_line(run.error)}", style="red"))
    lines += [
        Text(f"{call['name']} raised, as it is meant to: {text.one_line(call.get('error', ''))}")
        for call in run.calls
        if call.get("status") == "raised"
    ]
    return lines


def _functions(rows: Sequence[FunctionRow]) -> Any:
    shown = table("function", ">traces", ">calls", ">nodes", ">tracing", "line", "signature")
    for row in rows:
        for number, item in enumerate(row.traces):
            first = number == 0
            trace = item.trace
            note = "" if trace.kind == "inference" else f"[{trace.kind}] "
            shown.add_row(
                plain(row.name if first else "", "bold"),
                text.count(len(row.traces)) if first else "",
                "-" if trace.calls is None else text.count(trace.calls),
                text.count(item.nodes),
                text.seconds(trace.seconds),
                plain(source_line(trace.call_site or trace.definition)),
                plain(note + trace.signature),
            )
    return shown


def _tree(report: ShowReport) -> list[RenderableType]:
    from rich.text import Text

    rows = report.scopes.items
    base = rows[0].depth if rows else 0
    shown = table(f"scopes of {text.one_line(report.shown_name)}", ">nodes", "ops")
    for row, guide in zip(rows, guides(rows), strict=True):
        label = row.path.rpartition("/")[2] if row.depth > base else (row.path or "(all)")
        name = Text(guide, style="dim", no_wrap=True)
        name.append(text.one_line(label) or '""', style="bold" if row.depth <= base else "not dim")
        shown.add_row(name, text.count(row.nodes), plain(_ops(report, row), "dim"))
    parts: list[RenderableType] = [shown]
    if report.scopes.truncated:
        parts.append(more(report.scopes.total - len(rows), "scope"))
    return parts


def _ops(report: ShowReport, scope: Scope) -> str:
    ops = report.ops.get(scope.path, ())
    return ", ".join(f"{op} x{number}" if number > 1 else op for op, number in ops)


def _missing(report: ShowReport) -> list[RenderableType]:
    """Returns which stages the shown trace has, and why others are missing where that is news."""
    if report.shown is None:
        return []
    trace = report.shown.trace
    have = [stage for stage, reason in trace.stages.items() if not reason]
    return [f"stages of {text.one_line(trace.id)}: {', '.join(have) or 'none'}"]
