"""What `diff` says of time and memory."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tracer import text
from tracer.render.text.layout import Line, Piece
from tracer.render.text.style import Part, Wrapped, plain, table
from tracer.report.conditions import MET, UNCLEAR, Outcome
from tracer.report.measured import Measured
from tracer.report.time_diff import LARGER, SMALLER, MemoryDiff, TimeDiff
from tracer.report.time_rows import BY, TimeRow
from tracer.timing.compare import FASTER, INCONCLUSIVE, SAME, SLOWER, Comparison

_LOOKS = {SLOWER: "red", LARGER: "red", FASTER: "green", SMALLER: "green", INCONCLUSIVE: "yellow", SAME: "dim"}
_STATES = {MET: "red", UNCLEAR: "yellow"}
_ROWS = 8  # of each kind that became slower or faster
_UNSURE = 3  # where none did, of those that differ most
_NARROW = 100  # columns below which what says least is left out


def measured_lines(measured: Measured) -> list[Part]:
    """Returns a line on the time of a step, and one on its memory, where both sides have it."""
    parts: list[Part] = []
    if measured.time:
        parts.append(Wrapped(_time(measured.time), indent=2))
    if measured.cpu_ns:
        parts.append(Wrapped(_cpu(measured.cpu_ns), indent=2))
    for memory, of in ((measured.peak_bytes, "in use at the peak of a step"), (measured.bytes, "allocated in a step")):
        if memory:
            parts.append(_memory(memory, of))
    return parts


def _time(time: TimeDiff) -> Line:
    sizes = f"{text.nanoseconds(time.before_ns)} → {text.nanoseconds(time.after_ns)} a step: "
    one, other = time.steps
    steps = text.plural(one, "step") if one == other else f"{one} and {text.plural(other, 'step')}"
    details = [_growth(time.comparison), f"{steps} {time.passes[0]}", time.reason]
    behind = "; ".join(part for part in details if part)
    return (Piece(sizes), Piece(time.verdict, _LOOKS[time.verdict]), Piece(f"  ({text.one_line(behind)})", "dim"))


def _cpu(found: Comparison) -> Line:
    sizes = f"{text.nanoseconds(round(found.before))} → {text.nanoseconds(round(found.after))} of CPU time a step: "
    growth = _growth(found)
    behind = (Piece(f"  ({growth})", "dim"),) if growth else ()
    return (Piece(sizes), Piece(found.verdict, _LOOKS[found.verdict]), *behind)


def _growth(found: Comparison) -> str:
    """Returns between which bounds the change lies: `-3 % to +12 %`; nothing where nothing is known."""
    low, high = found.range.low, found.range.high
    return f"{_percent(low)} to {_percent(high)}" if low > 0 and high < math.inf else ""


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %"


def _memory(memory: MemoryDiff, of: str) -> Line:
    sizes = f"{text.byte_size(memory.before)} → {text.byte_size(memory.after)} {of}: "
    return (Piece(sizes), Piece(memory.verdict, _LOOKS[memory.verdict]))


def times(rows: Sequence[TimeRow], width: int) -> list[Part]:
    """Returns a table of each kind of row: what became slower or faster, or if none did, what differs most."""
    parts: list[Part] = []
    for by in BY:
        of_kind = [row for row in rows if row.key.by == by and (row.before_ns or row.after_ns)]
        shown = [row for row in of_kind if row.verdict in (SLOWER, FASTER)][:_ROWS] or of_kind[:_UNSURE]
        if shown:
            parts += ["", _table(by, shown, width)]
        if len(of_kind) > len(shown):
            parts.append(plain(f"... and {text.plural(len(of_kind) - len(shown), by)} more: --json has them", "dim"))
    return parts


def _table(by: str, rows: Sequence[TimeRow], width: int) -> Part:
    wide = width >= _NARROW
    extra = [">calls", ">bytes"] if wide else []
    shown = table(by, ">before", ">after", ">change", *extra, "<verdict")
    for row in rows:
        change = _percent(row.comparison.ratio) if row.before_ns else "new" if row.after_ns else "-"
        more = [_both(*map(_calls, row.calls)), _both(*map(_bytes, row.bytes))] if wide else []
        cells = [_time_of(row.before_ns), _time_of(row.after_ns), change if row.after_ns else "gone", *more]
        shown.add_row(plain(_name(row)), *map(plain, cells), plain(row.verdict, _LOOKS[row.verdict]))
    return shown


def _name(row: TimeRow) -> str:
    key = row.key
    if key.by == "line":
        return f"{key.name.replace(chr(92), '/').rpartition('/')[2]}:{key.line}"
    if key.by == "scope":
        return key.name or f"{key.function}()"
    return key.name


def _time_of(value: int) -> str:
    return text.nanoseconds(value) if value else "-"


def _both(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _calls(calls: float) -> str:
    return f"{calls:,.1f}".removesuffix(".0")


def _bytes(size: float) -> str:
    return text.byte_size(round(size)) if size else "-"


def outcomes(found: Sequence[Outcome]) -> list[Part]:
    """Returns a line for each condition that was set."""
    parts: list[Part] = [""] if found else []
    for outcome in found:
        state = Piece(outcome.state, _STATES.get(outcome.state, "green"))
        what = text.one_line(outcome.condition.text)
        parts.append(Wrapped((Piece(f"{what}: "), state, Piece(f"  ({outcome.reason})", "dim")), indent=2))
    return parts
