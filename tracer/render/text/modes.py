"""The page of `run --modes`: a row for each mode."""

from __future__ import annotations

from collections.abc import Callable

from tracer import text
from tracer.render.text.layout import Line, Table
from tracer.render.text.style import STATUS_LOOKS, Part, Style, Wrapped, plain, table
from tracer.report.modes import NOT_COMPARABLE, Difference, ModeRow, ModesReport

_FAR = 1e-4  # relative, from which on a difference is more than float32's rounding in a sum or two
_NARROW = 100  # columns below which what says least is left out


def modes(report: ModesReport, style: Style) -> str:
    """Returns the page that `run --modes` prints."""
    title = plain(f"{report.target} in {text.plural(len(report.modes), 'mode')}", "bold")
    said = [part for row in report.modes for part in _said(row)]
    return style.render([title, "", _table(report, style), *([""] if said else []), *said, *_legend(report, style)])


def _table(report: ModesReport, style: Style) -> Table:
    columns = _columns(report, wide=style.width >= _NARROW)
    head = table("<mode", *columns)
    for row in report.modes:
        name = plain(row.mode, "bold")
        if row.is_whole:
            head.add_row(name, *(plain(column(row)) for column in columns.values()))
        else:
            head.add_row(name, plain(row.status, STATUS_LOOKS.get(row.status, "yellow")))
    return head


def _columns(report: ModesReport, *, wide: bool) -> dict[str, Callable[[ModeRow], str]]:
    """Returns the columns behind the mode, by their heads."""
    columns: dict[str, Callable[[ModeRow], str]] = {
        ">step": lambda row: text.nanoseconds(row.step_ns),
        ">ratio": lambda row: _ratio(row, report.reference),
        ">first call": lambda row: text.nanoseconds(row.first_call_ns),
    }
    if wide:
        columns[">tracing"] = lambda row: text.nanoseconds(row.tracing_ns) if row.tracing_ns else "-"
    if _has_peak(report):
        columns[">peak"] = lambda row: text.byte_size(row.peak_bytes)
    if wide:
        columns[">process grew"] = lambda row: text.byte_size(row.rss_bytes)
    columns[">kernels"] = lambda row: "-" if row.kernels is None else text.count(row.kernels)
    columns["<difference"] = lambda row: _difference(row.difference, wide=wide)
    if wide:
        columns["run"] = lambda row: row.run.name if row.run else ""
    return columns


def _has_peak(report: ModesReport) -> bool:
    return any(row.peak_bytes is not None for row in report.modes)


def _ratio(row: ModeRow, reference: ModeRow | None) -> str:
    if reference is None or row is reference or not row.step_ns or not reference.step_ns:
        return ""
    return f"{row.step_ns / reference.step_ns:.3g}x"


def _difference(found: Difference | None, *, wide: bool) -> str:
    if found is None:
        return ""
    if found.absolute is None:
        return found.reason.partition(":")[0] if found.reason.startswith(NOT_COMPARABLE) else "see below"
    if not found.absolute:
        return "none"
    part = f" ({found.relative:.2g})" if wide and found.relative is not None else ""
    return f"{found.absolute:.2g}{part}"


def _legend(report: ModesReport, style: Style) -> list[Part]:
    """Returns what the columns are."""
    if report.is_empty:
        return []
    wide = style.width >= _NARROW
    part = ", and as a part of the largest number of its tensor" if wide else ""
    told = [
        "step: the median without the profiler. first call: without what the recording took.",
        f"ratio, difference: against {report.compared_with}; the largest difference of two returned numbers{part}.",
        "kernels: executed in a step." + (" process grew: from the first call to the profile." if wide else ""),
    ]
    if _has_peak(report):
        told.append("peak: bytes in use in a step, of the blocks that TensorFlow reports: on a CPU from 256 KiB.")
    return ["", *(Wrapped(plain(each, "dim"), indent=2) for each in told)]


def _said(row: ModeRow) -> list[Part]:
    """Returns what there is to say of a mode beside its row."""
    error = f"{row.error}: trace-scenario show {row.run.name}" if row.run else row.error
    lines = [(error, "red")] if row.error and not row.is_whole else []
    lines += [(note, "yellow") for note in row.notes]
    found = row.difference
    if found and found.absolute is None:
        lines.append((f"{found.reason}, in {found.where}" if found.where else found.reason, "yellow"))
    elif found and (found.relative is None or found.relative > _FAR):
        lines.append((f"the difference is in {found.where}", "yellow"))
    return [Wrapped(_with_mode(row, said, look), indent=2) for said, look in lines]


def _with_mode(row: ModeRow, said: str, look: str) -> Line:
    return (*plain(f"{row.mode}: ", "bold"), *plain(said, look))
