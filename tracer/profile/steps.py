"""Where the wall time of each step went: into ops, and where no op ran, into what the step's own thread did.

The parts of a step do not overlap, and add up to it to the nanosecond:

    ops         at least one node, op of Python's, instruction of XLA's or kernel ran, on any thread or device
    input       none did, and an element of a dataset was asked for, or the thread was making datasets
    tracing     ... the step's thread was tracing Python functions to graphs
    compiling   ... was compiling with XLA
    launch      ... was on its way from Python to the executor: arguments, looking up the trace, and where a function
                or an op runs for the first time, optimising its graph and making its kernels
    scheduling  ... waited for the executor: handing over between threads, and nodes too cheap to be traced
    python      ... was in nothing of TensorFlow's but making tensors: Python, a file, a sleep
    other       ... was in events of other libraries, or in the call of a function that raised
    idle        ... was in no event at all; in a step that is `python`

What tf.data computes ahead on its own threads costs a step nothing, and is no part of it while the step does not wait
for it: its functions' nodes are not `ops` here.
"""

from __future__ import annotations

import dataclasses
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence

from tracer.profile import names
from tracer.profile.activity import IDLE, INPUT, KINDS, LAUNCH, OPS, PYTHON, TRACING, Timeline
from tracer.profile.intervals import gaps, length, merged
from tracer.profile.model import ASYNC, Profile, Step

WINDOW = "window"  # the name of the only account where no steps are marked

_Intervals = list[tuple[int, int]]


@dataclasses.dataclass(frozen=True, slots=True)
class StepAccount:
    """Where the wall time of a step went."""

    name: str
    number: int  # the program's own, as of `Step`; -1 for a window
    thread: int  # index into `Profile.threads`: the one that marked the step; of a window the one that launched most
    start_ns: int
    end_ns: int
    parts: Mapping[str, int]  # nanoseconds by kind, the most first; kinds without any are left out
    calls: int  # executions that began in the step, those of tf.data among them
    self_ns: int  # of these, added up over threads: may be more than the wall time
    raised: bool  # whether it was left by an exception: then it is no sample of a step

    @property
    def wall_ns(self) -> int:
        """The step from its beginning to its end: what its parts add up to."""
        return self.end_ns - self.start_ns


def step_threads(profile: Profile) -> frozenset[int] | None:
    """Returns the threads whose timelines `step_accounts` needs; None for all."""
    return frozenset(step.thread for step in profile.steps) or None


def step_accounts(profile: Profile, timelines: Mapping[int, Timeline]) -> tuple[StepAccount, ...]:
    """Returns an account of each marked step, by start; without marked steps one of the whole profile.

    Steps of several threads may overlap; each has an account of its own time, so theirs do not add up.

    Args:
      profile: what the profiler saw on one host.
      timelines: what the threads did, of the same file, as `read_timelines` returns them.
    """
    steps = profile.steps or _window(profile, timelines)
    if not steps:
        return ()
    ops, waits = _busy(profile)
    sums = _sums(profile) if profile.steps else {0: (len(profile), sum(profile.executions.self_ns))}
    unknown = PYTHON if profile.steps else IDLE
    accounts = []
    for index, step in enumerate(steps):
        parts = _parts(step, _clip(ops, step), _clip(waits, step), timelines.get(step.thread), unknown)
        calls, own = sums.get(index, (0, 0))
        accounts.append(StepAccount(*step[:5], parts, calls, own, step.raised))
    return tuple(accounts)


def _busy(profile: Profile) -> tuple[_Intervals, _Intervals]:
    """Returns when ops ran, and when an element of a dataset was asked for or a dataset was made."""
    rows = profile.executions
    of_input = [names.is_input(op.type) for op in profile.ops]
    pending = [op.kind == ASYNC for op in profile.ops]
    ahead = [run.input for run in profile.runs]
    ops: _Intervals = []
    waits: _Intervals = []
    columns = zip(rows.op, rows.run, rows.parent, rows.start_ns, rows.end_ns, rows.done_ns, strict=True)
    for op, run, parent, start, end, done in columns:
        if of_input[op]:
            if not ahead[run]:
                waits.append((start, done if pending[op] else end))
        elif not ahead[run] and (parent < 0 or of_input[rows.op[parent]]):
            ops.append((start, end))  # what is inside of another op is in its time
    return merged(ops), merged(waits)


def _parts(step: Step, ops: _Intervals, waits: _Intervals, timeline: Timeline | None, unknown: str) -> dict[str, int]:
    """Returns the parts of a step in which ops ran, and elements were waited for, in these intervals.

    The time in which its thread was in no event is of the kind `unknown`.
    """
    found = Counter({OPS: length(ops)})
    for start, end in gaps(ops, step.start_ns, step.end_ns):
        rest = gaps(_between(waits, start, end), start, end)
        found[INPUT] += end - start - length(rest)
        for begin, until in rest:
            if timeline is None:
                found[unknown] += until - begin
                continue
            for one, other, kind in timeline.spans(begin, until):
                found[unknown if kind == IDLE else kind] += other - one
    most_first = sorted(found.items(), key=lambda part: (-part[1], KINDS.index(part[0])))
    return {kind: time for kind, time in most_first if time}


def _clip(intervals: _Intervals, step: Step) -> _Intervals:
    """Returns the parts of intervals that are in a step."""
    return [
        (max(start, step.start_ns), min(end, step.end_ns))
        for start, end in _between(intervals, step.start_ns, step.end_ns)
    ]


def _between(intervals: _Intervals, start: int, end: int) -> _Intervals:
    """Returns the intervals that reach into the time from `start` to `end`."""
    first = bisect_left(intervals, start, key=lambda interval: interval[1])
    return intervals[first : bisect_left(intervals, (end, end))]


def _sums(profile: Profile) -> dict[int, tuple[int, int]]:
    """Returns the executions that began in each step, and their self times added up."""
    calls: Counter[int] = Counter(profile.executions.step)
    own = dict.fromkeys(calls, 0)
    for step, time in zip(profile.executions.step, profile.executions.self_ns, strict=True):
        own[step] += time
    return {step: (calls[step], own[step]) for step in calls}


def _window(profile: Profile, timelines: Mapping[int, Timeline]) -> tuple[Step, ...]:
    """Returns the whole profile as one step, of the thread that launched the most; none where nothing happened."""
    rows = profile.executions
    ends: Sequence[array[int]] = [rows.start_ns, rows.end_ns, *(line.moments_ns for line in timelines.values())]
    known = [column for column in ends if column]
    if not known:
        return ()
    start, end = min(map(min, known)), max(map(max, known))
    times = {thread: line.times(start, end) for thread, line in timelines.items()}
    launched = {thread: sum(each.get(kind, 0) for kind in (LAUNCH, TRACING, PYTHON)) for thread, each in times.items()}
    thread = max(launched, key=lambda thread: (launched[thread], -thread), default=-1)
    return (Step(WINDOW, -1, thread, start, end),)
