"""The tables of a run's page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tracer import text
from tracer.graph.lines import Frame
from tracer.render.html.escape import cut, escaped
from tracer.render.text.columns import columns, view_of
from tracer.render.text.style import source_line
from tracer.report.lines import LinesReport
from tracer.report.ops import OpsReport
from tracer.report.show import FunctionRow, ShowReport, TraceRow
from tracer.report.timed import UNATTRIBUTED, Sums, sums_of

_FUNCTIONS, _HOTTEST, _SCOPES = 12, 12, 60  # rows
_TRACES = 4  # of one function
_SIGNATURE, _SOURCE, _PATH, _NAME, _OP = 90, 100, 90, 40, 40  # characters
_INDENT = 1.1  # em for each level of a tree
_WIDE = 200  # columns, of a table that may be scrolled: nothing is left out


def functions(report: ShowReport) -> str:
    """Returns the functions, a row for each trace; of a function with many the first ones."""
    head = ("function", ">traces", ">calls", ">nodes", ">tracing", "line", "signature")
    shown = report.functions.items[:_FUNCTIONS]
    rows = [cells for row in shown for cells in _function(row)]
    return table(head, rows) + _left_out(report.functions.total - len(shown), "function")


def _function(row: FunctionRow) -> Iterable[Sequence[str]]:
    for number, item in enumerate(row.traces[:_TRACES]):
        yield _trace(row if number == 0 else None, item)
    left = len(row.function.traces) - min(len(row.traces), _TRACES)
    if left:
        yield (f"<i>... and {text.plural(left, 'trace')} more</i>", "", "", "", "", "", "")


def _trace(row: FunctionRow | None, item: TraceRow) -> Sequence[str]:
    trace = item.trace
    note = "" if trace.kind == "inference" else f"[{trace.kind}] "
    return (
        f"<b>{cut(row.name, _NAME)}</b>" if row else "",
        text.count(len(row.function.traces)) if row else "",
        "-" if trace.calls is None else text.count(trace.calls),
        "?" if item.nodes is None else text.count(item.nodes),
        text.seconds(trace.seconds),
        cut(source_line(trace.call_site or trace.definition), _NAME),
        f"<code>{cut(note + trace.signature, _SIGNATURE)}</code>",
    )


def lines(report: LinesReport) -> str:
    """Returns the lines of Python with the most time."""
    hot = [row for row in report.lines.items if row.sums.self_ns]
    rows = [
        (
            *_time(row.sums, report.self_ns),
            cut(source_line(Frame(row.file, row.line, "")), _NAME),
            f"<code>{cut(row.text.strip(), _SOURCE)}</code>",
        )
        for row in hot[:_HOTTEST]
    ]
    more = _left_out(len(hot) - len(rows), "line")
    rows += [
        (*_time(sums, report.self_ns), "", f"<i>{escaped(what)}</i>")
        for what, sums in (*report.without_line.items(), (UNATTRIBUTED, report.unattributed))
        if sums.self_ns
    ]
    return table((">self", ">%", "", "line", "source"), rows) + more


def ops(report: OpsReport) -> str:
    """Returns the nodes with the most time."""
    rows = [
        (
            *_time(row.sums, report.self_ns),
            text.count(row.sums.calls),
            cut(row.node.op, _OP),
            cut(row.node.time.path, _PATH),
        )
        for row in report.ops.items[:_HOTTEST]
    ]
    more = _left_out(report.ops.total - len(rows), "node")
    rest = sums_of(report.unattributed)
    if rest.self_ns:
        rows.append((*_time(rest, report.self_ns), text.count(rest.calls), "", f"<i>{UNATTRIBUTED}</i>"))
    return table((">self", ">%", "", ">calls", "op", "node"), rows) + more


def scopes(report: ShowReport) -> str:
    """Returns the scope tree, its deepest rows left out where there are many."""
    depths = sorted(row.depth for row in report.tree.items)
    deepest = depths[min(_SCOPES, len(depths)) - 1]
    shown = [row for row in report.tree.items if row.depth <= deepest][:_SCOPES]
    found = columns(shown, view_of(shown, _WIDE, of_layers=bool(report.whole and report.whole.of_layers)))
    head = ("scope", *((">" if column.right else "") + column.header for column, _ in found))
    rows = []
    for at, row in enumerate(shown):
        runs = f" = {escaped(row.runs)}" if row.runs else ""
        times = f" (x{text.count(row.scopes)})" if row.pattern else ""
        indent = f"{_INDENT * (row.depth - shown[0].depth):.1f}"
        name = f'<span style="padding-left:{indent}em">{cut(row.pattern or row.label, _NAME)}{runs}{times}</span>'
        rows.append((name, *(escaped(cells[at]) for _, cells in found)))
    return table(head, rows) + _left_out(report.all_rows - len(shown), "scope")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table of cells in HTML; `>` before a column's name sets it to the right."""
    right = [name.startswith(">") for name in head]
    heads = "".join(_cell("th", name.lstrip(">"), of) for name, of in zip(head, right, strict=True))
    body = [
        f"<tr>{''.join(_cell('td', cell, of) for cell, of in zip(cells, right, strict=True))}</tr>" for cells in rows
    ]
    return "\n".join(['<div class="wide"><table>', f"<tr>{heads}</tr>", *body, "</table></div>"])


def _cell(kind: str, content: str, right: bool) -> str:
    return f'<{kind} class="number">{content}</{kind}>' if right else f"<{kind}>{content}</{kind}>"


def _time(sums: Sums, whole: int) -> tuple[str, str, str]:
    share = sums.self_ns / whole if whole else 0.0
    bar = f'<div class="bar" style="width:{5 * share:.2f}em"></div>'
    return text.nanoseconds(sums.self_ns), f"{100 * share:.1f}", bar


def _left_out(number: int, noun: str) -> str:
    return f'<p class="faint">... and {text.plural(number, noun)} more</p>' if number > 0 else ""
