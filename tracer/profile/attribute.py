"""Executions to the nodes of recorded graphs.

Each execution goes to the node path that it bears; an instruction of XLA's to the nodes in its metadata, in equal
parts. What finds no node is counted by the reason why not, so that the sums are those of the profile.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tracer.profile.lookup import Lookup, Recorded
from tracer.profile.model import Op, Profile
from tracer.profile.sums import Key, Sum, add_sums

_EXAMPLES = 5


class NodeTime(NamedTuple):
    """What a node did on a device in the window, over all its executions."""

    trace: str  # of `Recorded`
    path: str
    device: str
    step: int  # number of the step, where they are told apart; -1 outside of steps, and where not
    calls: int  # executions, on a device its kernels; a part of an instruction counts as one
    self_ns: int
    total_ns: int  # with what it called, and until it was done; a call inside its own is not counted again
    bytes: int  # that it allocated, as far as TensorFlow reports
    kernels: tuple[str, ...]  # what ran: "_MklNativeFusedMatMul"; XLA's instructions: "add_maximum_fusion"
    shared: bool  # whether its time is a part of instructions that other nodes have theirs in, too


class Unattributed(NamedTuple):
    """Executions without a node."""

    reason: str
    calls: int
    self_ns: int
    bytes: int
    examples: tuple[str, ...]  # names of a few, those with the most time first


@dataclasses.dataclass(frozen=True, slots=True)
class Attribution:
    """Who used the time of profiles. All self times together are those of the executions."""

    nodes: tuple[NodeTime, ...]  # the most self time first
    unattributed: tuple[Unattributed, ...]  # a row for each reason, the most self time first
    calls: int  # executions, each once
    self_ns: int

    @property
    def coverage_calls(self) -> float:
        """The part of the executions that found a node; 1 if there was none."""
        return 1 - sum(row.calls for row in self.unattributed) / self.calls if self.calls else 1.0

    @property
    def coverage_time(self) -> float:
        """The part of the self time that found a node; 1 if there was none."""
        return 1 - sum(row.self_ns for row in self.unattributed) / self.self_ns if self.self_ns else 1.0


def attribute(profiles: Iterable[Profile], recorded: Sequence[Recorded], *, by_step: bool = False) -> Attribution:
    """Returns the time and the memory of each node on each device, over all profiles of a run.

    Args:
      profiles: of any number of hosts and sessions.
      recorded: the traces of the run.
      by_step: whether each step has rows of its own.
    """
    sums: dict[Key, Sum] = {}
    for profile in profiles:
        add_sums(profile, sums, by_step=by_step)
    lookup = Lookup(recorded)
    cells: dict[tuple[str, str, str, int], _Cell] = {}
    lost: dict[str, list[tuple[Key, Sum]]] = {}
    for key, each in sums.items():
        places = lookup.places(key.op, key.run)
        if isinstance(places, str):
            lost.setdefault(places, []).append((key, each))
            continue
        for part, (trace, path) in enumerate(places):
            cell = cells.setdefault((trace, path, key.device, key.step), _Cell())
            cell.add(key.op, each, part, len(places))
    return Attribution(
        nodes=tuple(sorted((cell.node(*where) for where, cell in cells.items()), key=_most_first)),
        unattributed=tuple(sorted((_unattributed(reason, rows) for reason, rows in lost.items()), key=_most_first)),
        calls=sum(each.calls for each in sums.values()),
        self_ns=sum(each.self_ns for each in sums.values()),
    )


class _Cell:
    """A node's sums while they grow."""

    def __init__(self) -> None:
        self._sum = Sum()
        self._kernels: dict[str, None] = {}
        self._shared = False

    def add(self, op: Op, each: Sum, part: int, parts: int) -> None:
        """Adds the executions of an op, or one of several equal parts of them; the first has what is left over."""
        mine = self._sum
        mine.calls += each.calls
        mine.self_ns += _share(each.self_ns, part, parts)
        mine.total_ns += _share(each.total_ns, part, parts)
        mine.bytes += _share(each.bytes, part, parts)
        if op.type:
            self._kernels[op.type] = None
        self._shared |= parts > 1

    def node(self, trace: str, path: str, device: str, step: int) -> NodeTime:
        mine = self._sum
        kernels = tuple(sorted(self._kernels))
        return NodeTime(
            trace, path, device, step, mine.calls, mine.self_ns, mine.total_ns, mine.bytes, kernels, self._shared
        )


def _share(whole: int, part: int, parts: int) -> int:
    return whole // parts + (whole % parts if part == 0 else 0)


def _unattributed(reason: str, rows: list[tuple[Key, Sum]]) -> Unattributed:
    rows.sort(key=lambda row: (-row[1].self_ns, row[0]))
    total = Sum()
    for _, each in rows:
        total.add(each.calls, each.self_ns, each.total_ns, each.bytes)
    examples = tuple(dict.fromkeys(key.op.name for key, _ in rows))[:_EXAMPLES]
    return Unattributed(reason, total.calls, total.self_ns, total.bytes, examples)


def _most_first(row: NodeTime | Unattributed) -> tuple[int, tuple[object, ...]]:
    return (-row.self_ns, row)
