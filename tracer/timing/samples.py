"""What a run tells of the time of its steps: the samples that two runs are compared by."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from tracer.errors import Unreadable
from tracer.graph.inline import LIMIT
from tracer.profile.model import Executions, Profile
from tracer.recorded import Run
from tracer.timing.timing import Timing, read_timing

BARE = "without the profiler"
PROFILED = "with the profiler"

_BATCHES = 24  # samples that a node has at most: a run of many steps would have a row for each node in each


@dataclasses.dataclass(frozen=True, slots=True)
class Sampled:
    """What each node took in each of a few batches of steps that follow each other."""

    timing: Timing  # its steps are the batches
    batches: tuple[int, ...]  # how many steps each has; empty if no steps are marked

    @property
    def steps(self) -> int:
        """How many steps the window has."""
        return sum(self.batches)

    def per_step(self, sums: Mapping[int, int]) -> list[float]:
        """Returns for each batch, of what it took in all, the part of one of its steps."""
        return [sums.get(number, 0) / steps for number, steps in enumerate(self.batches)]

    def self_ns(self) -> list[float]:
        """Returns the self time of all executions in a step, for each batch."""
        return self.per_step(_summed(self.timing.profiles, lambda rows: rows.self_ns))

    def calls(self) -> list[float]:
        """Returns the executions in a step, for each batch."""
        return self.per_step(_summed(self.timing.profiles, lambda rows: [1] * len(rows)))


def read_samples(run: Run, *, limit: int = LIMIT) -> Sampled:
    """Returns what each node of a run took, by batches of steps. Args and raises: as `read_timing`."""
    numbers = sorted({step.number for profile in _readable(run) for step in profile.steps})
    count = min(len(numbers), _BATCHES)
    batch = {number: place * count // len(numbers) for place, number in enumerate(numbers)}
    sizes = [0] * count
    for each in batch.values():
        sizes[each] += 1

    def renumbered(path: str) -> Profile:
        profile = run.profile(path)
        steps = tuple(step._replace(number=batch[step.number]) for step in profile.steps)
        return dataclasses.replace(profile, steps=steps)

    batched = dataclasses.replace(run, _open_profile=renumbered) if run.profiles else run
    return Sampled(read_timing(batched, by_step=True, limit=limit), tuple(sizes))


def step_samples(run: Run, profiles: Sequence[Profile]) -> dict[str, Sequence[int]]:
    """Returns the wall times of a run's steps, in nanoseconds, by the pass in which they were taken.

    Where the run did not write them down, those of the profiled pass are what its profile has marked.
    """
    window = run.window
    found: dict[str, Sequence[int]] = {}
    if window and window.bare_step_ns:
        found[BARE] = window.bare_step_ns
    marked = next((profile.steps for profile in profiles if profile.steps), ())
    if window and window.step_ns:
        found[PROFILED] = window.step_ns
    elif marked:
        found[PROFILED] = [step.end_ns - step.start_ns for step in marked]
    elif window and window.steps and run.profiles:
        found[PROFILED] = [window.wall_ns // window.steps]
    return found


def _readable(run: Run) -> list[Profile]:
    """Returns the profiles that can be read; `read_timing` says what is wrong with the others."""
    found = []
    for path in run.profiles:
        try:
            found.append(run.profile(path))
        except Unreadable:  # noqa: PERF203  # a profile for each host: few
            continue
    return found


def _summed(profiles: Sequence[Profile], column: Callable[[Executions], Sequence[int]]) -> dict[int, int]:
    """Returns the sum over all executions by the number of their step."""
    sums: dict[int, int] = {}
    for profile in profiles:
        for step, value in zip(profile.executions.step, column(profile.executions), strict=True):
            if step >= 0:
                number = profile.steps[step].number
                sums[number] = sums.get(number, 0) + value
    return sums
