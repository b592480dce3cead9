"""The page that says why functions were traced again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from tracer import text
from tracer.render.text.layout import Line, Piece
from tracer.render.text.style import Part, Style, Wrapped, more, plain, source_line, warnings
from tracer.report.retraces import Cause, Legitimate, RetracedFunction, RetracesReport
from tracer.retracing.causes import Reason

_CHAIN = 4  # values of one argument that are shown
_LONGEST = 200  # characters of a type
_REASONS: Mapping[Reason, str] = {
    "first": "first call",
    "variables": "the run after its variables were made",
    "relaxed": "relaxed by reduce_retracing",
    "another": "of another object",
    "caller": "its caller was traced again",
    "existing": "traced before the session",
}


def retraces(report: RetracesReport, style: Style) -> str:
    """Returns the page: each function with what made TensorFlow trace it again, where, and what spares it."""
    again = [row for row in report.functions.items if row.retraces]
    parts: list[Part] = []
    for row in again:
        parts += [*_function(row, style), ""]
    left = report.functions.total - len(report.functions.items)
    if again and left:
        parts += [more(left, "function"), ""]
    return style.render([*parts, Wrapped(plain(_total(report))), *warnings(report.damaged)])


def _function(row: RetracedFunction, style: Style) -> list[Part]:
    head = (
        Piece(text.one_line(row.name), "bold"),
        Piece(f"  {text.plural(row.traces, 'trace')}, "),
        Piece(text.plural(row.retraces, "retrace"), "yellow"),
        Piece(f" in {text.plural(row.calls, 'call')}, {text.seconds(row.seconds)} lost"),
        *((Piece(f"  {source_line(row.definition)}", "dim"),) if row.definition else ()),
    )
    parts: list[Part] = [Wrapped(head, indent=2), *cause_lines(row, style)]
    if row.legitimate:
        parts += style.sentences([plain(f"no retraces: {_legitimate(row.legitimate)}", "dim")], indent=4)
    return parts


def cause_lines(row: RetracedFunction, style: Style) -> list[Part]:
    """Returns what made TensorFlow trace a function again: what changed, where, and what spares it."""
    parts: list[Part] = []
    said = ""
    for causes in _groups(row.causes):
        advice = causes[0].advice.text
        parts += style.sentences(_group(causes, "as before" if advice == said else advice), indent=4)
        said = advice
    return parts


def _groups(causes: Iterable[Cause]) -> Iterable[Sequence[Cause]]:
    """Returns the causes that are one: of the same sort and argument, at the same line."""
    found: dict[tuple[object, ...], list[Cause]] = {}
    for cause in causes:
        found.setdefault((cause.change.kind, cause.change.argument, cause.call_site), []).append(cause)
    return found.values()


def _group(causes: Sequence[Cause], advice: str) -> Sequence[Line]:
    first = causes[0]
    traces = f"#{first.trace}" if len(causes) == 1 else f"#{first.trace} to #{causes[-1].trace}, {len(causes)} retraces"
    taken = [cause.seconds for cause in causes if cause.seconds is not None]
    where = [
        traces,
        source_line(first.call_site) if first.call_site else "",
        f"at {text.seconds(first.at_s)}" if first.at_s is not None else "",
        f"took {text.seconds(sum(taken))}" if taken else "",
    ]
    return (
        (Piece(f"{text.one_line(first.change.about)}: ", "cyan"), Piece(_chain(causes))),
        plain(f"  {', '.join(filter(None, where))}", "dim"),
        plain(f"  do: {advice}"),
    )


def _chain(causes: Sequence[Cause]) -> str:
    """Returns the values that an argument had, one after the other as far as they are one chain; each change once."""
    if causes[0].change.kind == "unknown":
        return _short(causes[0].change.difference)
    changes = list(dict.fromkeys((cause.change.before, cause.change.after) for cause in causes))
    written = [_short(changes[0][0]), " -> ", _short(changes[0][1])]
    for (_, last), (before, after) in pairwise(changes):
        if len(written) > 2 * _CHAIN:
            break
        written += [" -> "] if before == last else [", ", _short(before), " -> "]
        written.append(_short(after))
    left = len(changes) - written.count(" -> ")
    return "".join(written) + (f" and {left} more" if left else "")


def _short(content: str) -> str:
    return text.shortened(text.one_line(content), _LONGEST)


def _legitimate(rows: Sequence[Legitimate]) -> str:
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        changed = "; ".join(map(str, row.changes))
        words = _REASONS[row.reason] + (f" ({changed})" if changed else "")
        by_reason.setdefault(words, []).append(f"#{row.trace}")
    return ", ".join(f"{' '.join(numbers)} {words}" for words, numbers in by_reason.items())


def _total(report: RetracesReport) -> str:
    about = f"{report.run.name}{' ' + report.function if report.function else ''}"
    if not report.retraces:
        also = f", {text.count(report.relaxed)} of them relaxed by reduce_retracing" if report.relaxed else ""
        traces = f"{text.plural(report.traces, 'trace')} of {text.plural(report.functions.total, 'function')}"
        return f"no {'retraces' if report.seen else 'function was seen as it was traced'} in {about}: {traces}{also}"
    return f"{text.plural(report.retraces, 'retrace')} in {about} took {text.seconds(report.seconds)}"
