"""A run at a glance: what a notebook's cell and a page of HTML show of it."""

from __future__ import annotations

import dataclasses

from tracer.errors import NotFound, TracerError, UsageError
from tracer.graph.inline import LIMIT
from tracer.recorded import GRAPH_STAGES, Run, Warned
from tracer.report.lines import LinesReport, lines_report
from tracer.report.ops import OpsReport, ops_report
from tracer.report.picture import LEVELS, Picture, picture
from tracer.report.show import ShowReport, show_report
from tracer.report.summary import Statement, run_summary


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """A run: its functions, its time in words and by line and node, and a picture of one graph."""

    run: Run
    show: ShowReport | None  # None where the graph cannot be shown, for the reason in `problem`
    problem: Warned | None
    summary: tuple[Statement, ...]
    lines: LinesReport | None  # None without a profile, as the next one
    ops: OpsReport | None
    picture: Picture | None  # None where there is no graph


def overview(
    run: Run,
    *,
    function: str | None = None,
    stage: str = "traced",
    scope: str = "",
    raw: bool = False,
    limit: int = LIMIT,
) -> Overview:
    """Returns a run at a glance. What cannot be read, or is too large, is told in it: the rest is worth seeing.

    Raises:
      NotFound: no such function, stage or scope.
      UsageError: the stage is a text.
    """
    if stage not in GRAPH_STAGES:
        hint = f"it shows {' and '.join(GRAPH_STAGES)}; texts: trace-scenario show --stage {stage}"
        raise UsageError(f"no picture of the stage '{stage}'", hint=hint)
    problem, shown = None, None
    try:
        shown = show_report(run, function=function, stage=stage, scope=scope, raw=raw, depth=LEVELS, limit=limit)
    except (NotFound, UsageError):
        raise
    except TracerError as error:
        problem = Warned("damaged", error.message, error.hint)
    timing = shown.timing if shown else None
    return Overview(
        run=run,
        show=shown,
        problem=problem,
        summary=run_summary(run, timing),
        lines=lines_report(timing) if timing else None,
        ops=ops_report(timing) if timing else None,
        picture=picture(shown.tree.items, shown.all_rows) if shown else None,
    )
