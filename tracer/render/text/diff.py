"""The page of what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer import text
from tracer.render.text.style import Style, more, plain, table, warnings
from tracer.report.changes import Change
from tracer.report.diff import DiffReport, TraceDiff

if TYPE_CHECKING:
    from rich.console import RenderableType

_MARKS = {"added": "+", "removed": "-", "changed": "~", "renamed": ">"}
_STYLES = {"added": "green", "removed": "red", "changed": "yellow", "renamed": "cyan"}
_STAGE_FATES = ("kept", "fused", "folded", "replaced", "removed", "lowered")

_NOTED = 5  # things that could not be compared and are named


def diff(report: DiffReport, style: Style) -> str:
    """Returns the page that `diff` prints: what was compared, how it was made, what changed in each function."""
    parts: list[RenderableType] = [*_header(report)]
    if report.config:
        parts += ["", _config(report)]
    if report.traces:
        parts += ["", _traces(report)]
    last = ""
    for change in report.rows.items:
        if change.function != last or not last:
            last = change.function
            parts += ["", plain(last, "bold")]
        parts += _change(change, style.width)
    if report.rows.truncated:
        parts.append(more(report.rows.total - len(report.rows.items), "change"))
    if report.notes:
        parts += ["", *(plain(f"not compared: {note}", "dim") for note in report.notes[:_NOTED])]
    if len(report.notes) > _NOTED:
        parts.append(plain(f"... and {len(report.notes) - _NOTED} more that could not be compared", "dim"))
    parts += warnings(report.unread)
    return style.render(parts).rstrip("\n") + "\n"


def _header(report: DiffReport) -> list[RenderableType]:
    from rich.text import Text

    title = Text(no_wrap=True, overflow="fold")
    title.append(text.one_line(report.before), style="bold")
    title.append(" → ", style="dim")
    title.append(text.one_line(report.after), style="bold")
    summary = Text("equal: the graphs differ in nothing but numbers in names", style="green")
    if not report.traces:
        summary = Text("neither side has a function: there is no graph to compare")
    elif report.changed:
        summary = Text("  ").join(
            Text(f"{text.count(report.nodes[sort])} {sort}", style=_STYLES.get(sort, "dim"))
            for sort in ("added", "removed", "changed", "same")
        )
        summary.append(" nodes", style="dim")
    elif report.unread:
        unread = text.plural(len(report.unread), "graph")
        summary = Text(f"nothing changed in what could be read: {unread} could not", style="yellow")
    lines: list[RenderableType] = [title, summary]
    if report.time.before_ns is not None:
        before, after = text.nanoseconds(report.time.before_ns), text.nanoseconds(report.time.after_ns)
        lines.append(Text(f"{before} → {after} a step ({report.time.verdict})", style="dim"))
    return lines


def _config(report: DiffReport) -> Any:
    shown = table("made otherwise", "before", "after")
    for setting in report.config:
        shown.add_row(plain(setting.what), plain(setting.before or "-"), plain(setting.after or "-"))
    return shown


def _traces(report: DiffReport) -> Any:
    shown = table("function", ">before", ">after", ">added", ">removed", ">changed", ">same")
    for trace in report.traces:
        shown.add_row(
            plain(_name(trace), "bold"),
            text.count(trace.nodes_before) if trace.before else "-",
            text.count(trace.nodes_after) if trace.after else "-",
            *(_count(trace.counts.get(sort, 0), sort) for sort in ("added", "removed", "changed", "same")),
        )
    return shown


def _name(trace: TraceDiff) -> str:
    kinds = {item.kind for item in (trace.before, trace.after) if item} - {"inference"}
    return trace.function + (f" [{', '.join(sorted(kinds))}]" if kinds else "")


def _count(number: int, sort: str) -> Any:
    return plain(text.count(number), _STYLES.get(sort, "") if number else "dim")


def _change(change: Change, width: int) -> list[RenderableType]:
    """Returns a change: mark, path, and what is different; on two lines where one is too short."""
    from rich.text import Text

    what = text.one_line(_difference(change))
    line = Text(f"  {_MARKS[change.kind]} ", style=_STYLES[change.kind], no_wrap=True, overflow="ellipsis")
    line.append(_subject(change), style="not dim")
    behind = Text(f"  {what}" if what else "", style="dim", no_wrap=True, overflow="ellipsis")
    if line.cell_len + behind.cell_len <= width:
        line.append_text(behind)
        return [line]
    below = Text(f"      {what}", style="dim", no_wrap=True, overflow="ellipsis")
    for part in (line, below):
        part.truncate(width, overflow="ellipsis")
    return [line, below]


def _subject(change: Change) -> str:
    if change.kind == "renamed":
        return text.one_line(f"{change.before} → {change.after}")
    if change.what == "trace":
        return "the whole trace"
    path = text.one_line(change.path) or '""'
    return f"{path}/" if change.what == "scope" else path


def _difference(change: Change) -> str:
    if change.what == "scope" or change.kind == "renamed":
        return ("renamed, " if change.kind == "renamed" else "") + text.plural(change.nodes, "node")
    if change.what == "trace":
        return f"{text.plural(change.nodes, 'node')}  {change.before or change.after}"
    if change.what == "node":
        return change.before or change.after
    if change.what == "removed":  # of two stages: the op, and why it is gone
        return "  ".join(part for part in (change.before, change.after) if part)
    if change.before == change.after:  # of two stages: the op, and which attributes differ
        return f"{change.before}  {change.what} changed"
    pair = f"{change.before or '-'} → {change.after or '-'}"
    return f"{change.what}  {pair}" if change.what in _STAGE_FATES else f"{change.what}: {pair}"
