"""What ran when: the executions of a run's window on the threads of each host, with what each was."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Iterable, Iterator, Sequence

from tracer.graph.lines import Stack
from tracer.profile.lookup import OF_INPUT, OF_NODE, Lookup, Owner
from tracer.profile.model import KERNEL, FunctionRun, Op, Profile
from tracer.report.timed import nodes_of
from tracer.timing.owners import NOBODY
from tracer.timing.phases import INPUT
from tracer.timing.timing import Timing


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """What executions on a timeline have in common."""

    name: str  # node path; of an instruction of XLA's that is several nodes' its own name
    op: str  # "MatMul"; empty if unknown
    kernel: str  # what ran for it, where that has another name: "_MklMatMul"
    kind: str  # of `profile.model`: "node", "async", "eager", "xla", "kernel"
    function: str  # the Python function in whose trace the node is; empty if it is in none
    nodes: tuple[str, ...]  # the nodes that share it; empty if it is nobody's
    stack: Stack  # the user's lines that made it, the outermost first
    phase: str
    module: str  # the layer or module; empty if there is none
    reason: str  # why it is nobody's; else empty


@dataclasses.dataclass(frozen=True, slots=True)
class Timeline:
    """The executions that one host's profiler saw."""

    profile: Profile
    labels: tuple[Label, ...]
    label: array[int]  # of each execution, index into `labels`; -1 if the view is not about it

    def rows(self) -> dict[int, list[int]]:
        """Returns the executions of each thread that has any, by start."""
        found: dict[int, list[int]] = {}
        for row, (thread, label) in enumerate(zip(self.profile.executions.thread, self.label, strict=True)):
            if label >= 0:
                found.setdefault(thread, []).append(row)
        return found

    def events(self, rows: Iterable[int]) -> Iterator[tuple[int, int, bool]]:
        """Yields when an execution of a thread opens or closes, which one, and whether it opens; in order.

        Each closes before the one around it. One that is still open when the one around it ends, which only damaged
        files have, closes with it.
        """
        starts, ends = self.profile.executions.start_ns, self.profile.executions.end_ns
        opened: list[tuple[int, int]] = []  # end and row
        for row in rows:
            start, end = starts[row], ends[row]
            while opened and opened[-1][0] <= start:
                yield (*opened.pop(), False)
            yield start, row, True
            opened.append((min(end, opened[-1][0]) if opened else end, row))
        while opened:
            yield (*opened.pop(), False)

    def launches(self) -> dict[int, int]:
        """Returns the execution that launched each kernel, where only one comes into question.

        A kernel has the op and the run of the execution that launched it; in a loop several have these.
        """
        rows, ops = self.profile.executions, self.profile.ops
        wanted = [row for row, op in enumerate(rows.op) if ops[op].kind == KERNEL and ops[op].name]
        if not wanted:
            return {}
        hosts: dict[tuple[str, int], int] = {}
        for row, (op, run) in enumerate(zip(rows.op, rows.run, strict=True)):
            if ops[op].kind != KERNEL:
                key = (ops[op].name, run)
                hosts[key] = -1 if key in hosts else row  # several: which of them it was, nobody knows
        found = {row: hosts.get((ops[rows.op[row]].name, rows.run[row]), -1) for row in wanted}
        return {row: host for row, host in found.items() if host >= 0 and self.label[host] >= 0 <= self.label[row]}


def timelines(timing: Timing, *, function: str = "") -> tuple[Timeline, ...]:
    """Returns what ran when, on each host.

    Args:
      timing: of the run.
      function: only the nodes of this function, or of this trace of it: `step#2`.

    Raises:
      NotFound: no such function or trace.
    """
    traces = frozenset(node.time.trace for node in nodes_of(timing, function)) if function else None
    labels = _Labels(timing, traces)
    return tuple(labels.of(profile) for profile in timing.profiles)


class _Labels:
    """Finds the label of each execution; what has the same op in the same function has the same."""

    def __init__(self, timing: Timing, traces: frozenset[str] | None) -> None:
        self._timing = timing
        self._traces = traces
        self._lookup = Lookup([owners.recorded() for owners in timing.owners.values()])
        functions = timing.run.functions.values()
        self._functions = {trace.id: function.name for function in functions for trace in function.traces}

    def of(self, profile: Profile) -> Timeline:
        """Returns the timeline of a host."""
        labels: list[Label] = []
        numbers: dict[Label, int] = {}
        known: dict[tuple[int, int], int] = {}
        plain = _same(profile.runs)
        column = array("q")
        for pair in zip(profile.executions.op, map(plain.__getitem__, profile.executions.run), strict=True):
            number = known.get(pair)
            if number is None:
                label = self._label(profile.ops[pair[0]], profile.runs[pair[1]])
                number = -1 if label is None else numbers.setdefault(label, len(labels))
                if label is not None and number == len(labels):
                    labels.append(label)
                known[pair] = number
            column.append(number)
        return Timeline(profile, tuple(labels), column)

    def _label(self, op: Op, run: FunctionRun) -> Label | None:
        owners = self._lookup.owners(op, run)
        nodes = () if isinstance(owners, str) else tuple(owner for owner in owners if owner.kind == OF_NODE)
        if self._traces is not None and not any(owner.trace in self._traces for owner in nodes):
            return None
        label = self._told(op, run, nodes, owners if isinstance(owners, str) else "")
        of_input = run.input or any(owner.kind == OF_INPUT for owner in owners if isinstance(owner, Owner))
        return dataclasses.replace(label, phase=INPUT) if of_input else label

    def _told(self, op: Op, run: FunctionRun, nodes: Sequence[Owner], reason: str) -> Label:
        first = nodes[0] if nodes else None
        known = self._timing.owners[first.trace].owner(first.path) if first and first.trace else NOBODY
        type_ = known.op or ("" if op.module else op.type)
        return Label(
            name=nodes[0].path if len(nodes) == 1 else run.prefix + op.path or op.name or op.type,
            op=type_,
            kernel=op.type if op.type != type_ else "",
            kind=op.kind,
            function=self._functions.get(first.trace, "") if first else "",
            nodes=tuple(node.path for node in nodes),
            stack=known.stack,
            phase=known.phase,
            module=known.module.name if known.module else "",
            reason=reason,
        )


def _same(runs: Sequence[FunctionRun]) -> list[int]:
    """Returns, for each run, the first that differs from it in nothing but its number, if that says nothing."""
    first: dict[tuple[str, str, bool, int], int] = {}
    return [
        first.setdefault((run.function, run.prefix, run.input, min(run.number, 0)), index)
        for index, run in enumerate(runs)
    ]
