"""The page of one run."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

from tracer import text
from tracer.graph.clean import CONSTANT, IDENTITY, NO_OP, READ
from tracer.graph.inline import MISSING, RECURSIVE
from tracer.recorded import Run
from tracer.render.text.style import STATUS_STYLES, Style, guides, more, plain, source_line, table, warnings
from tracer.report.scopes import ScopeRow, Scopes
from tracer.report.show import FunctionRow, ShowReport
from tracer.rules.finding import SEVERITIES

if TYPE_CHECKING:
    from rich.console import RenderableType

_ASIDE = {  # of variables the column of parameters tells
    CONSTANT: ("constant",),
    READ: ("read",),
    IDENTITY: ("identity", "identities"),
    NO_OP: ("no-op",),
}
_CLOSED = {RECURSIVE: "recursive call, not followed", MISSING: "calls a function that the file does not hold"}
# What a column may hold throughout and be left out. FLOPs that nobody knows are no reason: of no graph are they none.
_NOTHING = {"nodes": {""}, "output": {""}, "params": {""}, "bytes": {"", "?"}, "FLOPs": {""}}
_NOTED = 5  # calls that stay closed and are named
_WIDE = 100  # columns from which on there is room for everything
_OUTPUT = 24  # columns of a type
_GAP = 3  # columns between two cells
_LEAST_OPS, _LEAST_SCOPE, _LEAST_LABEL = 12, 24, 8  # columns that are left to a cell in a narrow terminal


def show(report: ShowReport, style: Style) -> str:
    """Returns what `show` prints: header, functions, scope tree, warnings; of a text stage the text alone."""
    if report.text:
        return report.text if report.text.endswith("\n") else report.text + "\n"
    parts: list[RenderableType] = [*_header(report.run)]
    if report.functions.items:
        parts += ["", _functions(report.functions.items)]
        if report.functions.truncated:
            parts.append(more(report.functions.total - len(report.functions.items), "function"))
    if report.whole is not None:
        parts += ["", *_tree(report, report.whole, style)]
    parts += _stages(report)
    parts += _findings(report)
    parts += warnings((*report.run.warnings, *report.damaged))
    return style.render(parts).rstrip("\n") + "\n"


def _header(run: Run) -> list[RenderableType]:
    from rich.text import Text

    title = Text()
    title.append(text.one_line(run.name), style="bold")
    title.append("  ")
    title.append(text.one_line(run.status if run.is_ours else run.scenario), style=STATUS_STYLES.get(run.status, ""))
    facts = [f"TensorFlow {run.versions['tensorflow']}"] if "tensorflow" in run.versions else []
    if run.window is not None:
        per_step = text.nanoseconds(run.window.wall_ns // run.window.steps)
        facts.append(f"{text.plural(run.window.steps, 'step')} profiled, {per_step} each")
        facts.append(f"{text.plural(run.window.warmup, 'warm-up step')}")
    if run.is_ours:
        facts.append(f"recorded in {text.seconds(run.seconds)}" if run.seconds is not None else "not finished")
    lines: list[RenderableType] = [title, *([Text(text.one_line("  ".join(facts)), style="dim")] if facts else [])]
    if run.parameters:
        parameters = "  ".join(f"{key}={value}" for key, value in run.parameters.items())
        lines.append(Text(text.one_line(parameters), style="dim"))
    if run.error:
        lines.append(Text(f"error: {text.one_line(run.error)}", style="red"))
    lines += [
        Text(text.one_line(f"{call.get('name', '')} raised, as it is meant to: {call.get('error', '')}"))
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
                text.count(len(row.function.traces)) if first else "",
                "-" if trace.calls is None else text.count(trace.calls),
                "?" if item.nodes is None else text.count(item.nodes),
                text.seconds(trace.seconds),
                plain(source_line(trace.call_site or trace.definition)),
                plain(note + trace.signature),
            )
        left = len(row.function.traces) - len(row.traces)
        if left:
            shown.add_row(plain(f"... and {text.plural(left, 'trace')} more", "dim"))
    return shown


def _tree(report: ShowReport, whole: Scopes, style: Style) -> list[RenderableType]:
    from rich.cells import cell_len

    rows = report.tree.items
    stage = "" if report.stage == "traced" else f", {report.stage}"
    columns = {
        "nodes": [text.count(row.nodes) for row in rows],
        "output": [_output(row, shapes_only=style.width < _WIDE) for row in rows],
        "params": [_at_least(text.quantity(row.parameters), row.parameters, row.unsized_variables) for row in rows],
        "bytes": [_at_least(text.byte_size(row.bytes), row.bytes, row.unsized) for row in rows],
        "FLOPs": [_at_least(text.quantity(row.flops), row.flops, row.unknown_flops) for row in rows],
    }
    if style.width < _WIDE:
        del columns["bytes"]  # a narrow terminal leaves no room for the ops beside all numbers
    columns = {name: column for name, column in columns.items() if {*column} - _NOTHING[name]}
    taken = sum(max(map(cell_len, [name, *column])) + _GAP for name, column in columns.items())
    room = max(style.width - taken - _GAP - _LEAST_OPS, _LEAST_SCOPE)
    title = f"scopes of {text.one_line(report.shown_name)}{stage}"
    shown = table(title, *(f"<{name}" if name == "output" else f">{name}" for name in columns), "ops")
    for row, guide, *cells in zip(rows, guides(rows), *columns.values(), strict=True):
        scope = _scope(row, guide, room, bold=row.depth <= rows[0].depth)
        shown.add_row(scope, *(plain(cell) for cell in cells), _ops(row))
    parts: list[RenderableType] = [shown]
    if report.tree.truncated:
        parts.append(more(report.tree.total - len(rows), "scope"))
    return parts + _notes(whole, rows, columns)


def _scope(row: ScopeRow, guide: str, room: int, *, bold: bool) -> Any:
    """Returns the first cell of a row; a name that is too long for the room loses its middle."""
    from rich.cells import cell_len
    from rich.text import Text

    behind = f" = {text.one_line(row.runs)}" if row.runs else ""
    times = f" (x{row.scopes})" if row.scopes > 1 and " ... " in row.label else ""
    label = text.one_line(row.label) or '""'
    free = max(room - len(guide) - cell_len(behind) - len(times), _LEAST_LABEL)
    if cell_len(label) > free and times:
        label = text.one_line(row.pattern)
    if cell_len(label) > free:
        label = text.shortened(label, free)
    name = Text(guide, style="dim", no_wrap=True)
    name.append(label, style="bold" if bold else "not dim")
    name.append(behind, style="not dim cyan")
    name.append(times, style="not dim")
    return name


def _output(row: ScopeRow, *, shapes_only: bool) -> str:
    """Returns the type of what leaves a scope; where several do, the first, and how many more there are."""
    if not row.outputs or row.outputs[0].shape is None:
        return ""
    first = row.outputs[0]
    shown = text.one_line(text.shape(first.shape) if shapes_only else text.tensor_type(first), _OUTPUT)
    if row.scopes > 1:  # the tensors of all scopes that the row stands for
        return shown if len(row.outputs) == 1 else "various"
    return f"{shown} +{row.leaving - 1}" if row.leaving > 1 else shown


def _at_least(shown: str, value: int, unknown: int) -> str:
    """Returns a sum; with a plus behind it where parts of it are not known, and nothing where all of it is none."""
    return f"{shown}+" if value and unknown else shown if value else "?" if unknown else ""


def _ops(row: ScopeRow) -> Any:
    from rich.text import Text

    cell = Text(no_wrap=True)
    cell.append(text.one_line(", ".join(f"{op} x{number}" if number > 1 else op for op, number in row.ops)))
    if any(reason in _ASIDE for reason, _ in row.aside):
        aside = ", ".join(text.plural(number, *_ASIDE[reason]) for reason, number in row.aside if reason in _ASIDE)
        cell.append(f"{'  ' if row.ops else ''}({aside})", style="dim")
    return cell


def _notes(whole: Scopes, rows: Sequence[ScopeRow], columns: Container[str]) -> list[RenderableType]:
    """Returns what the numbers leave out."""
    notes = []
    if any(" ... " in row.label for row in rows):
        notes.append("(xN): N scopes of the same structure as one row, with their sums")
    if rows and rows[0].unknown_flops and whole.without_formula:
        ops = ", ".join(f"{op} x{number}" if number > 1 else op for op, number in whole.without_formula)
        notes.append(f"+ in FLOPs: not counted, for want of a formula: {text.one_line(ops)}")
    if rows and rows[0].unknown_flops and whole.unknown_shapes:
        ops = ", ".join(f"{op} x{number}" if number > 1 else op for op, number in whole.unknown_shapes)
        notes.append(f"+ in FLOPs: not counted, as shapes are not known: {text.one_line(ops)}")
    if "bytes" in columns and rows[0].bytes and rows[0].unsized:
        notes.append(f"+ in bytes: {text.plural(rows[0].unsized, 'node')} of unknown size not counted")
    notes += [f"{_CLOSED[why]}: {text.one_line(path)}" for path, why in sorted(whole.not_followed.items())[:_NOTED]]
    if len(whole.not_followed) > _NOTED:
        notes.append(f"... and {text.plural(len(whole.not_followed) - _NOTED, 'call')} more that stay closed")
    return [plain(note, "dim") for note in notes]


def _findings(report: ShowReport) -> list[RenderableType]:
    """Returns how many findings there are: `lint` tells them."""
    counts = Counter(finding.severity for finding in report.findings)
    if not counts:
        return []
    found = ", ".join(text.plural(counts[severity], severity) for severity in SEVERITIES if counts[severity])
    where = f" in the first {text.count(len(report.functions.items))} functions" if report.functions.truncated else ""
    return [plain(f"findings{where}: {found}: trace-scenario lint {shlex.quote(report.run.reference)}")]


def _stages(report: ShowReport) -> list[RenderableType]:
    """Returns which stages the shown trace has."""
    if report.shown is None:
        return []
    trace = report.shown.trace
    have = [stage for stage, reason in trace.stages.items() if not reason]
    return ["", plain(f"stages of {trace.id}: {', '.join(have) or 'none'}")]
