"""Reports to text for a terminal or a pipe: tables and trees, at the width they are given, with colour or without."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tracer import text
from tracer.diagnose import Check
from tracer.discover.listing import ListedScenario
from tracer.graph.scopes import Scope
from tracer.recorded import Frame, Run, Warned
from tracer.report import FunctionRow, RunsReport, ShowReport
from tracer.store.prune import OldRun

if TYPE_CHECKING:
    from rich.console import RenderableType

UNLIMITED = 10_000  # the width where nothing is cut: a pipe
_STATUS_STYLES = {
    "complete": "green",
    "recording": "cyan",
    "failed": "red",
    "interrupted": "yellow",
    "unreadable": "red",
}

_MARKS = {"ok": "ok", "warning": "!", "error": "x"}
_CHECK_STYLES = {"ok": "green", "warning": "yellow", "error": "red"}


class Style:
    """How to write: width in columns, and whether in colour."""

    def __init__(self, *, width: int = UNLIMITED, color: bool = False) -> None:
        self.width = width
        self.color = color

    def render(self, parts: Iterable[RenderableType]) -> str:
        """Returns the parts below each other as text, without blanks at the ends of lines."""
        from rich.console import Console

        out = io.StringIO()
        console = Console(
            file=out,
            width=self.width,
            color_system="standard" if self.color else None,
            force_terminal=self.color,
            no_color=not self.color,
            highlight=False,
            emoji=False,
            markup=False,
        )
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str), no_wrap=None)
        return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def show(report: ShowReport, style: Style) -> str:
    """Returns the page that `show` prints: header, functions, scope tree, warnings."""
    parts: list[RenderableType] = [*_header(report.run)]
    if report.functions.items:
        parts += ["", _functions(report.functions.items)]
        if report.functions.truncated:
            parts.append(_more(report.functions.total - len(report.functions.items), "function"))
    if report.shown is not None:
        parts += ["", *_tree(report)]
    parts += _warnings(report.run.warnings)
    parts += ["", *_missing(report)]
    return style.render(parts).rstrip("\n") + "\n"


def scenarios(listed: Sequence[ListedScenario], style: Style) -> str:
    """Returns the table that `list` prints."""
    table = _table("scenario", "what it shows", "parameters")
    for entry in listed:
        summary = entry.summary if entry.origin == "built-in" else f"{entry.summary} ({entry.origin})"
        parameters = ", ".join(f"{p.name}={p.default}" if not p.required else p.name for p in entry.parameters)
        table.add_row(_plain(entry.name, "bold"), _plain(summary), _plain(parameters, "dim"))
    return style.render([table])


def runs(report: RunsReport, style: Style) -> str:
    """Returns the table that `runs` prints, newest first."""
    if not report.runs.items:
        return style.render([f"no runs in {report.logdir}"])
    table = _table("run", "status", "started", ">steps", ">functions", ">size")
    for row in report.runs.items:
        table.add_row(
            _plain(row.run),
            _plain(row.status, _STATUS_STYLES.get(row.status, "")),
            _plain(row.started.replace("T", " ")[:19]),
            "-" if row.steps is None else text.count(row.steps),
            text.count(row.functions),
            text.byte_size(row.bytes),
        )
    parts: list[RenderableType] = [table]
    if report.runs.truncated:
        parts.append(_more(report.runs.total - len(report.runs.items), "run"))
    parts += [f"warning: {row.warning}" for row in report.runs.items if row.warning]
    return style.render(parts)


def checks(found: Sequence[Check], style: Style) -> str:
    """Returns the table that `doctor` prints, a line of remedy under each trouble."""
    table = _table("", "check", "what was found")
    for check in found:
        table.add_row(
            _plain(_MARKS[check.state], _CHECK_STYLES[check.state]), _plain(check.name), _plain(check.message)
        )
        if check.remedy:
            table.add_row("", "", _plain(f"remedy: {check.remedy}", "dim"))
    return style.render([table])


def pruned(removed: Sequence[OldRun], style: Style, *, dry_run: bool) -> str:
    """Returns what `prune` prints: each run that went, and what that freed."""
    verb = "would remove" if dry_run else "removed"
    lines = [f"{verb} {run.path.parent.name}/{run.path.name}  {text.byte_size(run.bytes)}" for run in removed]
    total = text.byte_size(sum(run.bytes for run in removed))
    return style.render([*map(_plain, lines), f"{verb} {text.plural(len(removed), 'run')}, {total}"])


def source_line(frame: Frame | None) -> str:
    """Returns a line of Python as one names it: `train.py:12`."""
    return "-" if frame is None else f"{frame.file.replace(chr(92), '/').rpartition('/')[2]}:{frame.line}"


def _header(run: Run) -> list[RenderableType]:
    from rich.text import Text

    title = Text()
    title.append(text.one_line(run.name), style="bold")
    title.append("  ")
    title.append(run.status, style=_STATUS_STYLES.get(run.status, ""))
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
    table = _table("function", ">traces", ">calls", ">nodes", ">tracing", "line", "signature")
    for row in rows:
        for number, item in enumerate(row.traces):
            first = number == 0
            trace = item.trace
            note = "" if trace.kind == "inference" else f"[{trace.kind}] "
            table.add_row(
                _plain(row.name if first else "", "bold"),
                text.count(len(row.traces)) if first else "",
                "-" if trace.calls is None else text.count(trace.calls),
                text.count(item.nodes),
                text.seconds(trace.seconds),
                _plain(source_line(trace.call_site or trace.definition)),
                _plain(note + trace.signature),
            )
    return table


def _tree(report: ShowReport) -> list[RenderableType]:
    from rich.text import Text

    rows = report.scopes.items
    base = rows[0].depth if rows else 0
    table = _table(f"scopes of {text.one_line(report.shown_name)}", ">nodes", "ops")
    for row, guide in zip(rows, _guides(rows), strict=True):
        label = row.path.rpartition("/")[2] if row.depth > base else (row.path or "(all)")
        name = Text(guide, style="dim", no_wrap=True)
        name.append(text.one_line(label) or '""', style="bold" if row.depth <= base else "not dim")
        table.add_row(name, text.count(row.nodes), _plain(_ops(report, row), "dim"))
    parts: list[RenderableType] = [table]
    if report.scopes.truncated:
        parts.append(_more(report.scopes.total - len(rows), "scope"))
    return parts


def _ops(report: ShowReport, scope: Scope) -> str:
    ops = report.ops.get(scope.path, ())
    return ", ".join(f"{op} x{number}" if number > 1 else op for op, number in ops)


def _guides(rows: Sequence[Scope]) -> list[str]:
    """Returns the lines of the tree before each row, from the rows alone: parents come first."""
    guides: list[str] = []
    open_levels: set[int] = set()  # depths at which a sibling is still to come
    base = rows[0].depth if rows else 0
    for row in reversed(rows):
        open_levels = {level for level in open_levels if level <= row.depth}
        branch = "" if row.depth == base else "├─ " if row.depth in open_levels else "└─ "
        stem = "".join("│  " if level in open_levels else "   " for level in range(base + 1, row.depth))
        guides.append(stem + branch)
        open_levels.add(row.depth)
    return guides[::-1]


def _warnings(warnings: Sequence[Warned]) -> list[RenderableType]:
    from rich.text import Text

    parts: list[RenderableType] = []
    for warned in warnings:
        parts += ["", Text(f"warning: {text.one_line(warned.message)}", style="yellow")]
        if warned.hint:
            parts.append(f"hint: {text.one_line(warned.hint)}")
    return parts


def _missing(report: ShowReport) -> list[RenderableType]:
    """Returns which stages the shown trace has, and why others are missing where that is news."""
    if report.shown is None:
        return []
    trace = report.shown.trace
    have = [stage for stage, reason in trace.stages.items() if not reason]
    return [f"stages of {text.one_line(trace.id)}: {', '.join(have) or 'none'}"]


def _more(number: int, noun: str) -> str:
    return f"... and {text.plural(number, noun)} more: --top 0 shows all"


def _plain(content: str, style: str = "") -> Any:
    from rich.text import Text

    return Text(text.one_line(content), style=style, no_wrap=True)


def _table(*columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        right = column.startswith(">")
        # Where the width is too small rich cuts the widest of the columns that may wrap: so names, which stand first,
        # and numbers say that they may not. Nothing does wrap: the cells say so (`_plain`).
        table.add_column(
            _plain(column.removeprefix(">")),
            justify="right" if right else "left",
            no_wrap=right or number == 0,
            overflow="ellipsis",
        )
    return table
