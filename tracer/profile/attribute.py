"""Executions to their owners: the nodes of recorded graphs, Python, tf.data, and TensorFlow itself.

Each execution goes to the node path that it bears; an instruction of XLA's to the nodes in its metadata, in equal
parts. What no graph can hold has an owner without a trace: an op that Python ran, a dataset, constant folding. What
finds none is counted by the reason why not, so that the sums are those of the profile.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tracer.profile.lookup import OF_NODE, Lookup, Owner, Recorded
from tracer.profile.model import Profile
from tracer.profile.sums import ByStep, Key, Sum, sums_of

_EXAMPLES = 5


class Kernel(NamedTuple):
    """A kernel that a node's executions ran; of XLA's the instruction, of which a node may have several."""

    name: str  # "_MklNativeFusedMatMul", XLA's "dot.2"
    calls: int
    self_ns: int
    program: str = ""  # of XLA that it is an instruction of; empty for other kernels


class NodeTime(NamedTuple):
    """What a node, or another owner, did on a device in the window, over all its executions."""

    trace: str  # of `Recorded`; empty if the owner is no node
    path: str  # node path; else the type of the op, or what the runtime did: see `kind`
    device: str
    step: int  # of `sums.StepKeys`, where steps are told apart; -1 outside of steps, and where not
    calls: int  # executions, on a device its kernels; a part of an instruction counts as one
    self_ns: int
    total_ns: int  # with what it called, and until it was done; a call inside its own is not counted again
    bytes: int  # that it allocated, as far as TensorFlow reports
    kernels: tuple[Kernel, ...]  # what ran, the most self time first
    shared: bool  # whether its time is a part of instructions that other nodes have theirs in, too
    peak_bytes: int = 0  # the most that were in use on the device while one of its executions ran; 0 if unknown
    held_bytes: int = 0  # of `bytes` what was in use at the moment when most was on the device, in the whole window
    kind: str = OF_NODE  # or "eager", "input", "runtime": see `lookup`
    in_input: bool = False  # whether tf.data ran it, in some executions at least


class Unattributed(NamedTuple):
    """Executions without an owner."""

    reason: str
    calls: int
    self_ns: int
    bytes: int
    held_bytes: int
    examples: tuple[str, ...]  # names of a few, those with the most time first


@dataclasses.dataclass(frozen=True, slots=True)
class Attribution:
    """Who used the time of profiles. All self times together are those of the executions."""

    nodes: tuple[NodeTime, ...]  # the most self time first
    unattributed: tuple[Unattributed, ...]  # a row for each reason, the most self time first
    calls: int  # executions, each once
    self_ns: int
    untraced: int = 0  # executions that TensorFlow did not trace, as far as their number is known: see `coverage`

    @property
    def coverage_calls(self) -> float:
        """The part of the traced executions that found an owner; 1 if there was none."""
        return self._found(self.calls)

    @property
    def coverage_nodes(self) -> float:
        """The part of all executions that found an owner, those not traced among them; 1 if there was none."""
        return self._found(self.calls + self.untraced)

    def _found(self, calls: int) -> float:
        return (self.calls - sum(row.calls for row in self.unattributed)) / calls if calls else 1.0

    @property
    def coverage_time(self) -> float:
        """The part of the self time that found an owner; 1 if there was none."""
        return 1 - sum(row.self_ns for row in self.unattributed) / self.self_ns if self.self_ns else 1.0


def attribute(
    profiles: Sequence[Profile], recorded: Sequence[Recorded], *, by_step: ByStep | None = None
) -> Attribution:
    """Returns the time and the memory of each owner on each device, over all profiles of a run.

    Args:
      profiles: of any number of hosts and sessions.
      recorded: the traces of the run.
      by_step: which steps have rows of their own: `sums.each_step`; none by default.
    """
    sums = sums_of(profiles, by_step)
    lookup = Lookup(recorded)
    cells: dict[tuple[Owner, str, int], _Cell] = {}
    lost: dict[str, list[tuple[Key, Sum]]] = {}
    for key, each in sums.items():
        owners = lookup.owners(key.op, key.run)
        if isinstance(owners, str):
            lost.setdefault(owners, []).append((key, each))
            continue
        for part, owner in enumerate(owners):
            cell = cells.setdefault((owner, lookup.device(owner, key.device), key.step), _Cell())
            cell.add(key, each, part, len(owners))
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
        self._kernels: dict[tuple[str, str], Sum] = {}
        self._shared = self._in_input = False

    def add(self, key: Key, each: Sum, part: int, parts: int) -> None:
        """Adds the executions of an op, or one of several equal parts of them; the first has what is left over."""
        mine = self._sum
        self_ns = _share(each.self_ns, part, parts)
        mine.calls += each.calls
        mine.self_ns += self_ns
        mine.total_ns += _share(each.total_ns, part, parts)
        mine.add_memory(_share(each.bytes, part, parts), each.peak_bytes, _share(each.held_bytes, part, parts))
        if key.op.type or key.op.module:
            kernel = (key.op.type or key.op.name, key.op.module)
            self._kernels.setdefault(kernel, Sum()).add(each.calls, self_ns, 0)
        self._shared |= parts > 1
        self._in_input |= key.run.input

    def node(self, owner: Owner, device: str, step: int) -> NodeTime:
        """Returns the sums."""
        mine = self._sum
        return NodeTime(
            trace=owner.trace,
            path=owner.path,
            device=device,
            step=step,
            calls=mine.calls,
            self_ns=mine.self_ns,
            total_ns=mine.total_ns,
            bytes=mine.bytes,
            kernels=kernels_of(self._kernels),
            shared=self._shared,
            peak_bytes=mine.peak_bytes,
            held_bytes=mine.held_bytes,
            kind=owner.kind,
            in_input=self._in_input,
        )


def kernels_of(sums: Mapping[tuple[str, str], Sum]) -> tuple[Kernel, ...]:
    """Returns kernels by their names and programs, the most self time first."""
    found = (Kernel(name, each.calls, each.self_ns, of) for (name, of), each in sums.items() if each.calls)
    return tuple(sorted(found, key=lambda kernel: (-kernel.self_ns, kernel)))


def _share(whole: int, part: int, parts: int) -> int:
    return whole // parts + (whole % parts if part == 0 else 0)


def _unattributed(reason: str, rows: list[tuple[Key, Sum]]) -> Unattributed:
    rows.sort(key=lambda row: (-row[1].self_ns, row[0]))
    total = Sum()
    for _, each in rows:
        total.add(each.calls, each.self_ns, each.total_ns)
        total.add_memory(each.bytes, each.peak_bytes, each.held_bytes)
    examples = tuple(dict.fromkeys(key.op.name for key, _ in rows))[:_EXAMPLES]
    return Unattributed(reason, total.calls, total.self_ns, total.bytes, total.held_bytes, examples)


def _most_first(row: NodeTime | Unattributed) -> tuple[int, tuple[object, ...]]:
    return (-row.self_ns, row)
