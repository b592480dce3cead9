"""How runs and reports show themselves in IPython: a page below a notebook's cell, text in a terminal.

IPython looks for these by the names of their classes when it has a value to show, so nothing is loaded before.
"""

from __future__ import annotations

import functools
import importlib
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracer.recorded import Run

_RUNS = (("tracer.recorded", "Run"), ("tracer.capture.session", "Session"))
_PAGES = {  # of the reports that the verbs return: the function that makes a terminal's page of it
    ("tracer.report.show", "ShowReport"): "show.show",
    ("tracer.report.groups", "GroupsReport"): "times.groups",
    ("tracer.report.steps", "StepsReport"): "times.steps",
    ("tracer.report.ops", "OpsReport"): "times.ops",
    ("tracer.report.lines", "LinesReport"): "times.lines",
    ("tracer.report.stacks", "StacksReport"): "times.stacks",
    ("tracer.report.retraces", "RetracesReport"): "retraces.retraces",
    ("tracer.report.lint", "LintReport"): "lint.lint",
    ("tracer.report.diff", "DiffReport"): "diff.diff",
    ("tracer.report.modes", "ModesReport"): "modes.modes",
    ("tracer.report.runs", "RunsReport"): "lists.runs",
}
_ROWS = 60  # of a list, on a page that nobody limited


def register(shell: Any) -> None:
    """Tells an IPython shell how to show runs and reports."""
    formatter = shell.display_formatter
    html, plain = (formatter.formatters[kind] for kind in ("text/html", "text/plain"))
    for module, name in _RUNS:
        html.for_type_by_name(module, name, run_html)
        plain.for_type_by_name(module, name, functools.partial(_run_text, formatter))
    for (module, name), page in _PAGES.items():
        plain.for_type_by_name(module, name, functools.partial(_report_text, page))


def run_html(recorded: Any) -> str | None:
    """Returns a run, or what a session recorded, as a piece of HTML; None of a session that is still open."""
    from tracer.collector import paused_collector
    from tracer.render.html.page import fragment
    from tracer.report.overview import overview

    run = _run_of(recorded)
    if run is None:
        return None
    with paused_collector():
        return fragment(overview(run))


def _run_text(formatter: Any, recorded: Any, printer: Any, _cycle: bool) -> None:
    run = _run_of(recorded)
    if run is None or "text/html" in formatter.active_types:  # where the page is shown, a name is enough
        printer.text(repr(recorded))
        return
    from tracer.report.show import show_report

    _report_text("show.show", show_report(run, top=_ROWS), printer, False)


def _report_text(page: str, report: Any, printer: Any, _cycle: bool) -> None:
    from tracer.render.text import Style

    module, _, name = page.partition(".")
    render: Callable[[Any, Any], str] = getattr(importlib.import_module(f"tracer.render.text.{module}"), name)
    printer.text(render(report, Style(width=shutil.get_terminal_size((100, 24)).columns)).rstrip("\n"))


def _run_of(recorded: Any) -> Run | None:
    """Returns the run itself, or that of a session; None of a session that is open or could not be written."""
    from tracer.errors import SessionActive
    from tracer.recorded import Run

    if isinstance(recorded, Run):
        return recorded
    try:
        run: Run = recorded.run
    except SessionActive:
        return None
    return run
