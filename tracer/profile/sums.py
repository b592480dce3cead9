"""Executions of one op, in one function and on one device, added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate, count, pairwise
from typing import NamedTuple, TypeVar

from tracer.profile.memory import Peak, peaks_of_hosts, while_running
from tracer.profile.model import EAGER, FOLDING, FunctionRun, Op, Profile

_T = TypeVar("_T")

StepKeys = Sequence[Sequence[int]]  # of each profile: for each of its steps the number of the rows that it counts in
ByStep = Callable[[Sequence[Profile]], StepKeys]


class Key(NamedTuple):
    """What decides where an execution's time goes."""

    op: Op
    run: FunctionRun  # without its number, but for `FOLDING`
    device: str
    step: int  # of `StepKeys`; -1 outside of all steps, and where they are not told apart


class Sum:
    """What is added up."""

    __slots__ = ("bytes", "calls", "held_bytes", "peak_bytes", "self_ns", "total_ns")

    def __init__(self) -> None:
        self.calls = self.self_ns = self.total_ns = 0
        self.bytes = 0  # that they allocated
        self.peak_bytes = 0  # the most that were in use on their device while one of them ran: no sum
        self.held_bytes = 0  # of what they allocated, what was in use when most was on that device of their host

    def add(self, calls: int, self_ns: int, total_ns: int) -> None:
        """Adds executions."""
        self.calls += calls
        self.self_ns += self_ns
        self.total_ns += total_ns

    def add_memory(self, size: int, peak: int, held: int) -> None:
        """Adds their memory."""
        self.bytes += size
        self.peak_bytes = max(self.peak_bytes, peak)
        self.held_bytes += held


def each_step(profiles: Sequence[Profile]) -> StepKeys:
    """Returns a number for each step of its own: 0, 1, ... through all profiles."""
    bounds = accumulate((len(profile.steps) for profile in profiles), initial=0)
    return [range(start, end) for start, end in pairwise(bounds)]


def common_steps(profiles: Sequence[Profile]) -> StepKeys:
    """Returns a number for each step that hosts have in common: 0, 1, ... window by window.

    Hosts have steps in common in one window, in the order of the program's numbers; those of one host are always
    several: where a program counts anew, the first of a number come before the second.
    """
    windows = {session: number for number, session in enumerate(dict.fromkeys(each.session for each in profiles))}
    places = [[(windows[profile.session], *place) for place in _places(profile)] for profile in profiles]
    numbers = {place: number for number, place in enumerate(sorted({place for each in places for place in each}))}
    return [[numbers[place] for place in each] for each in places]


def counted_steps(profiles: Sequence[Profile]) -> StepKeys:
    """Returns the numbers of `common_steps`; -1 for a step that raised, on all hosts that have it."""
    keys = common_steps(profiles)
    raised = {
        key
        for profile, each in zip(profiles, keys, strict=True)
        for step, key in zip(profile.steps, each, strict=True)
        if step.raised
    }
    return [[-1 if key in raised else key for key in each] for each in keys]


def _places(profile: Profile) -> list[tuple[int, int]]:
    """Returns for each step how many before it have its number, and the number."""
    seen: Counter[int] = Counter()
    found = []
    for step in profile.steps:
        found.append((seen[step.number], step.number))
        seen[step.number] += 1
    return found


def sums_of(profiles: Sequence[Profile], by_step: ByStep | None = None) -> dict[Key, Sum]:
    """Returns the executions of profiles, and the memory that they allocated, added up.

    Args:
      profiles: of any number of hosts and sessions.
      by_step: which steps to tell apart, as `each_step` does; none by default.
    """
    sums: dict[Key, Sum] = {}
    keys = by_step(profiles) if by_step else [(-1,) * len(profile.steps) for profile in profiles]
    for profile, steps, most in zip(profiles, keys, peaks_of_hosts(profiles), strict=True):
        _add(profile, sums, steps)
        _add_memory(profile, sums, steps, most)
    return sums


def _add(profile: Profile, sums: dict[Key, Sum], keys: Sequence[int]) -> None:
    rows = profile.executions
    runs, run_numbers = _numbered([_plain(run) for run in profile.runs])
    devices, device_numbers = _numbered([thread.device for thread in profile.threads])
    width, depth = len(runs), len(devices)
    # A row in no step has -1, which picks the last.
    steps, step_numbers = _numbered([*keys, -1])
    height = len(steps)
    parents, ops = rows.parent, rows.op
    found: dict[int, list[int]] = {}
    outside = _Outside(ops, parents)
    columns = zip(
        count(), ops, rows.run, rows.thread, rows.step, rows.self_ns, rows.start_ns, rows.done_ns, parents,
        while_running(profile),
    )  # fmt: skip
    for row, op, run, thread, step, own, start, done, parent, most in columns:
        code = ((op * width + run_numbers[run]) * depth + device_numbers[thread]) * height + step_numbers[step]
        each = found.get(code)
        if each is None:
            each = found[code] = [0, 0, 0, 0]
        each[0] += 1
        each[1] += own
        if parent < 0 or not outside.has(row, parent, op):
            each[2] += done - start
        each[3] = max(each[3], most)
    for code, (calls, own, total, most) in found.items():
        rest, step = divmod(code, height)
        rest, device = divmod(rest, depth)
        op, run = divmod(rest, width)
        key = Key(profile.ops[op], runs[run], devices[device], steps[step])
        mine = sums.setdefault(key, Sum())
        mine.add(calls, own, total)
        mine.add_memory(0, most, 0)


class _Outside:
    """Which ops are around an execution; asked for one execution after the other."""

    def __init__(self, ops: Sequence[int], parents: Sequence[int]) -> None:
        self._ops = ops
        self._parents = parents
        self._rows: list[int] = []
        self._count: Counter[int] = Counter()

    def has(self, row: int, parent: int, op: int) -> bool:
        """Returns whether an execution that is inside of another is inside of one of the same op."""
        if parent == row - 1:  # the one before, or around that: they are in the order of their beginnings
            if self._parents[parent] < 0:
                self._rows.clear()
                self._count.clear()
            self._rows.append(parent)
            self._count[self._ops[parent]] += 1
        while self._rows and self._rows[-1] != parent:
            self._count[self._ops[self._rows.pop()]] -= 1
        return self._count[op] > 0


def _add_memory(profile: Profile, sums: dict[Key, Sum], keys: Sequence[int], most: Sequence[Peak]) -> None:
    held = frozenset(number for peak in most for number in peak.blocks)
    for number, each in enumerate(profile.allocations):
        if each.bytes > 0:
            op = Op(each.path, each.path, each.path if each.kind == EAGER else "", each.kind)
            step = keys[each.step] if each.step >= 0 else -1
            key = Key(op, _plain(profile.runs[each.run]), each.device, step)
            sums.setdefault(key, Sum()).add_memory(each.bytes, 0, each.bytes if number in held else 0)


def _plain(run: FunctionRun) -> FunctionRun:
    return run if run.number == FOLDING else run._replace(number=0)


def _numbered(values: list[_T]) -> tuple[list[_T], list[int]]:
    """Returns the different values, and for each of `values` which it is."""
    numbers: dict[_T, int] = {}
    of = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), of
