"""Time and memory by what nodes have in common: layer, module, phase, op, device, step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from tracer.errors import NotFound, did_you_mean
from tracer.profile.attribute import Unattributed
from tracer.report.listing import Listing, listing
from tracer.report.timed import Sums, TimedReport, most_first, nodes_of, rest_of, summed, total_ns
from tracer.timing.phases import PHASES
from tracer.timing.timing import TimedNode, Timing


def _layer(node: TimedNode) -> str:
    module = node.owner.module
    return module.name if module else f"(no layer: {node.owner.phase})"


def _module(node: TimedNode) -> str:
    """Returns the module that holds a node's layer; the outermost holds itself."""
    module = node.owner.module
    if module is None:
        return f"(no module: {node.owner.phase})"
    name = module.name.partition(" or ")[0]  # where it may be of several, they hang together more often than not
    return name.rpartition(".")[0] or name


_KEYS: Mapping[str, Callable[[TimedNode], str]] = {
    "layer": _layer,
    "module": _module,
    "phase": lambda node: node.owner.phase,
    "op": lambda node: node.op,
    "device": lambda node: node.time.device,
}
GROUPS = ("scope", *_KEYS, "step")


@dataclasses.dataclass(frozen=True, slots=True)
class GroupRow:
    """What the nodes of a group took."""

    name: str
    detail: str  # the class of a layer: "Conv2D"; else empty
    sums: Sums


@dataclasses.dataclass(frozen=True, slots=True)
class GroupsReport(TimedReport):
    """The groups of what was executed in a run's window."""

    by: str
    function: str  # only of its nodes; empty for all
    sort: str  # the order that was asked for; empty for that of the program
    groups: Listing[GroupRow]
    unattributed: tuple[Unattributed, ...]  # executions without a node
    self_ns: int  # of all that the report is about, listed or not


def check_group(by: str) -> None:
    """Raises `NotFound` if there is no such group."""
    if by not in GROUPS:
        raise NotFound(f"nothing is grouped by '{by}'", hint=did_you_mean(by, GROUPS, otherwise=", ".join(GROUPS)))


def groups_report(timing: Timing, by: str, *, function: str = "", sort: str = "", top: int = 0) -> GroupsReport:
    """Returns the groups of what was executed, the most expensive first; phases in their own order.

    Args:
      timing: of the run.
      by: `layer`, `module`, `phase`, `op` or `device`; steps have a report of their own.
      function: only of the nodes of this function, or of this trace of it: `step#2`.
      sort: `self`, `total`, `calls`, `bytes`, `peak` or `held`.
      top: how many groups to list, 0 for all.

    Raises:
      NotFound: no such group, function or order.
    """
    check_group(by)
    nodes = nodes_of(timing, function)
    found = summed(nodes, _KEYS[by])
    details = _classes(timing) if by == "layer" else {}
    rows = most_first((GroupRow(name, details.get(name, ""), sums) for name, sums in found.items()), sort or "self")
    if not sort and by == "phase":
        rows.sort(key=lambda row: PHASES.index(row.name))
    return GroupsReport(
        timing=timing,
        by=by,
        function=function,
        sort=sort,
        groups=listing(rows, top=top),
        unattributed=rest_of(timing, function),
        self_ns=total_ns(timing, function),
    )


def _classes(timing: Timing) -> dict[str, str]:
    return {module.name: module.class_name for trace in timing.run.traces for module in trace.modules}
