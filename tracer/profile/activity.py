"""What a host's threads did, also where no node ran: Python, tracing, launching, waiting, input.

Each moment of a thread belongs to the event that began last, so on the thread of a step the self times of all kinds add
up to the step: what is left to the marker itself is Python.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

from tracer.profile import names
from tracer.profile.building import HOST_DEVICE
from tracer.profile.intervals import self_times
from tracer.profile.model import Thread
from tracer.profile.xplane import Plane, read_planes, text

STEP = "python"  # in a step, but in nothing of TensorFlow's
OP = "ops"
CALL = "calling functions"  # Python in `tf.function`: arguments, looking up the trace
TRACING = "tracing"
PYTHON = "python of TensorFlow"  # making tensors, eager ops' Python side
LAUNCH = "launching"  # from Python to the executor, for ops and functions
WAIT = "waiting"  # for the executor's threads, or XLA's
EXECUTOR = "scheduling"
INPUT = "input"
COMPILE = "compiling"
OTHER = "other"

_BY_NAME = {
    "tf.function-graph_building": TRACING,
    "KernelAndDeviceFunc::Run": WAIT,
    "BlockUntilReady": WAIT,
    "SlinkyThreadPool::Await": WAIT,
    "ThunkExecutor::Execute": EXECUTOR,
    "ExecutorDoneCallback": EXECUTOR,
    "FunctionRun": LAUNCH,
    "PartitionedCallOp": LAUNCH,
    "ValidateInputTypeAndPlacement": LAUNCH,
    "CpuExecutable::ExecuteAsyncOnStream": LAUNCH,
    "convert_to_tensor": PYTHON,
    "tf.constant": PYTHON,
    "TFE_DeleteTensorHandle": PYTHON,
    "FusionCompiler::Compile": COMPILE,
}
_BY_BEGINNING = {
    "Iterator": INPUT,
    "ReduceIterator::": INPUT,
    "MakeIterator::": INPUT,
    "ReduceDatasetOp::": INPUT,
    "InstantiatedCapturedFunction::": INPUT,
    "ExecutorState::": EXECUTOR,
    "TFE_": LAUNCH,
    "end: ": OP,  # of an instruction of XLA's
    "Eager": LAUNCH,
    "$": PYTHON,  # of the profiler's Python tracer: a file, a line, a function
}
_BY_END = {"Produce": INPUT, "Consume": INPUT}
_BY_STAT = {"step_num": STEP, "tf_function_call": CALL, "hlo_op": OP}
_POOL = "ThreadpoolListener::"  # marks without a duration
_RUNS = "EagerKernelExecute"
_PROGRAM = "__"  # a function that XLA compiled: "__inference_f_7:__inference_f_7"


class Activity(NamedTuple):
    """An event of a host's thread."""

    kind: str
    name: str
    thread: int  # index into `Activities.threads`
    start_ns: int
    end_ns: int
    self_ns: int
    parent: int  # index of the event around it; -1 if there is none


@dataclasses.dataclass(frozen=True, slots=True)
class Activities:
    """What the threads of a host did, thread by thread, on each by start."""

    threads: tuple[Thread, ...]
    events: tuple[Activity, ...]

    def self_ns(self, thread: int, start_ns: int, end_ns: int) -> dict[str, int]:
        """Returns what a thread did in the events that began in a stretch of time: self time by kind."""
        total: Counter[str] = Counter()
        for event in self.events:
            if event.thread == thread and start_ns <= event.start_ns < end_ns:
                total[event.kind] += event.self_ns
        return dict(total.most_common())


def read_activities(content: bytes, path: object) -> Activities:
    """Returns all events with a duration on the threads of the host in a serialized XSpace.

    Raises:
      Unreadable: the bytes are empty, cut off, damaged, or no profile.
    """
    _, planes = read_planes(content, path)
    threads: list[Thread] = []
    events: list[Activity] = []
    for plane in planes:
        if plane.name == "/host:CPU":
            for line in plane.lines:
                events += _read(plane, line, len(threads), len(events))
                threads.append(Thread(text(line.name), HOST_DEVICE))
    return Activities(tuple(threads), tuple(events))


def _read(plane: Plane, line: Any, thread: int, first: int) -> list[Activity]:
    known = plane.event_names
    rows = sorted(
        (event.offset_ps, -event.duration_ps, number)
        for number, event in enumerate(line.events)
        if event.duration_ps > 0 and not known.get(event.metadata_id, _POOL).startswith(_POOL)
    )
    base = line.timestamp_ns
    starts = [base + offset // 1000 for offset, _, _ in rows]
    ends = [base + (offset - minus) // 1000 for offset, minus, _ in rows]
    own, parents = self_times(starts, ends)
    found: list[Activity] = []
    for at, (_, _, number) in enumerate(rows):
        event = line.events[number]
        name = known[event.metadata_id]
        around = found[parents[at]] if parents[at] >= 0 else None
        kind = _kind(name, [plane.stat_names.get(stat.metadata_id, "") for stat in event.stats])
        if around:
            outer = found[parents[parents[at]]].name if parents[parents[at]] >= 0 else ""
            kind = _inside(kind, around, outer)
        parent = first + parents[at] if around else -1
        found.append(Activity(kind, name, thread, starts[at], ends[at], own[at], parent))
    return found


def _kind(name: str, stats: Collection[str]) -> str:
    for stat, kind in _BY_STAT.items():
        if stat in stats:
            return kind
    if name in _BY_NAME:
        return _BY_NAME[name]
    if names.executed(name):
        return OP
    if name.startswith(_PROGRAM):
        return LAUNCH
    for beginning, kind in _BY_BEGINNING.items():
        if name.startswith(beginning):
            return kind
    return next((kind for end, kind in _BY_END.items() if name.endswith(end)), OTHER)


def _inside(kind: str, around: Activity, outer: str) -> str:
    """Returns what an event is where it stands: inside of `around`, and that inside of an event named `outer`."""
    if kind == PYTHON and around.kind == TRACING:
        return TRACING
    if kind == WAIT and around.name == _RUNS and names.meaning(outer) == names.EAGER_OP:
        return OP  # what Python ran by itself is run at once
    if kind == OTHER and (around.kind == COMPILE or around.name.startswith(_PROGRAM)):
        return COMPILE
    return kind
