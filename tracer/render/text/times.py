"""The pages of time and memory: nodes, lines, stacks, groups."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tracer import text
from tracer.graph.lines import Frame
from tracer.profile.attribute import Unattributed
from tracer.recorded import Source
from tracer.render.sentences import coverage_doubts, coverage_text, window_text
from tracer.render.text.layout import Cell, Line, Piece, Table, shortened
from tracer.render.text.style import Part, Style, Wrapped, more, plain, source_line, table, warnings, whole_ends
from tracer.report.groups import GroupsReport
from tracer.report.lines import LineRow, LinesReport
from tracer.report.listing import Listing
from tracer.report.memory import memory_peaks, told
from tracer.report.ops import OpRow, OpsReport
from tracer.report.stacks import StackRow, StacksReport
from tracer.report.steps import StepsReport
from tracer.report.summary import Statement
from tracer.report.timed import UNATTRIBUTED, Sums, sums_of
from tracer.timing.phases import PHASES
from tracer.timing.statistics import Spread
from tracer.timing.timing import Timing

_BAR = 10  # columns of the longest bar
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_AROUND = 1  # lines of source shown before and after one with time
_FACT = 10  # columns before what is said of a window
_OP = 16  # columns of an op on a narrow page
_NARROW = 100  # columns below which what says least is left out
# By the names of orders the column that they are by, which is there however little room there is.
_SORTED: Mapping[str, tuple[str, Callable[[Sums], str]]] = {
    "self": (">self", lambda sums: text.nanoseconds(sums.self_ns)),
    "total": (">total", lambda sums: text.nanoseconds(sums.total_ns) if sums.total_ns else "-"),
    "calls": (">calls", lambda sums: text.count(sums.calls)),
    "bytes": (">bytes", lambda sums: _size(sums.bytes)),
    "peak": (">peak", lambda sums: _size(sums.peak_bytes)),
    "held": (">at peak", lambda sums: _size(sums.held_bytes)),
}


def ops(report: OpsReport, style: Style) -> str:
    """Returns the page that `ops` prints: a row for each node that was executed."""
    parts: list[Part] = [*_head(report.timing, report.function, report.self_ns), _ops_table(report, style)]
    return style.render([*parts, *_rest(report.timing, report.ops, "node", report.unattributed)])


def groups(report: GroupsReport, style: Style) -> str:
    """Returns the page that `show --by` prints: a row for each layer, module, phase, op or device."""
    phases = [phase for phase in PHASES if any(row.sums.phases.get(phase) for row in report.groups.items)]
    wide = style.width >= _NARROW
    room = wide or report.sort in ("", "self")  # names need what phases and the column of another order would take
    split = phases if room and report.by != "phase" and len(phases) > 1 else []
    columns = _columns_by("self") | {">%": lambda sums: _share(sums.self_ns, report.self_ns)}
    columns |= {f">{phase}": functools.partial(_phase, phase) for phase in split}
    if wide or not split:
        nodes = {">nodes": lambda sums: text.count(sums.nodes) if sums.nodes else "-"}
        columns |= _columns_by("calls") | nodes | _columns_by("bytes")
    columns |= _columns_by(report.sort)
    head = table(f"<{report.by}" if wide else report.by, *columns)
    for row in report.groups.items:
        name = f"{row.name}  {row.detail}" if row.detail and wide else row.name
        head.add_row(*_cells(name, *(column(row.sums) for column in columns.values())))
    if report.unattributed:
        rest = sums_of(report.unattributed)
        head.add_row(*_cells(UNATTRIBUTED, *(column(rest) for column in columns.values())))
    parts: list[Part] = [*_head(report.timing, report.function, report.self_ns), head]
    return style.render([*parts, *_rest(report.timing, report.groups, report.by, report.unattributed)])


def _columns_by(*sorts: str) -> dict[str, Callable[[Sums], str]]:
    """Returns the columns of orders, by their heads; none of the program's own order."""
    return dict(_SORTED[sort] for sort in sorts if sort)


def _phase(phase: str, sums: Sums) -> str:
    return text.nanoseconds(sums.phases[phase]) if sums.phases.get(phase) else "-"


def steps(report: StepsReport, style: Style) -> str:
    """Returns the page that `show --by step` prints: where the wall time of each step went."""
    kinds = [kind for kind in report.parts if report.parts[kind] >= report.wall_ns // 200]
    shown = kinds if style.width >= _NARROW else kinds[:3]
    head = table("<step", ">wall", *(f">{kind}" for kind in shown), ">executions", ">in ops")
    for step in report.steps.items:
        name = str(step.number) if step.number >= 0 else step.name
        name += " raised" if step.raised else ""
        own = [text.nanoseconds(step.parts[kind]) if kind in step.parts else "-" for kind in shown]
        calls, busy = text.count(step.calls), text.nanoseconds(step.self_ns)
        head.add_row(*_cells(name, text.nanoseconds(step.wall_ns), *own, calls, busy))
    shares = [_share(report.parts[kind], report.wall_ns) + " %" for kind in shown]
    head.add_row(*_cells("all", text.nanoseconds(report.wall_ns), *shares))
    parts: list[Part] = [*_head(report.timing, "", report.timing.self_ns), head]
    if report.steps.truncated:
        parts.append(more(report.steps.total - len(report.steps.items), "step"))
    parts.append("")
    for title, of in (("with the profiler", report.profiled), ("without it", report.bare)):
        if of:
            parts.append(f"{title + ':':<19}{_spread(of)}")
    if report.slowest:
        parts += [
            "",
            f"step {report.slowest.number} is the slowest, {text.nanoseconds(report.slowest.wall_ns)}; longer were:",
        ]
        for each in report.different:
            change = f"{text.nanoseconds(each.median_ns)} -> {text.nanoseconds(each.slowest_ns)}"
            parts.append(f"  {change:<20}  {each.what if each.is_part else text.one_line(each.what)}")
    return style.render([*parts, *warnings(report.timing.damaged)])


def _spread(of: Spread) -> str:
    ends = f"{text.nanoseconds(of.least)} to {text.nanoseconds(of.most)}"
    return f"median {text.nanoseconds(of.median)}, 90 % within {text.nanoseconds(of.p90)}, {ends}"


def summary(statements: Sequence[Statement]) -> list[Part]:
    """Returns the sentences of a summary, each wrapped to the page's width."""
    return [Wrapped(plain(f"- {statement.message}"), indent=2) for statement in statements]


def stacks(report: StacksReport, style: Style) -> str:
    """Returns the page that `stacks` prints: each call stack below the time that it took."""
    parts: list[Part] = _head(report.timing, report.function, report.self_ns)
    for number, row in enumerate(report.stacks.items):
        parts += [*([""] if number else []), _stack_head(row, report), *_frames(row, report)]
    if report.unattributed.self_ns:
        parts += ["", _amount(report.unattributed, report.self_ns) + f"  {UNATTRIBUTED}"]
    return style.render([*parts, *_rest(report.timing, report.stacks, "stack", report.timing.unattributed)])


def lines(report: LinesReport, style: Style) -> str:
    """Returns the page that `lines` prints: each file that matters, with the time at each line."""
    parts: list[Part] = _head(report.timing, report.function, report.self_ns)
    listed: dict[str, list[LineRow]] = {}
    for row in report.lines.items:
        listed.setdefault(row.file, []).append(row)
    for file in report.files:
        if file.source.file in listed:
            parts += _file(file.source, file.self_ns, listed[file.source.file], report, style)
    for what, sums in (*report.without_line.items(), (UNATTRIBUTED, report.unattributed)):
        if sums.self_ns:
            parts.append(f"{_amount(sums, report.self_ns)}  {what}")
    return style.render([*parts, *_rest(report.timing, report.lines, "line", report.timing.unattributed)])


def _head(timing: Timing, function: str, self_ns: int) -> list[Part]:
    """Returns what every page begins with: the run, its window, and both coverages."""
    run = timing.run
    of = f", function {text.one_line(function)}" if function else ""
    first = plain(f"{text.one_line(run.name)}  {run.status}{of}", "bold")
    parts: list[Part] = [first, _fact("window", window_text(timing))]
    if run.raised:
        where = text.one_line(f"{run.raised}: {run.error or 'it ended the program'}")
        parts.append(_fact("raised", f"{where}; times of nodes have what ran up to then", "yellow"))
    parts.append(_fact("coverage", coverage_text(timing, self_ns)))
    peaks = memory_peaks(timing)
    devices = [f" ({peak.device})" if len(peaks) > 1 else "" for peak in peaks]
    parts += [_fact("memory", told(peak) + device) for peak, device in zip(peaks, devices, strict=True)]
    parts += [_fact("", doubt, "yellow") for doubt in coverage_doubts(timing, UNATTRIBUTED)]
    return [*parts, ""]


def _fact(name: str, content: str, look: str = "") -> Part:
    return Wrapped(plain(f"{name:<{_FACT}}{content}", look), indent=_FACT)


def _ops_table(report: OpsReport, style: Style) -> Table:
    """Returns the table; where room is short, ops, nodes and lines are cut, and of all of them the ends are kept."""
    wide = style.width >= _NARROW
    columns = _columns_by("self") | {">%": lambda sums: _share(sums.self_ns, report.self_ns)} | _columns_by("calls")
    if wide:
        columns |= {">each": lambda sums: text.nanoseconds(sums.self_ns // max(sums.calls, 1))} | _columns_by("bytes")
    if wide and any(row.sums.held_bytes for row in report.ops.items):
        columns |= _columns_by("held")
    columns |= _columns_by(report.sort)
    head = table(*columns, "<op" if wide else "op", "node", "line")
    for row in report.ops.items:
        own = {name: column(row.sums) for name, column in columns.items()}
        if ">each" in own and len(row.node.time.kernels) > 1:
            own[">each"] = "-"  # a mean over different kernels is nobody's
        head.add_row(
            *_cells(*own.values()),
            _end(_op(row), 0 if wide else _OP),
            _end(_node(row)),
            whole_ends(source_line(row.source)),
        )
    if report.unattributed:
        rest = sums_of(report.unattributed)
        head.add_row(*_cells(*(column(rest) for column in columns.values()), "-", UNATTRIBUTED))
    return head


def _end(content: str, most: int = 0) -> Cell:
    """Returns a cell of at most so many columns that loses its beginning: paths and kernels differ at their ends."""
    whole = text.one_line(content)
    shown = shortened(whole, most, 1.0) if most else whole
    return lambda width: (Piece(shortened(shown, width, 1.0) if width else shown),)


def _op(row: OpRow) -> str:
    """Returns the op, or the kernel where that has a name of its own: of several the longest, and how many more."""
    kernels = [kernel.name for kernel in row.node.time.kernels if kernel.name != row.node.op]
    more = f" +{len(kernels) - 1}" if len(kernels) > 1 else ""
    return f"{kernels[0]}{more}" if kernels else row.node.op


def _node(row: OpRow) -> str:
    time, fused = row.node.time, row.node.owner.fused
    path = f"{time.path} (part)" if time.shared else time.path
    return f"{path} + {', '.join(name.rpartition('/')[2] for name in fused)}" if fused else path


def _stack_head(row: StackRow, report: StacksReport) -> Line:
    head, cell = _SORTED[report.sort]
    by = "" if report.sort in ("self", "calls") else f"  {head.lstrip('>')} {cell(row.sums)}"
    return plain(_amount(row.sums, report.self_ns) + by, "bold")


def _amount(sums: Sums, whole: int) -> str:
    return f"{_time(sums)}  {_share(sums.self_ns, whole)} %  {text.plural(sums.calls, 'call')}"


def _frames(row: StackRow, report: StacksReport) -> list[Line]:
    run = report.timing.run
    frames = [_frame(frame, run.source(frame.file)) for frame in row.frames]
    return [plain(f"  {line}") for line in frames or [row.reason]]


def _frame(frame: Frame, source: Source) -> str:
    code = source.lines[frame.line - 1].strip() if 0 < frame.line <= len(source.lines) else ""
    function = f" in {frame.function}" if frame.function else ""  # a lambda has no name
    return f"{source_line(frame)}{function}{'  ' + code if code else ''}"


def _file(source: Source, self_ns: int, rows: Sequence[LineRow], report: LinesReport, style: Style) -> list[Part]:
    note = f"  ({source.note})" if source.note else ""
    title = f"{text.one_line(source.file)}  {text.nanoseconds(self_ns)}  {_share(self_ns, report.self_ns)} %{note}"
    wide = style.width >= _NARROW
    columns = _columns(rows, report, wide=wide)
    head = table(*columns, "<", ">line", "source")
    by_line = {row.line: row for row in rows}
    most = max(row.sums.self_ns for row in report.lines.items)
    shown = _shown(by_line, len(source.lines))
    margin = _margin([source.lines[number - 1] for number in shown if number <= len(source.lines)])
    before = 0
    for number in shown:
        if before and number > before + 1:
            head.add_row(*[""] * (len(columns) + 1), plain("⋮", "dim"), "")
        row = by_line.get(number)
        code = source.lines[number - 1][margin:] if number <= len(source.lines) else ""
        cells = [column(row) if row else "" for column in columns.values()]
        shade = "" if row else "dim"
        head.add_row(
            *map(plain, cells),
            plain(bar(row.sums.self_ns, most, _BAR if wide else _BAR // 2) if row else "", "cyan"),
            plain(str(number), shade),
            plain(code, shade),
        )
        before = number
    return [plain(title, "bold"), head, ""]


def _margin(lines: Iterable[str]) -> int:
    """Returns how many blanks all lines begin with."""
    return min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)


def _columns(rows: Sequence[LineRow], report: LinesReport, *, wide: bool) -> dict[str, Callable[[LineRow], str]]:
    """Returns the columns before the source, by their heads."""
    columns: dict[str, Callable[[LineRow], str]] = {
        ">self": lambda row: _time(row.sums) if row.sums.self_ns else "",
        ">%": lambda row: _share(row.sums.self_ns, report.self_ns) if row.sums.self_ns else "",
    }
    by_total = report.sort == "total"
    if by_total or any(row.below_ns > row.sums.self_ns for row in rows):
        columns[">with calls"] = lambda row: (
            text.nanoseconds(row.below_ns) if by_total or row.below_ns > row.sums.self_ns else ""
        )
    if any(row.gradient_ns for row in rows):
        columns[">gradient"] = lambda row: text.nanoseconds(row.gradient_ns) if row.gradient_ns else ""
    if wide or not {">with calls", ">gradient"} & columns.keys():
        columns[">calls"] = lambda row: text.count(row.sums.calls) if row.sums.calls else ""
    if wide and any(row.sums.bytes for row in rows):
        columns[">bytes"] = lambda row: text.byte_size(row.sums.bytes) if row.sums.bytes else ""
    if wide and any(row.sums.held_bytes for row in rows):
        columns[">at peak"] = lambda row: text.byte_size(row.sums.held_bytes) if row.sums.held_bytes else ""
    if report.sort != "total":  # of a line that is with what it called
        head, cell = _SORTED[report.sort]
        columns.setdefault(head, lambda row: cell(row.sums))
    return columns


def _shown(rows: Iterable[int], last: int) -> list[int]:
    """Returns the numbers of the lines to show: those with time, and the ones around them."""
    around = {near for line in rows for near in range(line - _AROUND, line + _AROUND + 1)}
    return sorted({*rows, *(line for line in around if 0 < line <= last)})


def bar(part: int, whole: int, longest: int = _BAR) -> str:
    """Returns a bar of at most so many columns: `██▌`."""
    eighths = round(longest * 8 * part / whole) if whole else 0
    eighths = max(eighths, 1) if part else 0
    return _EIGHTHS[8] * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _rest(timing: Timing, listed: Listing[Any], noun: str, unattributed: Sequence[Unattributed]) -> list[Part]:
    """Returns what every page ends with: how much is left out, what found no owner, and warnings."""
    parts: list[Part] = []
    if listed.truncated:
        parts.append(more(listed.total - len(listed.items), noun))
    if unattributed:
        parts += ["", f"{UNATTRIBUTED}:"]
        for rest in unattributed:
            examples = f" ({', '.join(map(text.one_line, rest.examples))})" if rest.examples else ""
            amount = f"{text.nanoseconds(rest.self_ns)}  {text.plural(rest.calls, 'execution')}"
            parts.append(f"  {amount}  {rest.reason}{examples}")
    return [*parts, *warnings(timing.damaged)]


def _cells(*values: str) -> list[Line]:
    return [plain(value) for value in values]


def _time(sums: Sums) -> str:
    return text.nanoseconds(sums.self_ns)


def _size(size: int) -> str:
    return text.byte_size(size) if size else "-"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"
