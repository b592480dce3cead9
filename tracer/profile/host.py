"""A host's threads: what TensorFlow's executor, Python and XLA ran on them.

On a thread, in the order of time:

    EagerLocalExecute: __inference_step_28      Python called a function: what is inside belongs to it
      FunctionRun {id}                          the executor was handed it as run number `id`
    ExecutorState::Process {id}                 on any thread: what is inside belongs to that run
      net/add:AddV2                             an execution of a node
      ExecutorState::ProcessAsync::Start {_p}   one that is done when the `Done` with this number as `_c` comes
        FunctionRun {id}                        ... it is a call that was not inlined
    InstantiatedCapturedFunction::Run {id}      tf.data runs a function as run number `id`
    EagerLocalExecute: MatMul                   Python ran an op
      KernelAndDeviceFunc::Run                  its execution
    add_maximum_fusion {hlo_op, hlo_module, _p} XLA ran an instruction; `end: add_maximum_fusion` {_c}: it was done
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracer.graph.names import node_path
from tracer.profile import names
from tracer.profile.building import HOST_DEVICE, NEGATIVE, NO_NAME, Building, Found
from tracer.profile.model import ASYNC, EAGER, NODE, RAISED, XLA, Allocation, Op, Step, Thread
from tracer.profile.xplane import Plane, in_order, text

_STATS = ("id", "_p", "_c", "correlation_id", "step_num", RAISED, "hlo_op", "hlo_module")

_COLLECTIVE = "collective_ops/"  # threads on which executions go on that the executor has begun, asynchronously


class HostPlane:
    """Reads the lines of a host's plane."""

    def __init__(self, plane: Plane, building: Building, launches: dict[int, tuple[int, int]]) -> None:
        self.plane, self.building = plane, building
        self.launches = launches  # line and moment of each call that launched a kernel, by correlation id
        self.subjects: dict[int, int] = {}  # by metadata: index of its op, or of the run of the function in its name
        self.stat = {name: plane.stat_ids.get(name, 0) for name in _STATS}
        self._instruction_stats = (self.stat["hlo_op"], self.stat["hlo_module"], self.stat["_p"])
        self._by_stats: dict[tuple[int, int, int], int] = {}
        self._instructions: dict[tuple[int, int], int] = {}  # ops by references to their name and module
        self.meanings = {number: self._meaning(number, name) for number, name in plane.event_names.items()}
        self.ignored = frozenset(number for number, meaning in self.meanings.items() if meaning == names.IGNORED)
        self.runs: dict[int, int] = {}  # index of each run by its number

    def read(self, line: Any) -> None:
        """Adds what a line has to say."""
        self.building.events += len(line.events)
        if not text(line.name).startswith(_COLLECTIVE):
            _HostLine(self, line).read()

    def number(self, event: Any, stat: str) -> int:
        """Returns a whole number among an event's stats, 0 if it is not there."""
        wanted = self.stat[stat]
        for found in event.stats:
            if found.metadata_id == wanted:
                return found.int64_value or found.uint64_value  # type: ignore[no-any-return]  # protobuf's stubs
        return 0

    def meaning_by_stats(self, metadata: int, stats: Sequence[Any]) -> int:
        """Returns what an event is that its name does not tell; those of one name and the same stats are the same."""
        if not stats:
            return names.IGNORED
        key = (metadata, stats[0].metadata_id, len(stats))
        known = self._by_stats.get(key)
        if known is None:
            known = names.meaning_by_stats([self.plane.stat_names.get(stat.metadata_id, "") for stat in stats])
            self._by_stats[key] = known
        return known

    def instruction(self, event: Any) -> tuple[int, int]:
        """Returns the index of the op of an instruction of XLA's, and TensorFlow's number for when it is done."""
        stats = event.stats
        if len(stats) > 2:  # so XLA writes them: the two names first, the number last
            name, module, produced = stats[0], stats[1], stats[-1]
            if (name.metadata_id, module.metadata_id, produced.metadata_id) == self._instruction_stats:
                op = self._instructions.get((name.ref_value, module.ref_value))
                if op is None:
                    op = self._instruction_op(event)
                    if name.ref_value and module.ref_value:
                        self._instructions[name.ref_value, module.ref_value] = op
                return op, produced.int64_value or produced.uint64_value
        return self._instruction_op(event), self.number(event, "_p")

    def _instruction_op(self, event: Any) -> int:
        stats = self.plane.stats(event)
        return self.building.op(Op(str(stats.get("hlo_op", "")), "", "", XLA, str(stats.get("hlo_module", ""))))

    def _meaning(self, number: int, name: str) -> int:
        meaning = names.meaning(name)
        self.building.pipeline.update(names.pipeline(name))
        if meaning == names.EXECUTION:
            node, type_ = names.executed(name) or (name, "")
            self.subjects[number] = self.building.op(Op(node, node_path(node), type_, NODE))
        elif meaning == names.EAGER_OP:
            type_ = names.eager(name)
            self.subjects[number] = self.building.op(Op(type_, type_, type_, EAGER))
        elif meaning == names.CALL:
            self.subjects[number] = self.building.run(0, names.eager(name))
        return meaning


class _HostLine:
    """Reads one line."""

    def __init__(self, plane: HostPlane, line: Any) -> None:
        self._plane, self._building, self._line = plane, plane.building, line
        self._thread = len(plane.building.threads)
        self._found = Found()
        self._opened: list[tuple[int, int]] = []  # until when which run goes on, the innermost last
        self._eager: tuple[int, int] = (0, -1)  # until when which op of Python's goes on, which did not run yet
        self._running: tuple[int, int] = (0, -1)  # until when which op of Python's runs
        self._node: tuple[int, str] = (0, "")  # until when which asynchronous node is being started
        self._later: list[tuple[int, int]] = []  # TensorFlow's number for executions that are done later, and their row
        self._handlers = {
            names.PROCESS: self._process,
            names.CALL: self._call,
            names.EAGER_OP: self._eager_op,
            names.EAGER_RUN: self._eager_run,
            names.FUNCTION_RUN: self._function_run,
            names.ASYNC_START: self._async_start,
            names.ASYNC_DONE: self._async_done,
            names.THUNK: self._thunk,
            names.THUNK_DONE: self._async_done,
            names.STEP: self._step,
            names.ALLOCATION: self._allocation,
            names.LAUNCH: self._launch,
            names.PIPELINE_RUN: self._pipeline_run,
        }

    def read(self) -> None:
        """Adds the line's executions, and what else its events say."""
        found, opened, subjects = self._found, self._opened, self._plane.subjects
        ops, starts, ends, runs = found.op, found.start, found.end, found.run
        base, meanings, ignored = self._line.timestamp_ns, self._plane.meanings, self._plane.ignored
        lost = self._building.lost
        # Most events say nothing here. Kept, each of the others is made an object of Python's once, not at each look.
        events = [event for event in self._line.events if event.metadata_id not in ignored]
        for offset, event in zip(*in_order(events), strict=True):
            metadata = event.metadata_id
            meaning = meanings.get(metadata)
            if meaning is None:
                lost[NO_NAME] += 1
                continue
            if meaning < 0:
                meaning = self._plane.meaning_by_stats(metadata, event.stats)
                if not meaning:
                    continue
            duration = event.duration_ps
            start = base + offset // 1000
            end = base + (offset + duration) // 1000
            if duration < 0:
                lost[NEGATIVE] += 1
                end = start
            while opened and opened[-1][0] <= start:
                opened.pop()
            if meaning == names.EXECUTION:  # most are: no call for these
                ops.append(subjects[metadata])
                starts.append(start)
                ends.append(end)
                runs.append(opened[-1][1] if opened else 0)
            else:
                self._handlers[meaning](event, metadata, start, end)
        thread = Thread(text(self._line.name), HOST_DEVICE)
        first = self._building.add_thread(self._line.id, thread, self._found)
        for number, row in self._later:
            self._building.asynchronous[number] = first + row

    def _process(self, event: Any, _metadata: int, _start: int, end: int) -> None:
        number, runs = self._plane.number(event, "id"), self._plane.runs
        run = runs.get(number)
        if run is None:
            run = runs[number] = self._building.run(number)
        self._opened.append((end, run))

    def _call(self, _event: Any, metadata: int, _start: int, end: int) -> None:
        self._opened.append((end, self._plane.subjects[metadata]))
        self._eager = (0, -1)

    def _eager_op(self, _event: Any, metadata: int, _start: int, end: int) -> None:
        self._eager = (end, self._plane.subjects[metadata])

    def _eager_run(self, _event: Any, _metadata: int, start: int, end: int) -> None:
        until, op = self._eager
        if start < until:
            self._add(op, start, end)
            self._eager, self._running = (0, -1), (end, op)

    def _function_run(self, event: Any, _metadata: int, start: int, _end: int) -> None:
        until, node = self._node
        around = self._opened[-1][1] if self._opened else 0
        self._building.begin_run(self._plane.number(event, "id"), around, node if start < until else "")

    def _pipeline_run(self, event: Any, _metadata: int, _start: int, _end: int) -> None:
        self._building.input_runs.add(self._plane.number(event, "id"))

    def _async_start(self, event: Any, _metadata: int, start: int, end: int) -> None:
        stats = self._plane.plane.stats(event)
        name, type_ = str(stats.get("name", "")), str(stats.get("kernel_type", ""))
        path = node_path(name)
        op = self._building.op(Op(name, path, type_, ASYNC))
        self._add_asynchronous(self._plane.number(event, "_p"), op, start, end)
        self._node = (end, path)

    def _async_done(self, event: Any, _metadata: int, start: int, _end: int) -> None:
        self._building.done[self._plane.number(event, "_c")] = start

    def _thunk(self, event: Any, _metadata: int, start: int, end: int) -> None:
        op, number = self._plane.instruction(event)
        run = self._opened[-1][1] if self._opened else 0
        until, node = self._node
        if start < until:
            run = self._building.run_inside(run, node)
        row = self._found.add(op, start, end, run)
        if number:
            self._later.append((number, row))

    def _step(self, event: Any, metadata: int, start: int, end: int) -> None:
        name, number = self._plane.plane.event_names[metadata], self._plane.number(event, "step_num")
        raised = bool(self._plane.number(event, RAISED))
        self._building.steps.append(Step(name, number, self._thread, start, end, raised))

    def _launch(self, event: Any, _metadata: int, start: int, _end: int) -> None:
        self._plane.launches[self._plane.number(event, "correlation_id")] = (self._line.id, start)

    def _allocation(self, event: Any, metadata: int, start: int, _end: int) -> None:
        taken_back = self._plane.plane.event_names[metadata] == "MemoryDeallocation"
        found = _allocated(self._plane, event, start, self._thread, taken_back)
        until, op = self._running
        if start < until and not taken_back:
            found = found._replace(path=self._building.ops[op].type, kind=EAGER)
        self._building.allocations.append(found)

    def _add(self, op: int, start: int, end: int) -> int:
        return self._found.add(op, start, end, self._opened[-1][1] if self._opened else 0)

    def _add_asynchronous(self, number: int, op: int, start: int, end: int) -> int:
        row = self._add(op, start, end)
        if number:
            self._later.append((number, row))
        return row


def _allocated(plane: HostPlane, event: Any, moment: int, thread: int, taken_back: bool) -> Allocation:
    """Returns what an event of an allocator says."""
    stats = plane.plane.stats(event)
    size = _whole(stats.get("allocation_bytes"))
    return Allocation(
        time_ns=moment,
        bytes=-size if taken_back else size,
        address=_whole(stats.get("addr")),
        allocator=str(stats.get("allocator_name", "")),
        in_use=_whole(stats.get("bytes_allocated")),
        path="" if taken_back else node_path(str(stats.get("tf_op", "")).partition(":")[0]),
        run=plane.building.run(_whole(stats.get("id"))),
        thread=thread,
        step=-1,
        shape=str(stats.get("shape", "")),
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
