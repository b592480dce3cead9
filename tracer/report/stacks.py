"""The call stacks of Python behind the time: which lines, called from which."""

from __future__ import annotations

import dataclasses

from tracer.graph.lines import Stack
from tracer.report.listing import Listing, listing
from tracer.report.timed import Sums, TimedReport, most_first, nodes_of, rest_of, summed, sums_of, total_ns
from tracer.timing.timing import Timing


@dataclasses.dataclass(frozen=True, slots=True)
class StackRow:
    """A call stack, and the time of the nodes that it made."""

    frames: Stack  # the user's lines, the outermost first; empty where none is known
    reason: str  # why none is known
    op: str  # of the nodes, where stacks are told apart by it; else empty
    sums: Sums


@dataclasses.dataclass(frozen=True, slots=True)
class StacksReport(TimedReport):
    """The stacks behind what was executed in a run's window."""

    function: str  # only of its nodes; empty for all
    sort: str  # the name of their order
    stacks: Listing[StackRow]
    unattributed: Sums  # executions without a node
    self_ns: int  # of all that the report is about, listed or not


def stacks_report(
    timing: Timing, *, function: str = "", sort: str = "self", top: int = 0, by_op: bool = False
) -> StacksReport:
    """Returns the stacks behind what was executed, the most expensive first.

    Args:
      timing: of the run.
      function: only of the nodes of this function, or of this trace of it: `step#2`.
      sort: `self`, `total`, `calls`, `bytes`, `peak` or `held`.
      top: how many stacks to list, 0 for all.
      by_op: a row for each op that a stack made, not one for all of them.

    Raises:
      NotFound: no such function, or no such order.
    """
    found = summed(
        nodes_of(timing, function), lambda node: (node.owner.stack, node.without_line, node.op if by_op else "")
    )
    rows = [StackRow(stack, reason, op, sums) for (stack, reason, op), sums in found.items()]
    return StacksReport(
        timing=timing,
        function=function,
        sort=sort,
        stacks=listing(most_first(rows, sort), top=top),
        unattributed=sums_of(rest_of(timing, function)),
        self_ns=total_ns(timing, function),
    )
