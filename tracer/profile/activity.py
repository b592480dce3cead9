"""What a host's threads did at each moment, also where no node ran: Python, tracing, launching, waiting, input.

Each moment of a thread belongs to the event that began last, so on the thread of a step the times of all kinds add up
to the step: what is left to the marker itself is Python.
"""

from __future__ import annotations

import dataclasses
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from tracer.collector import paused_collector
from tracer.profile import names
from tracer.profile.building import HOST_DEVICE
from tracer.profile.executions import readable
from tracer.profile.model import Thread
from tracer.profile.xplane import Plane, in_order, read_planes, text

IDLE = "idle"  # in no event: between steps; without steps, Python outside of TensorFlow, or nothing
PYTHON = "python"  # in a step, and in nothing of TensorFlow's but making tensors: Python, a sleep, a file
OPS = "ops"
TRACING = "tracing"  # Python functions to graphs
LAUNCH = "launch"  # from Python to the executor: arguments, looking up the trace, making kernels at a first run
SCHEDULING = "scheduling"  # the executor's own work, and waiting for its threads or XLA's
INPUT = "input"  # datasets
COMPILE = "compiling"  # XLA
OTHER = "other"  # events of other libraries
KINDS = (IDLE, PYTHON, OPS, TRACING, LAUNCH, SCHEDULING, INPUT, COMPILE, OTHER)

_BY_NAME = {
    "tf.function-graph_building": TRACING,
    "KernelAndDeviceFunc::Run": SCHEDULING,  # Python's thread waits in it, where it runs no op by itself
    "BlockUntilReady": SCHEDULING,
    "SlinkyThreadPool::Await": SCHEDULING,
    "ThunkExecutor::Execute": SCHEDULING,
    "ExecutorDoneCallback": SCHEDULING,
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
    "ExecutorState::": SCHEDULING,
    "TFE_": LAUNCH,
    "end: ": OPS,  # of an instruction of XLA's
    "Eager": LAUNCH,
    "$": PYTHON,  # of the profiler's Python tracer: a file, a line, a function
    "__": LAUNCH,  # a function that XLA compiled: "__inference_f_7:__inference_f_7"
}
_BY_END = {"Produce": INPUT, "Consume": INPUT}
_BY_STAT = {"step_num": PYTHON, "tf_function_call": LAUNCH, "hlo_op": OPS}
_POOL = "ThreadpoolListener::"  # marks without a duration

_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
# What an event becomes inside of another, by its own name or kind, and the other's (see `_Line.inside`).
_RUN = "KernelAndDeviceFunc::Run"
_PROGRAM = "__"


@dataclasses.dataclass(frozen=True, slots=True)
class Timeline:
    """What a thread did: something else from each of these moments on, until the next."""

    thread: Thread
    moments_ns: array[int]
    kinds: array[int]  # index into `KINDS`

    def spans(self, start_ns: int, end_ns: int) -> Iterator[tuple[int, int, str]]:
        """Yields start, end and kind of all that the thread did in a stretch of time, without gaps."""
        at = bisect_right(self.moments_ns, start_ns)
        kind = self.kinds[at - 1] if at else 0
        while start_ns < end_ns:
            until = min(self.moments_ns[at], end_ns) if at < len(self.moments_ns) else end_ns
            yield start_ns, until, KINDS[kind]
            if until == end_ns:
                return
            start_ns, kind = until, self.kinds[at]
            at += 1

    def times(self, start_ns: int, end_ns: int) -> dict[str, int]:
        """Returns for how long the thread did what in a stretch of time, the most first."""
        total: Counter[str] = Counter()
        for start, end, kind in self.spans(start_ns, end_ns):
            total[kind] += end - start
        return dict(total.most_common())


def read_timelines(content: bytes, path: object, threads: Collection[int] | None = None) -> dict[int, Timeline]:
    """Returns what the threads of the host did in a serialized XSpace, by their index in `Profile.threads`.

    Args:
      content: the bytes.
      path: where they come from, for messages.
      threads: those that are wanted; None for all.

    Raises:
      Unreadable: the bytes are empty, cut off, damaged, or no profile.
    """
    found: dict[int, Timeline] = {}
    number = 0
    with readable(path), paused_collector():
        _, planes = read_planes(content, path)
        for plane in planes:
            if plane.name == "/host:CPU":
                reader = _Reader(plane)
                for line in plane.lines:
                    if threads is None or number in threads:
                        found[number] = reader.read(line)
                    number += 1
    return found


class _Reader:
    """Reads the lines of a plane; what its names mean is asked once."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._names = plane.event_names
        self._by_name: dict[int, str] = {}
        self._marks = {number for number, name in self._names.items() if name.startswith(_POOL)}
        self._kinds: dict[tuple[int, ...], str] = {}

    def read(self, line: Any) -> Timeline:
        """Returns what a thread did."""
        moments, kinds = array("q"), array("b")
        opened: list[tuple[int, int, str]] = []  # end, name and kind of what goes on, the innermost last
        base, marks, known, numbers = line.timestamp_ns, self._marks, self._names, _NUMBERS
        for offset, event in zip(*in_order(line.events), strict=True):
            duration, name = event.duration_ps, event.metadata_id
            if duration <= 0 or name in marks or name not in known:
                continue
            start = base + offset // 1000
            while opened and opened[-1][0] <= start:
                _close(opened, moments, kinds)
            kind = self._kind(event, name, opened)
            opened.append((base + (offset + duration) // 1000, name, kind))
            moments.append(start)
            kinds.append(numbers[kind])
        while opened:
            _close(opened, moments, kinds)
        return Timeline(Thread(text(line.name), HOST_DEVICE), moments, kinds)

    def _kind(self, event: Any, name: int, opened: Sequence[tuple[int, int, str]]) -> str:
        """Returns what an event is where it stands; those of one name, with the same stats and place, are the same."""
        stats = event.stats
        around, outer = (opened[-1][1], opened[-1][2]) if opened else (0, "")
        above = opened[-2][1] if len(opened) > 1 else 0
        key = (name, stats[0].metadata_id if stats else 0, len(stats), around, _NUMBERS.get(outer, -1), above)
        known = self._kinds.get(key)
        if known is None:
            kind = _kind(self._names[name], [self._plane.stat_names.get(stat.metadata_id, "") for stat in stats])
            names_around = self._names.get(around, ""), self._names.get(above, "")
            known = self._kinds[key] = _inside(kind, self._names[name], outer, *names_around)
        return known


def _close(opened: list[tuple[int, int, str]], moments: array[int], kinds: array[int]) -> None:
    """Ends the innermost event: from then on the thread does what it did before, as far as that goes on."""
    end = opened.pop()[0]
    while opened and opened[-1][0] <= end:  # overlapping events: the one around may have ended first
        opened.pop()
    moments.append(end)
    kinds.append(_NUMBERS[opened[-1][2]] if opened else 0)


def _kind(name: str, stats: Collection[str]) -> str:
    for stat, kind in _BY_STAT.items():
        if stat in stats:
            return kind
    if name in _BY_NAME:
        return _BY_NAME[name]
    if names.executed(name):
        return OPS
    for beginning, kind in _BY_BEGINNING.items():
        if name.startswith(beginning):
            return kind
    return next((kind for end, kind in _BY_END.items() if name.endswith(end)), OTHER)


def _inside(kind: str, name: str, outer: str, around: str, above: str) -> str:
    """Returns what an event is inside of one of kind `outer` and named `around`, and that inside of `above`."""
    if kind == PYTHON and outer == TRACING:
        return TRACING
    if name == _RUN and around == "EagerKernelExecute" and names.meaning(above) == names.EAGER_OP:
        return OPS  # what Python runs by itself is run at once
    if kind == OTHER and (outer == COMPILE or around.startswith(_PROGRAM)):
        return COMPILE
    return kind
