"""What was executed, node by node."""

from __future__ import annotations

import dataclasses

from tracer.graph.lines import Frame
from tracer.profile.attribute import Unattributed
from tracer.report.listing import Listing, listing
from tracer.report.timed import Sums, TimedReport, most_first, nodes_of, rest_of, total_ns
from tracer.timing.timing import TimedNode, Timing


@dataclasses.dataclass(frozen=True, slots=True)
class OpRow:
    """A node and what it took on one device."""

    node: TimedNode
    sums: Sums

    @property
    def source(self) -> Frame | None:
        """The line of the user's that made it."""
        stack = self.node.owner.stack
        return stack[-1] if stack else None


@dataclasses.dataclass(frozen=True, slots=True)
class OpsReport(TimedReport):
    """The nodes that were executed in a run's window."""

    function: str  # only its nodes; empty for all
    sort: str  # the name of their order
    ops: Listing[OpRow]
    unattributed: tuple[Unattributed, ...]  # executions without a node
    self_ns: int  # of all that the report is about, listed or not


def ops_report(timing: Timing, *, function: str = "", sort: str = "self", top: int = 0) -> OpsReport:
    """Returns the nodes that were executed, the most expensive first.

    Args:
      timing: of the run.
      function: only the nodes of this function, or of this trace of it: `step#2`.
      sort: `self`, `total`, `calls`, `bytes`, `peak` or `held`.
      top: how many nodes to list, 0 for all.

    Raises:
      NotFound: no such function, or no such order.
    """
    rows = []
    for node in nodes_of(timing, function):
        sums = Sums()
        sums.add(node)
        rows.append(OpRow(node, sums))
    return OpsReport(
        timing=timing,
        function=function,
        sort=sort,
        ops=listing(most_first(rows, sort), top=top),
        unattributed=rest_of(timing, function),
        self_ns=total_ns(timing, function),
    )
