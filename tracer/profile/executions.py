"""Planes of events to the executions of nodes.

On a thread of the host, in the order of time:

    EagerLocalExecute: __inference_step_28      Python called a function: what is inside belongs to it
      FunctionRun {id}                          the executor was handed it as run number `id`
    ExecutorState::Process {id}                 on any thread: what is inside belongs to that run
      net/add:AddV2                             an execution of a node
      ExecutorState::ProcessAsync::Start        one that is done when the `Done` of the same `_p` and `_c` comes
    EagerLocalExecute: MatMul                   Python ran an op
      KernelAndDeviceFunc::Run                  its execution
    add_maximum_fusion {hlo_op, hlo_module}     XLA ran an instruction; `end: add_maximum_fusion` comes when it is done

On a device each event of a stream is a kernel; its correlation id is that of the call that launched it, which was made on
a thread of the host, inside the execution of the node that it is for.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from tracer.graph.names import node_path
from tracer.profile import names
from tracer.profile.intervals import self_times
from tracer.profile.model import (
    ASYNC,
    EAGER,
    FOLDING,
    KERNEL,
    NODE,
    XLA,
    Allocation,
    Executions,
    FunctionRun,
    Op,
    Profile,
    Step,
    Thread,
)
from tracer.profile.xplane import Plane, read_planes

HOST = "/host:CPU"
_LAUNCHES = ("/host:CUPTI", "/host:ROCTRACER")  # planes of the calls that launch kernels
_DEVICE = "/device:"
_DERIVED = frozenset(  # lines that profilers add to a device's plane, which say again what its streams say
    ("Steps", "XLA Modules", "XLA Ops", "XLA TraceMe", "TensorFlow Name Scope", "TensorFlow Ops", "Framework Ops")
    + ("Framework Name Scope", "Source code", "Source", "Launch Stats", "Async XLA Ops", "HLO Ops")
)
_NO_RUN = FunctionRun(0, "")
_MODULE = re.compile(r"[^\w.]")

NO_NAME = "events without a name"
NEGATIVE = "events that end before they begin"
NO_END = "asynchronous executions without an end"
NO_START = "ends of asynchronous executions that began before the profile"
NO_LAUNCH = "kernels whose launch is not in the profile"


def read_profile(content: bytes, path: object) -> Profile:
    """Returns what a serialized XSpace says of executions, steps and memory.

    Args:
      content: the bytes of an `*.xplane.pb`.
      path: where they come from; its file name is the host where the bytes do not say it.

    Raises:
      Unreadable: the bytes are empty, cut off, damaged, or no profile.
    """
    host, planes = read_planes(content, path)
    file = str(path).replace("\\", "/").rpartition("/")[2]
    return _Reader(str(path), host or file.removesuffix(".xplane.pb")).read(planes)


class _Row(NamedTuple):
    """An event that means something, so that rows sort by start, of equal ones the longer first."""

    offset_ps: int
    minus_duration_ps: int
    number: int
    meaning: int
    subject: int  # index of its op, or of the name in it
    event: Any


class _Line(NamedTuple):
    """What was read of a thread: a slice of the executions."""

    id: int
    begin: int
    end: int


class _Reader:
    """Reads planes, each event once."""

    def __init__(self, path: str, host: str) -> None:
        self._path, self._host = path, host
        self._rows = Executions()
        self._ops: dict[Op, int] = {}
        self._threads: list[Thread] = []
        self._runs: dict[tuple[int, str], int] = {(0, ""): 0}
        self._functions: dict[int, str] = {}  # by number of the run
        self._calls: dict[int, str] = {}  # by index of the run
        self._steps: list[Step] = []
        self._allocations: list[tuple[Allocation, int]] = []
        self._lines: list[_Line] = []
        self._open: dict[int, int] = {}  # rows that are done later, by TensorFlow's number for that
        self._done: dict[int, int] = {}
        self._launches: dict[int, tuple[int, int]] = {}  # line and moment, by correlation id
        self._lost: Counter[str] = Counter()
        self._events = 0

    def read(self, planes: tuple[Plane, ...]) -> Profile:
        for plane in planes:
            if plane.name == HOST or plane.name in _LAUNCHES:
                for line in plane.lines:
                    self._host_line(plane, line, _Host(plane, self._op))
        self._finish_asynchronous()
        for plane in planes:
            if plane.name.startswith(_DEVICE):
                for line in plane.lines:
                    if line.name.decode(errors="replace") not in _DERIVED:
                        self._device_line(plane, line)
        return self._profile()
