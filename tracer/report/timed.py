"""What the views of time share: which nodes they are about, their order, and sums over them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from tracer.errors import NotFound, did_you_mean
from tracer.profile.attribute import Unattributed
from tracer.recorded import Run
from tracer.report.show import chosen_trace
from tracer.timing.timing import TimedNode, Timing

UNATTRIBUTED = "(unattributed)"
SORTS = ("self", "total", "calls", "bytes", "peak", "held")

_Key = TypeVar("_Key", bound=Hashable)


@dataclasses.dataclass(frozen=True, slots=True)
class TimedReport:
    """What all reports on time have."""

    timing: Timing

    @property
    def is_partial(self) -> bool:
        """Whether something is left out because it is damaged."""
        return bool(self.timing.damaged)


@dataclasses.dataclass(slots=True)
class Sums:
    """What several nodes took together."""

    nodes: int = 0
    calls: int = 0
    self_ns: int = 0
    total_ns: int = 0
    bytes: int = 0
    peak_bytes: int = 0  # the most that were in use while one of them ran: no sum
    held_bytes: int = 0  # of `bytes` what was in use at the window's peak
    phases: dict[str, int] = dataclasses.field(default_factory=dict)  # self time of each phase

    def add(self, node: TimedNode) -> None:
        """Adds a node."""
        time = node.time
        self.nodes += 1
        self.calls += time.calls
        self.self_ns += time.self_ns
        self.total_ns += time.total_ns
        self.bytes += time.bytes
        self.peak_bytes = max(self.peak_bytes, time.peak_bytes)
        self.held_bytes += time.held_bytes
        phase = node.owner.phase
        self.phases[phase] = self.phases.get(phase, 0) + time.self_ns


class Measured(Protocol):
    """A row with the numbers by which rows are sorted."""

    @property
    def sums(self) -> Sums:
        """The numbers."""


_BY: Mapping[str, Callable[[Sums], int]] = {
    "self": lambda sums: sums.self_ns,
    "total": lambda sums: sums.total_ns,
    "calls": lambda sums: sums.calls,
    "bytes": lambda sums: sums.bytes,
    "peak": lambda sums: sums.peak_bytes,
    "held": lambda sums: sums.held_bytes,
}

_Row = TypeVar("_Row", bound=Measured)


def most_first(rows: Iterable[_Row], sort: str = "self") -> list[_Row]:
    """Returns rows in the order that has a name; equal ones stay as they are.

    Raises:
      NotFound: there is no such order.
    """
    if sort not in _BY:
        raise NotFound(f"no order named '{sort}'", hint=did_you_mean(sort, SORTS, otherwise=", ".join(SORTS)))
    return sorted(rows, key=lambda row: -_BY[sort](row.sums))


def summed(nodes: Iterable[TimedNode], key: Callable[[TimedNode], _Key]) -> dict[_Key, Sums]:
    """Returns the sums of the nodes of each key, in the order in which the keys come."""
    found: dict[_Key, Sums] = {}
    for node in nodes:
        found.setdefault(key(node), Sums()).add(node)
    return found


def nodes_of(timing: Timing, function: str = "") -> Sequence[TimedNode]:
    """Returns the nodes of a function, or of one trace of it: `step#2`; all nodes if it is empty.

    Raises:
      NotFound: there is no such function or trace, or it did not run by itself.
    """
    if not function:
        return timing.nodes
    traces = _traces(timing.run, function)
    found = [node for node in timing.nodes if node.time.trace in traces]
    if not found:
        raise NotFound(
            f"'{function}' did not run by itself in the window",
            hint="inside another function it is a part of that one: leave out --function, or name the caller",
        )
    return found


def rest_of(timing: Timing, function: str = "") -> tuple[Unattributed, ...]:
    """Returns what has no node: none of it is of one function."""
    return () if function else timing.unattributed


def sums_of(rest: Iterable[Unattributed]) -> Sums:
    """Returns what executions without a node took together."""
    rows = list(rest)
    return Sums(
        calls=sum(row.calls for row in rows),
        self_ns=sum(row.self_ns for row in rows),
        bytes=sum(row.bytes for row in rows),
        held_bytes=sum(row.held_bytes for row in rows),
    )


def total_ns(timing: Timing, function: str = "") -> int:
    """Returns the self time of a function's nodes, or of everything."""
    return sum(node.time.self_ns for node in nodes_of(timing, function)) if function else timing.self_ns


def _traces(run: Run, function: str) -> frozenset[str]:
    if function in run.functions or "#" not in function:
        return frozenset(trace.id for trace in run.functions[function].traces)
    return frozenset({chosen_trace(run, function).id})
