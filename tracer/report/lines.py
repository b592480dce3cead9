"""Source lines with the time of the nodes that they made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from tracer.graph.lines import Frame
from tracer.recorded import Run, Source
from tracer.report.listing import Listing, listing
from tracer.report.timed import Sums, TimedReport, most_first, nodes_of, rest_of, summed, sums_of, total_ns
from tracer.timing.timing import TimedNode, Timing

Place = tuple[str, int]  # file and line


@dataclasses.dataclass(frozen=True, slots=True)
class LineRow:
    """A line, and the time of the nodes that it made."""

    file: str
    line: int
    function: str  # the Python function that it stands in
    text: str  # as recorded; empty if the file was not kept
    sums: Sums  # of the nodes that the line made itself
    below_ns: int  # of those too that were made in functions which the line called
    gradient_ns: int  # of the gradients of its nodes; that time is the own time of the line that asked for gradients


@dataclasses.dataclass(frozen=True, slots=True)
class FileRow:
    """A file with time in it."""

    source: Source
    self_ns: int


@dataclasses.dataclass(frozen=True, slots=True)
class LinesReport(TimedReport):
    """The lines behind what was executed in a run's window."""

    function: str  # only of its nodes; empty for all
    sort: str  # the name of their order
    lines: Listing[LineRow]
    files: tuple[FileRow, ...]  # of all lines, most time first
    without_line: Mapping[str, Sums]  # of which no line of the user's is known, by the reason
    unattributed: Sums  # executions without a node
    self_ns: int  # of all that the report is about, listed or not


def lines_report(timing: Timing, *, function: str = "", sort: str = "self", top: int = 0) -> LinesReport:
    """Returns the lines behind what was executed, the most expensive first.

    Args:
      timing: of the run.
      function: only of the nodes of this function, or of this trace of it: `step#2`.
      sort: `self`, `total`, `calls`, `bytes`, `peak` or `held`; `total` has what a line called counted as well.
      top: how many lines to list, 0 for all.

    Raises:
      NotFound: no such function, or no such order.
    """
    nodes = nodes_of(timing, function)
    sources: dict[str, Source] = {}
    rows = _rows(timing.run, nodes, sources)
    ordered = most_first(rows, sort)
    if sort == "total":
        ordered.sort(key=lambda row: -row.below_ns)
    return LinesReport(
        timing=timing,
        function=function,
        sort=sort,
        lines=listing(ordered, top=top),
        files=_files(rows, sources),
        without_line=summed((node for node in nodes if node.without_line), lambda node: node.without_line),
        unattributed=sums_of(rest_of(timing, function)),
        self_ns=total_ns(timing, function),
    )


def _rows(run: Run, nodes: Iterable[TimedNode], sources: dict[str, Source]) -> list[LineRow]:
    own: dict[Place, Sums] = {}
    below: dict[Place, int] = {}
    gradients: dict[Place, int] = {}
    functions: dict[Place, str] = {}
    for node in nodes:
        stack = node.owner.stack
        places = {}
        for frame in stack:
            places[_place(frame)] = frame.function
        for place, name in places.items():  # a line that called itself has the time once
            below[place] = below.get(place, 0) + node.time.self_ns
            functions[place] = name
        if stack:
            own.setdefault(_place(stack[-1]), Sums()).add(node)
        if node.owner.gradient_of:
            place = _place(node.owner.gradient_of)
            gradients[place] = gradients.get(place, 0) + node.time.self_ns
            functions.setdefault(place, node.owner.gradient_of.function)
            below.setdefault(place, 0)
    return [
        LineRow(
            file=place[0],
            line=place[1],
            function=functions[place],
            text=_text(run, place, sources),
            sums=own.get(place, Sums()),
            below_ns=below[place],
            gradient_ns=gradients.get(place, 0),
        )
        for place in below
    ]


def _place(frame: Frame) -> Place:
    return (frame.file, frame.line)


def _text(run: Run, place: Place, sources: dict[str, Source]) -> str:
    file, line = place
    if file not in sources:
        sources[file] = run.source(file)
    lines = sources[file].lines
    return lines[line - 1] if 0 < line <= len(lines) else ""


def _files(rows: Iterable[LineRow], sources: dict[str, Source]) -> tuple[FileRow, ...]:
    own: dict[str, int] = {}
    for row in rows:
        own[row.file] = own.get(row.file, 0) + row.sums.self_ns
    return tuple(FileRow(sources[file], own[file]) for file in sorted(own, key=lambda file: (-own[file], file)))
