"""A profile while it is read: tables that grow, and columns of executions, thread by thread."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from tracer.profile.intervals import self_times
from tracer.profile.model import EAGER, FOLDING, Allocation, Executions, FunctionRun, Op, Profile, Step, Thread

HOST_DEVICE = "/device:CPU:0"

_LONGEST = 10_000  # characters of a prefix: no graph nests calls so deep, but a damaged profile may

NO_NAME = "events without a name"
NEGATIVE = "events that end before they begin"
NO_END = "asynchronous executions without an end"
NO_START = "ends of asynchronous executions without a beginning"
NO_LAUNCH = "kernels whose launch is not in the profile"


class Found:
    """Executions of one thread in the order of time, before they are put behind those of other threads."""

    def __init__(self) -> None:
        self.op = array("q")
        self.start = array("q")
        self.end = array("q")
        self.run = array("q")

    def add(self, op: int, start: int, end: int, run: int) -> int:
        """Adds an execution and returns its index."""
        self.op.append(op)
        self.start.append(start)
        self.end.append(end)
        self.run.append(run)
        return len(self.op) - 1


class _Key(NamedTuple):
    """What tells runs apart."""

    number: int
    function: str  # that Python called, where the executor has no number
    node: str  # that runs an XLA program, for what is inside that


class Building:
    """What is known so far. Tables give the index of what they are asked for, new or not."""

    def __init__(self) -> None:
        self.rows = Executions()
        self.threads: list[Thread] = []
        self.steps: list[Step] = []
        self.allocations: list[Allocation] = []
        self.lost: Counter[str] = Counter()
        self.events = 0
        self.pipeline: set[str] = set()
        self.asynchronous: dict[int, int] = {}  # rows that are done later, by TensorFlow's number for that
        self.done: dict[int, int] = {}  # when
        self.input_runs: set[int] = set()  # numbers of the runs that tf.data began
        self.ops: list[Op] = []
        self._ops: dict[Op, int] = {}
        self._keys = [_Key(0, "", "")]
        self._runs = {self._keys[0]: 0}
        # By number: index of the run around it, and the node that began it.
        self._inside: dict[int, tuple[int, str]] = {}
        self._step_starts: list[int] = []
        self._step_ends: list[int] = []
        self._inner: dict[_Key, int] = {}  # the run around one that is inside of a node
        self._slices: dict[int, list[tuple[int, int]]] = {}  # of rows, by the number of their line

    def op(self, op: Op) -> int:
        """Returns the index of an op."""
        index = self._ops.setdefault(op, len(self.ops))
        if index == len(self.ops):
            self.ops.append(op)
        return index

    def run(self, number: int, function: str = "") -> int:
        """Returns the index of a run: the executor's by its number, or one without by the function that was called."""
        return self._run(_Key(number, "" if number else function, ""))

    def run_inside(self, run: int, node: str) -> int:
        """Returns the index of what a node of a run runs without a run of the executor: an XLA program."""
        key = self._keys[run]._replace(node=node)
        self._inner.setdefault(key, run)
        return self._run(key)

    def _run(self, key: _Key) -> int:
        index = self._runs.setdefault(key, len(self._keys))
        if index == len(self._keys):
            self._keys.append(key)
        return index

    def begin_run(self, number: int, around: int, node: str) -> None:
        """Notes that a run was begun in the run of index `around`, by the node `node` if that is not empty."""
        if number not in (0, FOLDING):
            self._inside.setdefault(number, (around, node))

    def add_thread(self, line: int, thread: Thread, found: Found) -> int:
        """Adds a thread and its executions; returns the index of the first."""
        first = len(self.rows)
        own, parents = self_times(found.start, found.end)
        rows, size = self.rows, len(own)
        rows.op.extend(found.op)
        rows.thread.extend(array("q", [len(self.threads)]) * size)
        rows.start_ns.extend(found.start)
        rows.end_ns.extend(found.end)
        rows.done_ns.extend(found.end)
        rows.self_ns.extend(own)
        rows.step.extend(array("q", [-1]) * size)
        rows.run.extend(found.run)
        rows.parent.extend(parents if not first else array("q", [p + first if p >= 0 else -1 for p in parents]))
        self.threads.append(thread)
        self._slices.setdefault(line, []).append((first, first + size))
        return first

    def row_at(self, line: int, moment: int) -> int:
        """Returns the innermost execution that was running on a line at a moment, or -1."""
        for first, last in self._slices.get(line, ()):
            row = bisect_right(self.rows.start_ns, moment, first, last) - 1
            while row >= first and self.rows.end_ns[row] <= moment:
                row = self.rows.parent[row]
            if row >= first:
                return row
        return -1

    def finish_host(self) -> None:
        """Gives each execution of the host its step, its end if it was done later, and XLA's their run."""
        self._drop_inner_steps()
        self._assign_steps()
        self._find_runs_of_programs()
        for number, row in self.asynchronous.items():
            done = self.done.pop(number, None)
            if done is None:
                self.lost[NO_END] += 1
            else:
                self.rows.done_ns[row] = max(done, self.rows.end_ns[row])
        if self.done:
            self.lost[NO_START] += len(self.done)

    def profile(self, path: str, host: str) -> Profile:
        """Returns the finished profile."""
        runs = self._named_runs()
        self._find_runs_that_were_cut_off(runs)
        return Profile(
            path=path,
            host=host,
            threads=tuple(self.threads),
            ops=tuple(self.ops),
            runs=runs,
            steps=tuple(self.steps),
            executions=self.rows,
            allocations=tuple(self.allocations),
            events=self.events,
            pipeline=frozenset(self.pipeline),
            lost={reason: number for reason, number in sorted(self.lost.items()) if number},
        )

    def _drop_inner_steps(self) -> None:
        until: dict[int, int] = {}
        outer = []
        for step in sorted(self.steps, key=lambda step: (step.start_ns, -step.end_ns)):
            if step.start_ns >= until.get(step.thread, step.start_ns):
                outer.append(step)
                until[step.thread] = step.end_ns
        self.steps = outer
        self._step_starts = [step.start_ns for step in outer]
        self._step_ends = list(accumulate((step.end_ns for step in outer), max))  # of a step and of all before it

    def _assign_steps(self) -> None:
        """Gives each execution the step in which it began: of its own thread, else of any; and each allocation."""
        step, moments = self.rows.step, self.rows.start_ns
        for slices in self._slices.values():
            for first, last in slices:
                thread = self.rows.thread[first] if first < last else -1
                found = self._steps_of(moments, first, last)
                for index, begin, end in sorted(found, key=lambda each: self.steps[each[0]].thread == thread):
                    step[begin:end] = array("q", [index]) * (end - begin)
        self.allocations.sort()
        times = [each.time_ns for each in self.allocations]
        for index, begin, end in self._steps_of(times, 0, len(times)):
            self.allocations[begin:end] = [
                each if self._is_in_own_step(each) else each._replace(step=index)
                for each in self.allocations[begin:end]
            ]

    def _is_in_own_step(self, allocation: Allocation) -> bool:
        """Returns whether it has a step already, of its own thread."""
        return allocation.step >= 0 and self.steps[allocation.step].thread == allocation.thread

    def _steps_of(self, moments: Sequence[int], first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Yields each step that some of the moments from `first` to `last`, in their order, are in, and which are."""
        if first == last:
            return
        over = bisect_right(self._step_ends, moments[first])
        for index in range(over, bisect_right(self._step_starts, moments[last - 1])):
            begin = bisect_left(moments, self._step_starts[index], first, last)
            end = bisect_left(moments, self.steps[index].end_ns, begin, last)
            if begin < end:
                yield index, begin, end

    def _find_runs_of_programs(self) -> None:
        """Gives instructions that XLA ran on other threads than the caller's the run that their program is in there."""
        programs = {index: op.module for index, op in enumerate(self.ops) if op.module}
        if not programs:
            return
        rows, known = self.rows, dict[str, int]()
        mine = [row for row, op in enumerate(rows.op) if op in programs]
        for row in mine:
            if rows.run[row]:
                known.setdefault(programs[rows.op[row]], rows.run[row])
        for row in mine:
            if not rows.run[row]:
                rows.run[row] = known.get(programs[rows.op[row]], 0)

    def _find_runs_that_were_cut_off(self, runs: Sequence[FunctionRun]) -> None:
        """Gives what tf.data was at when the profiler came or went a run of tf.data's that has the same op.

        TensorFlow writes an event when it ends, and only if the profiler saw its begin: an execution at the edge may be
        there without the run around it. Calls from Python are whole, as a window begins and ends between them.
        """
        if not self.input_runs:
            return
        rows, ops = self.rows, self.ops
        without = {index for index, run in enumerate(runs) if not (run.function or run.input or run.number == FOLDING)}
        inputs = {index for index, run in enumerate(runs) if run.input}
        of_input = {op: run for op, run in zip(rows.op, rows.run, strict=True) if run in inputs}
        for row, run in enumerate(rows.run):
            if run in without and ops[rows.op[row]].kind != EAGER:  # what Python runs by itself is in no run
                rows.run[row] = of_input.get(rows.op[row], run)

    def _named_runs(self) -> tuple[FunctionRun, ...]:
        """Returns the runs with the functions that Python called, which may be several runs further out."""
        keys = self._keys
        around = [self._around(index, key) for index, key in enumerate(keys)]
        named: dict[int, FunctionRun] = {}
        for index in range(len(keys)):
            chain: dict[int, None] = {}  # from the inside to the outside
            at = index
            while at not in named and at not in chain:
                chain[at] = None
                at = around[at][0]
            for at in reversed(chain):
                outer, node = around[at]
                run = named.get(outer, FunctionRun(keys[at].number, keys[at].function))
                prefix = f"{run.prefix}{node}/" if node and len(run.prefix) < _LONGEST else run.prefix
                of_input = run.input or keys[at].number in self.input_runs
                named[at] = FunctionRun(keys[at].number, run.function, prefix, of_input)
        return tuple(named[index] for index in range(len(keys)))

    def _around(self, index: int, key: _Key) -> tuple[int, str]:
        """Returns the run around a run, itself if there is none, and the node of that which began it."""
        if key.node:
            return self._inner[key], key.node
        return self._inside.get(key.number, (index, ""))
