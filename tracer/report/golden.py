"""A graph that a test keeps, and the one that its function is traced to now, to what changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tracer.graph.diff import diff_graphs
from tracer.graph.inline import Inlined
from tracer.report.changes import Change, graph_changes, rolled_up
from tracer.report.listing import Listing, listing


@dataclasses.dataclass(frozen=True, slots=True)
class GoldenReport:
    """What changed from the graph that is kept."""

    function: str
    golden: str  # the file that keeps it
    signatures: tuple[str, str]  # what it was traced for, and is now
    sizes: tuple[int, int]  # nodes before and after
    nodes: Mapping[str, int]  # added, removed, changed, same
    rows: Listing[Change]  # whole scopes that came or went in one row

    @property
    def equal(self) -> bool:
        """Whether nothing changed but the numbers in names."""
        return not self.rows.total


def golden_report(
    function: str,
    golden: str,
    graphs: tuple[Inlined, Inlined],
    *,
    signatures: tuple[str, str] = ("", ""),
    top: int = 0,
) -> GoldenReport:
    """Returns what changed from the first graph to the second.

    Args:
      function: the name of the function whose graphs they are.
      golden: the file that the first graph is from.
      graphs: the graph that is kept, and the one of now.
      signatures: what each was traced for.
      top: how many changes to list, 0 for all.
    """
    diff = diff_graphs(*graphs)
    rows = list(rolled_up(function, list(graph_changes(function, diff)), *(diff.sides)))
    nodes = {"added": diff.added, "removed": diff.removed, "changed": diff.changed, "same": diff.same}
    sizes = len(graphs[0].nodes), len(graphs[1].nodes)
    return GoldenReport(function, golden, signatures, sizes, nodes, listing(rows, top=top))
