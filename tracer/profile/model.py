"""What a profile is made of: executions in columns, the steps and threads that they belong to, and memory."""

from __future__ import annotations

import dataclasses
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

# How an execution was seen.
NODE = "node"  # a kernel that the executor ran: "<node>:<op>"
ASYNC = "async"  # a kernel that was started, and done later: `IteratorGetNext`, `_Recv`, a call that is not inlined
EAGER = "eager"  # an op that Python ran by itself
XLA = "xla"  # an instruction of an XLA program
KERNEL = "kernel"  # what ran on an accelerator's stream

HOST = "/device:CPU:"  # how the names of the host's devices begin: a program may split it into several

_ACCELERATOR = re.compile(r"(?i)(gpu|tpu)_(\d+)_")

RAISED = "raised"  # the stat by which our marks of steps say so

FOLDING = -1  # the executor's number for runs that belong to no step: constants, and graphs of tf.data


class Op(NamedTuple):
    """What executions have in common: TensorFlow's executor runs the same few thousand again and again."""

    name: str  # as executed: "net/while/body/_5/net/while/Qr"; for XLA the instruction: "add_maximum_fusion"
    path: str  # the node path: "net/while/body/net/while/Qr"; empty for XLA's instructions, which name no node
    type: str  # of the kernel: "Qr", "_MklNativeFusedMatMul"; for kernels on a device their own name
    kind: str  # `NODE`, `ASYNC`, `EAGER`, `XLA`, `KERNEL`
    module: str = ""  # the program that an XLA instruction is of


class Thread(NamedTuple):
    """A thread of the host, or a stream of a device. Self times nest within one of them."""

    name: str  # "tf_Compute/5808248872452016830"
    device: str  # what ran there: "/device:CPU:0", "/device:GPU:0"


class Step(NamedTuple):
    """A stretch of a thread that the program marked as a step: `Trace("step", step_num=3, _r=1)`."""

    name: str
    number: int  # the program's own: others may have it, too, of another thread or where the program counts anew
    thread: int  # index into `Profile.threads`
    start_ns: int
    end_ns: int
    raised: bool = False  # whether it was left by an exception: then it is no sample of a step


class Execution(NamedTuple):
    """One execution of a node, read from its columns. Times count from the profile's own beginning."""

    op: Op
    thread: Thread
    start_ns: int
    end_ns: int  # when its thread was free again
    done_ns: int  # when its result was there: later than `end_ns` only if it was done asynchronously
    self_ns: int  # of its thread, without the executions inside it
    step: int  # index into `Profile.steps`; -1 outside of all
    run: FunctionRun  # what it is a part of; `run.prefix + op.path` is its node path in the function `run.function`
    parent: int  # index of the execution around it on its thread; -1 if there is none


def _column() -> array[int]:
    return array("q")


@dataclasses.dataclass(frozen=True, slots=True)
class Executions:
    """Executions in columns, thread by thread, on each by start."""

    op: array[int] = dataclasses.field(default_factory=_column)  # index into `Profile.ops`
    thread: array[int] = dataclasses.field(default_factory=_column)
    start_ns: array[int] = dataclasses.field(default_factory=_column)
    end_ns: array[int] = dataclasses.field(default_factory=_column)
    done_ns: array[int] = dataclasses.field(default_factory=_column)
    self_ns: array[int] = dataclasses.field(default_factory=_column)
    step: array[int] = dataclasses.field(default_factory=_column)
    run: array[int] = dataclasses.field(default_factory=_column)  # index into `Profile.runs`
    parent: array[int] = dataclasses.field(default_factory=_column)

    def __len__(self) -> int:
        return len(self.op)


class FunctionRun(NamedTuple):
    """One run of a function by the executor: what is done in it on any thread carries its number."""

    number: int  # TensorFlow's own, a random one; `FOLDING` for runs outside of steps; 0 if there is none
    function: str  # runtime name of the function that Python called; empty if unknown
    prefix: str = ""  # of the node paths in it, where a node that is not inlined runs it: "PartitionedCall/"
    input: bool = False  # whether tf.data ran it, to make elements


class Allocation(NamedTuple):
    """Memory that an allocator handed out or took back. TensorFlow reports large blocks only: CPU ones from 256 KiB."""

    time_ns: int
    bytes: int  # as the allocator rounded it; below 0 where it was taken back
    address: int
    allocator: str  # "mklcpu", "GPU_0_bfc"
    in_use: int  # bytes of the allocator in use afterwards
    path: str  # node path of the node that asked for it; empty if unknown, and where it was taken back
    run: int  # index into `Profile.runs`
    thread: int
    step: int  # index into `Profile.steps`; -1 outside of all
    shape: str  # as TensorFlow writes it: "[2,48,48,16]"
    kind: str = NODE  # `EAGER` for an op that Python ran: `path` is its type then

    @property
    def device(self) -> str:
        """Whose memory it is: "/device:CPU:0", "/device:GPU:0"."""
        found = _ACCELERATOR.match(self.allocator)
        return f"/device:{found[1].upper()}:{found[2]}" if found else "/device:CPU:0"


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """What one host's profiler saw in one session. Times are nanoseconds by that host's clock."""

    path: str
    host: str
    threads: tuple[Thread, ...]
    ops: tuple[Op, ...]
    runs: tuple[FunctionRun, ...]  # the first is that of executions in no run
    steps: tuple[Step, ...]  # by start; of steps inside of steps on one thread only the outer ones
    executions: Executions
    allocations: tuple[Allocation, ...]  # by time
    events: int  # of the file, all of them
    lost: Mapping[str, int]  # events that could not be used as they should be, by reason
    pipeline: frozenset[str] = frozenset()  # what datasets consist of, by tf.data's names: "Prefetch", "ParallelMapV2"

    @property
    def session(self) -> str:
        """The session that it is of: its folder, in which each host has a file. A program has one for each window."""
        return str(PurePath(self.path).parent)

    @property
    def host_file(self) -> str:
        """The name of its file: that of the host, with a port where the host has several processes."""
        return PurePath(self.path).name

    def __len__(self) -> int:
        return len(self.executions)

    def __iter__(self) -> Iterator[Execution]:
        return map(self.__getitem__, range(len(self.executions)))

    def __getitem__(self, index: int) -> Execution:
        columns = self.executions
        return Execution(
            self.ops[columns.op[index]],
            self.threads[columns.thread[index]],
            columns.start_ns[index],
            columns.end_ns[index],
            columns.done_ns[index],
            columns.self_ns[index],
            columns.step[index],
            self.runs[columns.run[index]],
            columns.parent[index],
        )

    def busy_ns(self, threads: Sequence[int] | None = None) -> int:
        """Returns for how long at least one execution ran, on these threads or on any: never more than wall time."""
        from tracer.profile.intervals import union

        columns = self.executions
        rows: Sequence[int] = range(len(columns))
        if threads is not None:
            rows = [row for row in rows if columns.thread[row] in threads]
        return union([(columns.start_ns[row], columns.end_ns[row]) for row in rows])
