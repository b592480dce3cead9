"""The tables of what there is: scenarios, runs, checks, what was removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracer import text
from tracer.render.text.layout import Piece, wrap
from tracer.render.text.style import STATUS_LOOKS, Part, Style, Wrapped, more, plain, table

if TYPE_CHECKING:
    from tracer.diagnose import Check
    from tracer.discover.listing import ListedScenario
    from tracer.report.runs import RunsReport
    from tracer.store.prune import OldRun

_INDENT = 2  # of what stands below a row
_MARKS = {"ok": "ok", "warning": "!", "error": "x"}
_CHECK_LOOKS = {"ok": "green", "warning": "yellow", "error": "red"}


def scenarios(listed: Sequence[ListedScenario], style: Style) -> str:
    """Returns the table that `list` prints; on a narrow page what a scenario shows stands below its name."""
    shown, narrow = table("scenario", "what it shows", "parameters"), table("scenario", "parameters")
    for entry in listed:
        summary = entry.summary if entry.origin == "built-in" else f"{entry.summary} ({entry.origin})"
        parameters = ", ".join(f"{p.name}={p.default}" if not p.required else p.name for p in entry.parameters)
        shown.add_row(plain(entry.name, "bold"), plain(summary), plain(parameters, "dim"))
        narrow.add_row(plain(entry.name, "bold"), plain(parameters, "dim"))
        for line in wrap(plain(summary), style.width - _INDENT):
            narrow.add_span((Piece(" " * _INDENT), *line))
    return style.render([shown if shown.fits(style.width) else narrow])


def runs(report: RunsReport, style: Style) -> str:
    """Returns the table that `runs` prints, newest first."""
    if not report.runs.items:
        return style.render([f"no runs in {report.logdir}"])
    shown = table("run", "status", "started", ">steps", ">functions", ">size")
    narrow = table("run", "status", ">steps", ">functions", ">size")  # the run's name has the time too
    for row in report.runs.items:
        name, status = plain(row.run), plain(row.status, STATUS_LOOKS.get(row.status, ""))
        steps = "-" if row.steps is None else text.count(row.steps)
        numbers = (steps, text.count(row.functions), text.byte_size(row.bytes))
        shown.add_row(name, status, plain(row.started.replace("T", " ")[:19]), *numbers)
        narrow.add_row(name, status, *numbers)
    parts: list[Part] = [shown if shown.fits(style.width) else narrow]
    if report.runs.truncated:
        parts.append(more(report.runs.total - len(report.runs.items), "run"))
    parts += [Wrapped(plain(f"warning: {row.warning}", "yellow")) for row in report.runs.items if row.warning]
    return style.render(parts)


def checks(found: Sequence[Check], style: Style) -> str:
    """Returns the table that `doctor` prints, a line of remedy under each trouble."""
    shown = table("", "check", "what was found")
    for check in found:
        shown.add_row(plain(_MARKS[check.state], _CHECK_LOOKS[check.state]), plain(check.name), plain(check.message))
        if check.remedy:
            shown.add_row((), (), plain(f"remedy: {check.remedy}", "dim"))
    return style.render([shown])


def pruned(removed: Sequence[OldRun], style: Style, *, dry_run: bool) -> str:
    """Returns what `prune` prints: each run that went, and what that freed."""
    verb = "would remove" if dry_run else "removed"
    lines = [f"{verb} {run.path.parent.name}/{run.path.name}  {text.byte_size(run.bytes)}" for run in removed]
    total = text.byte_size(sum(run.bytes for run in removed))
    return style.render([*map(plain, lines), f"{verb} {text.plural(len(removed), 'run')}, {total}"])
