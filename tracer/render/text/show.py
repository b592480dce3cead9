"""The page of one run."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Container, Sequence

from tracer import text
from tracer.graph.clean import CONSTANT, IDENTITY, LOWERED, NO_OP, READ
from tracer.graph.inline import MISSING, RECURSIVE
from tracer.recorded import Run
from tracer.render.sentences import error_text, run_facts
from tracer.render.text.columns import columns, view_of, with_room
from tracer.render.text.layout import Cell, Head, Line, Piece, Table, cut, line_width, shortened, width_of, wrap
from tracer.render.text.style import (
    STATUS_LOOKS,
    Part,
    Style,
    Wrapped,
    guides,
    more,
    plain,
    source_line,
    table,
    warnings,
    whole_ends,
)
from tracer.report.memory import memory_peaks, told
from tracer.report.scopes import Counts, ScopeRow, Scopes
from tracer.report.show import FunctionRow, ShowReport, TraceRow
from tracer.rules.finding import SEVERITIES
from tracer.timing.timing import TimedNode

_ASIDE = {  # of variables the column of parameters tells
    CONSTANT: ("constant",),
    READ: ("read",),
    IDENTITY: ("identity", "identities"),
    NO_OP: ("no-op",),
    LOWERED: ("lowering node",),
}
_CLOSED = {RECURSIVE: "recursive call, not followed", MISSING: "calls a function that the file does not hold"}
_ALL = 0.99  # of the time in ops: a function with less is not all that ran
_FUSED = 2  # fused kernels that are named
_NOTED = 5  # calls that stay closed and are named
_LEAST_OPS, _LEAST_SCOPE, _LEAST_LABEL = 12, 16, 5  # columns that are left to a cell in a narrow terminal
_NAMES = 0.45  # of a page's width at most belongs to the names before the ops have their least
_ENDS = (0.5, 0.75, 0.25)  # the shares of a shortened name that its end may get, the usual one first
_LONGEST = 120  # columns of a name where nothing limits it: all rows are as wide as the widest
_SIGNATURE = 4  # lines of a signature that does not fit into its column


def show(report: ShowReport, style: Style) -> str:
    """Returns what `show` prints: header, functions, scope tree, warnings; of a text stage the text alone."""
    if report.text:
        return report.text if report.text.endswith("\n") else report.text + "\n"
    parts: list[Part] = header(report.run, style.width)
    functions = [row for row in report.functions.items if not report.chosen or row.name == report.shown_name]
    if functions:
        parts += ["", _functions(functions, style.width)]
        if report.functions.truncated and not report.chosen:
            parts.append(more(report.functions.total - len(report.functions.items), "function"))
    if report.whole is not None:
        parts += ["", *_tree(report, report.whole, style)]
    parts += _stages(report)
    parts += _findings(report)
    parts += warnings((*report.run.warnings, *report.damaged))
    return style.render(parts).rstrip("\n") + "\n"


def header(run: Run, width: int) -> list[Part]:
    """Returns what stands above every page of a run: its name and state, how it was recorded, what it failed with."""
    status = text.one_line(run.status if run.is_ours else run.scenario)
    title = (Piece(text.one_line(run.name), "bold"), Piece("  "), Piece(status, STATUS_LOOKS.get(run.status, "")))
    lines: list[Part] = [title, *_together(run_facts(run), width)]
    lines += _together([f"{key}={value}" for key, value in run.parameters.items()], width)
    if run.error:
        lines += wrap(plain(f"error: {error_text(run)}", "red"), width)
    lines += [
        plain(f"{call.get('name', '')} raised, as it is meant to: {call.get('error', '')}")
        for call in run.calls
        if call.get("status") == "raised"
    ]
    return lines


def _together(facts: Sequence[str], width: int) -> list[Line]:
    """Returns facts in as few lines as they fit into, each whole."""
    lines: list[str] = []
    for fact in map(text.one_line, facts):
        if lines and width_of(lines[-1]) + 2 + width_of(fact) <= width:
            lines[-1] += f"  {fact}"
        else:
            lines.append(fact)
    return [plain(line, "dim") for line in lines]


def _functions(rows: Sequence[FunctionRow], width: int) -> Table:
    """Returns the table of functions; signatures that do not all fit beside the rest stand below their rows."""
    names = ("function", ">traces", ">calls", ">nodes", ">tracing", "line")
    shown = _fill(table(*names, "signature"), rows, 0)
    if shown.fits(width):
        return shown
    return _fill(table(*names), rows, width)


def _fill(shown: Table, rows: Sequence[FunctionRow], width: int) -> Table:
    for row in rows:
        for number, item in enumerate(row.traces):
            cells = _trace_cells(row if number == 0 else None, item)
            note = "" if item.trace.kind == "inference" else f"[{item.trace.kind}] "
            signature = plain(note + item.trace.signature)
            if not width:
                shown.add_row(*cells, signature)
                continue
            shown.add_row(*cells)
            for line in wrap(signature, width - 2, indent=2, most=_SIGNATURE) if signature else ():
                shown.add_span((Piece("  "), *line))
        left = len(row.function.traces) - len(row.traces)
        if left:
            shown.add_row(plain(f"... and {text.plural(left, 'trace')} more", "dim"))
    return shown


def _trace_cells(row: FunctionRow | None, item: TraceRow) -> tuple[Cell, ...]:
    """Returns the cells of a trace, with those of its function if it is the first one."""
    trace = item.trace
    return (
        plain(row.name, "bold") if row else (),
        plain(text.count(len(row.function.traces))) if row else (),
        plain("-" if trace.calls is None else text.count(trace.calls)),
        plain("?" if item.nodes is None else text.count(item.nodes)),
        plain(text.seconds(trace.seconds)),
        whole_ends(source_line(trace.call_site or trace.definition)),
    )


def _tree(report: ShowReport, whole: Scopes, style: Style) -> list[Part]:
    rows = report.tree.items
    stage = "" if report.stage == "traced" else f", {report.stage}"
    title = f"scopes of {text.one_line(report.shown_name)}{stage}"
    view = view_of(rows, style.width, of_layers=whole.of_layers, sort=report.sort)
    names = _scopes(rows)
    widest = max((line_width(name(0)) for name in names), default=0)
    shown = with_room(columns(rows, view), view, widest)
    heads = [Head(title, least=_LEAST_SCOPE), *(Head(each.header, each.right, whole=True) for each, _ in shown)]
    with_ops = _has_room(widest, [[each.header, *cells] for each, cells in shown], style.width)
    tree = Table([*heads, Head("ops", least=_LEAST_OPS)] if with_ops else heads)
    for row, name, *cells in zip(rows, names, *(cells for _, cells in shown), strict=True):
        tree.add_row(name, *(plain(cell) for cell in cells), *([_ops(row)] if with_ops else []))
    parts: list[Part] = [tree]
    if report.tree.truncated:
        parts.append(more(report.tree.total - len(rows), "scope"))
    if view.dtype:
        parts.append(Wrapped(plain(f"output: {view.dtype}, where no other type stands", "dim"), indent=2))
    return parts + _times(report) + _notes(whole, rows, [each.header for each, _ in shown])


def _times(report: ShowReport) -> list[Part]:
    """Returns what the times are of, and which of them stand in another scope than one would look for them."""
    if report.timing is None:
        return []
    timing, window = report.timing, report.run.window
    of = f"{text.plural(window.steps, 'step')} with the profiler on" if window else "the whole session"
    found = f"{text.percent(timing.coverage_nodes)} of executions and {text.percent(timing.coverage_time)} of time"
    notes = [f"time: self time in {of}, threads added up; coverage: {found}"]
    notes += [f"memory: {told(peak)}" for peak in memory_peaks(timing)]
    own = sum(node.time.self_ns for node in report.timed)
    if own < _ALL * timing.self_ns:
        share = text.percent(own / timing.self_ns)
        notes.append(f"{report.shown_name} has {share} of the time in ops; the rest is elsewhere: trace-scenario ops")
    fused = [node for node in report.timed if _is_elsewhere(node)]
    if fused:
        named = [f"{node.time.path} has that of {', '.join(node.owner.fused)}" for node in fused[:_FUSED]]
        more = f", and {len(fused) - _FUSED} more (trace-scenario ops)" if len(fused) > _FUSED else ""
        notes.append(f"the time of a fused kernel is with the node that names it: {'; '.join(named)}{more}")
    return [Wrapped(plain(note, "dim"), indent=2) for note in notes]


def _is_elsewhere(node: TimedNode) -> bool:
    """Tells a fused kernel in which are nodes of a scope that it does not stand in."""
    return any(not node.time.path.startswith(path.rpartition("/")[0] + "/") for path in node.owner.fused if "/" in path)


def _has_room(widest: int, columns: Sequence[Sequence[str]], width: int) -> bool:
    """Tells whether there is room for the ops beside names and numbers: half a name says less than the ops do."""
    wished = min(widest, round(width * _NAMES))
    taken = sum(max(map(width_of, cells)) + 2 for cells in columns)
    return width - wished - taken - 2 >= _LEAST_OPS


class _Names:
    """The names of the rows below one, of which those that are too long are cut so that they stay different."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._behind: dict[int, float] = {}  # by width: the share of it that the ends of names get

    def add(self, name: str) -> None:
        """Adds one of the names."""
        self._names.add(name)

    def cut(self, name: str, width: int) -> str:
        """Returns a name in so many columns."""
        if width not in self._behind:
            self._behind[width] = max(_ENDS, key=lambda end: len({shortened(each, width, end) for each in self._names}))
        return shortened(name, width, self._behind[width])


def _scopes(rows: Sequence[ScopeRow]) -> list[Callable[[int], Line]]:
    """Returns the first cell of each row."""
    cells = []
    above: list[_Names] = []  # of each depth down to this row's: the names beside it
    for row, guide in zip(rows, guides(rows), strict=True):
        depth = row.depth - rows[0].depth
        del above[depth + 1 :]
        above += [_Names() for _ in range(depth + 1 - len(above))]
        above[depth].add(text.one_line(row.pattern or row.label))
        cells.append(_scope(row, guide, above[depth], bold=not depth))
    return cells


def _scope(row: ScopeRow, guide: str, siblings: _Names, *, bold: bool) -> Callable[[int], Line]:
    """Returns the first cell of a row; a name that is too long for its room is shortened."""
    behind = f" = {text.one_line(row.runs)}" if row.runs else ""
    of = f" of {text.count(row.among)}" if row.among > row.scopes else ""
    times = f" (x{text.count(row.scopes)}{of})" if row.pattern else ""
    label, pattern = text.one_line(row.label) or '""', text.one_line(row.pattern)

    def cell(width: int) -> Line:
        free = max(width - width_of(guide + behind + times), _LEAST_LABEL) if width else _LONGEST
        name = label if width_of(label) <= free else siblings.cut(pattern or label, free)
        pieces = (Piece(guide, "dim"), Piece(name, "bold" if bold else ""), Piece(behind, "cyan"), Piece(times))
        return tuple(piece for piece in pieces if piece.text)

    return cell


def _ops(row: ScopeRow) -> Callable[[int], Line]:
    """Returns the last cell of a row: the ops right in a scope, as many as there is room for, and how many more."""
    ops = [f"{text.one_line(op)} x{text.count(number)}" if number > 1 else text.one_line(op) for op, number in row.ops]
    aside = _put_aside(row.aside)

    def cell(width: int) -> Line:
        line = _ops_line(", ".join(ops), aside)
        if not width or line_width(line) <= width:
            return line
        if not ops:
            return cut(line, width)
        for kept in range(min(len(ops), width), 0, -1):
            more = f" +{len(ops) - kept}" if kept < len(ops) else ""
            short = _ops_line(", ".join(ops[:kept]) + more, "(…)" if aside and not more else "")
            if line_width(short) <= width:
                return short
        more = f" +{len(ops) - 1}" if len(ops) > 1 else ""
        return (Piece(shortened(ops[0], width - len(more)) + more),)

    return cell


def _ops_line(ops: str, aside: str) -> Line:
    behind = Piece(f"{'  ' if ops and aside else ''}{aside}", "dim")
    return tuple(piece for piece in (Piece(ops), behind) if piece.text)


def _put_aside(aside: Counts) -> str:
    """Returns what the clean view puts aside, in brackets; nothing where it puts nothing aside."""
    shown = [text.plural(number, *_ASIDE[reason]) for reason, number in aside if reason in _ASIDE]
    return f"({', '.join(shown)})" if shown else ""


def _notes(whole: Scopes, rows: Sequence[ScopeRow], columns: Container[str]) -> list[Part]:
    """Returns what the numbers leave out."""
    notes = []
    if any(row.pattern for row in rows):
        notes.append("(xN): N scopes of the same structure as one row, with their sums")
    if any(row.pattern and row.among > row.scopes for row in rows):
        notes.append("(xN of M): from the first to the last of them, M scopes have such names")
    unknown = bool(rows) and rows[0].unknown_flops > 0 and not whole.of_layers
    if unknown and whole.without_formula:
        ops = ", ".join(f"{op} x{number}" if number > 1 else op for op, number in whole.without_formula)
        notes.append(f"+ in FLOPs: not counted, for want of a formula: {text.one_line(ops)}")
    if unknown and whole.unknown_shapes:
        ops = ", ".join(f"{op} x{number}" if number > 1 else op for op, number in whole.unknown_shapes)
        notes.append(f"+ in FLOPs: not counted, as shapes are not known: {text.one_line(ops)}")
    if "bytes" in columns and rows[0].bytes and rows[0].unsized:
        notes.append(f"+ in bytes: {text.plural(rows[0].unsized, 'node')} of unknown size not counted")
    notes += _oddities(whole)
    notes += [f"{_CLOSED[why]}: {text.one_line(path)}" for path, why in sorted(whole.not_followed.items())[:_NOTED]]
    if len(whole.not_followed) > _NOTED:
        notes.append(f"... and {text.plural(len(whole.not_followed) - _NOTED, 'call')} more that stay closed")
    return [Wrapped(plain(note, "dim"), indent=2) for note in notes]


def _oddities(whole: Scopes) -> list[str]:
    """Returns what TensorFlow would not import the graph for."""
    notes = []
    if whole.repeated_names:
        named = [f"{text.one_line(name)} x{number}" for name, number in whole.repeated_names.items()]
        more = f", and {len(named) - _NOTED} more" if len(named) > _NOTED else ""
        notes.append(f"several nodes have one name, of which edges mean the first: {', '.join(named[:_NOTED])}{more}")
    if whole.cycle:
        named = [text.one_line(name) for name in (*whole.cycle, whole.cycle[0])]
        if len(named) > _NOTED:
            named = [*named[: _NOTED - 1], f"... ({len(named) - _NOTED} more)", named[-1]]
        notes.append(f"edges form a cycle, which no run can enter: {' -> '.join(named)}")
    return notes


def _findings(report: ShowReport) -> list[Part]:
    """Returns how many findings there are: `lint` tells them."""
    counts = Counter(finding.severity for finding in report.findings)
    if not counts:
        return []
    found = ", ".join(text.plural(counts[severity], severity) for severity in SEVERITIES if counts[severity])
    where = f" in the first {text.count(len(report.functions.items))} functions" if report.functions.truncated else ""
    return [text.one_line(f"findings{where}: {found}: trace-scenario lint {shlex.quote(report.run.reference)}")]


def _stages(report: ShowReport) -> list[Part]:
    """Returns which stages the shown trace has."""
    if report.shown is None:
        return []
    trace = report.shown.trace
    have = [stage for stage, reason in trace.stages.items() if not reason]
    lines: list[Part] = ["", Wrapped(plain(f"stages of {trace.id}: {', '.join(have) or 'none'}"))]
    if report.functions.total > 1:
        lines.append("another function: --function NAME; another stage: --stage NAME")
    return lines
