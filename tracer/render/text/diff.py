"""The page of what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracer import text
from tracer.render.text.layout import Line, Piece, Table, cut, line_width, shortened, width_of, wrap
from tracer.render.text.style import Part, Style, more, plain, table, warnings
from tracer.render.text.time_diff import measured_lines, outcomes, times
from tracer.report.changes import Change
from tracer.report.diff import DiffReport, TraceDiff

_MARKS = {"added": "+", "removed": "-", "changed": "~", "renamed": ">"}
_LOOKS = {"added": "green", "removed": "red", "changed": "yellow", "renamed": "cyan"}
_STAGE_FATES = ("kept", "fused", "folded", "replaced", "removed", "lowered")

_SHORT_PATH = 16  # columns that are left of a path
_NOTED = 5  # things that could not be compared and are named


def diff(report: DiffReport, style: Style) -> str:
    """Returns the page that `diff` prints: what was compared, how it was made, what changed in each function."""
    parts: list[Part] = [*_header(report, style.width)]
    if report.config:
        parts += ["", _config(report, style.width)]
    if report.traces:
        parts += ["", _traces(report), *_fates(report.traces, style.width)]
    last = ""
    for change in report.rows.items:
        if change.function != last or not last:
            last = change.function
            parts += ["", plain(last, "bold")]
        parts += change_lines(change, style.width)
    if report.rows.truncated:
        parts.append(more(report.rows.total - len(report.rows.items), "change"))
    parts += times(report.measured.rows, style.width)
    if report.notes:
        parts += ["", *(plain(f"not compared: {note}", "dim") for note in report.notes[:_NOTED])]
    if len(report.notes) > _NOTED:
        parts.append(plain(f"... and {len(report.notes) - _NOTED} more that could not be compared", "dim"))
    parts += outcomes(report.outcomes)
    parts += warnings((*report.unread, *report.measured.damaged))
    return style.render(parts).rstrip("\n") + "\n"


def _header(report: DiffReport, width: int) -> list[Part]:
    title = (
        Piece(text.one_line(report.before), "bold"),
        Piece(" → ", "dim"),
        Piece(text.one_line(report.after), "bold"),
    )
    return [*wrap(title, width), _summary(report), *measured_lines(report.measured)]


def _summary(report: DiffReport) -> Line:
    if not report.traces:
        return plain("neither side has a function: there is no graph to compare")
    if report.changed:
        return node_counts(report.nodes)
    if report.unread:
        unread = text.plural(len(report.unread), "graph")
        return plain(f"nothing changed in what could be read: {unread} could not", "yellow")
    return plain("equal: the graphs differ in nothing but numbers in names", "green")


def node_counts(nodes: Mapping[str, int]) -> Line:
    """Returns how many nodes were added, removed, changed and stayed the same."""
    counts = [
        Piece(f"{text.count(nodes[sort])} {sort}  ", _LOOKS.get(sort, "dim"))
        for sort in ("added", "removed", "changed", "same")
    ]
    return (*counts[:-1], Piece(counts[-1].text.rstrip(), counts[-1].look), Piece(" nodes", "dim"))


def _config(report: DiffReport, width: int) -> Table:
    """Returns how the sides were made otherwise; what does not fit side by side stands whole, one below the other."""
    shown, narrow = table("made otherwise", "before", "after"), table("made otherwise")
    for setting in report.config:
        sides = plain(setting.before or "-"), plain(setting.after or "-")
        shown.add_row(plain(setting.what), *sides)
        narrow.add_row(plain(setting.what))
        for side, sort in zip(sides, ("removed", "added"), strict=True):
            mark = Piece(f"  {_MARKS[sort]} ", _LOOKS[sort])
            for number, line in enumerate(wrap(side, width - len(mark.text))):
                narrow.add_span((mark if number == 0 else Piece("    "), *line))
    return shown if shown.fits(width) else narrow


def _traces(report: DiffReport) -> Table:
    shown = table("function", ">before", ">after", ">added", ">removed", ">changed", ">same")
    for trace in report.traces:
        shown.add_row(
            plain(_name(trace), "bold"),
            plain(text.count(trace.nodes_before) if trace.before else "-"),
            plain(text.count(trace.nodes_after) if trace.after else "-"),
            *(_count(trace.counts.get(sort, 0), sort) for sort in ("added", "removed", "changed", "same")),
        )
    return shown


def _name(trace: TraceDiff) -> str:
    kinds = {item.kind for item in (trace.before, trace.after) if item} - {"inference"}
    return trace.function + (f" [{', '.join(sorted(kinds))}]" if kinds else "")


def _count(number: int, sort: str) -> Line:
    return plain(text.count(number), _LOOKS.get(sort, "") if number else "dim")


def _fates(traces: Sequence[TraceDiff], width: int) -> list[Part]:
    """Returns what became of how many nodes from one stage to the next, a sentence for each function."""
    parts: list[Part] = []
    for trace in traces:
        if trace.fates:
            counted = ", ".join(f"{text.count(total.nodes)} {total.why or total.fate}" for total in trace.fates)
            name = f"{_name(trace)}: " if len(traces) > 1 else ""
            parts += ["", *wrap((Piece(name, "bold"), Piece(counted)), width, indent=2)]
    return parts


def change_lines(change: Change, width: int) -> list[Part]:
    """Returns a change: mark, path, and what is different; on two lines where one is too short, paths cut inside."""
    what = text.one_line(_difference(change))
    line = (Piece(f"  {_MARKS[change.kind]} ", _LOOKS[change.kind]), Piece(_subject(change)))
    whole = (*line, Piece(f"  {what}", "dim")) if what else line
    if line_width(whole) <= width:
        return [whole]
    subject = (line[0], Piece(_fitting(_subject(change), width - 4)))
    lines = [cut(subject, width), cut((Piece(f"      {_fitting(what, width - 6)}", "dim"),), width)]
    return [*lines] if what else [lines[0]]


def _fitting(words: str, width: int) -> str:
    """Returns a text with its longest paths cut in their middle, so that all of it fits: paths differ at their ends."""
    parts = words.split(" ")
    sizes = {at: width_of(part) for at, part in enumerate(parts) if "/" in part}
    room = width - (width_of(words) - sum(sizes.values()))
    most = min(max(sizes.values(), default=0), width)  # columns for a path
    while most > _SHORT_PATH and sum(min(size, most) for size in sizes.values()) > room:
        most -= 1
    return " ".join(shortened(part, most, behind=0.7) if at in sizes else part for at, part in enumerate(parts))


def _subject(change: Change) -> str:
    if change.kind == "renamed":
        return text.one_line(f"{change.before or '(all)'} → {change.after or '(all)'}")
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
