"""What a run tells of the time of its steps: the samples that two runs are compared by."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from tracer.graph.inline import LIMIT
from tracer.profile.model import Executions, Profile
from tracer.profile.sums import StepKeys, common_steps, counted_steps
from tracer.recorded import Run
from tracer.timing.timing import Timing, read_timing

BARE = "without the profiler"
PROFILED = "with the profiler"

_BATCHES = 24  # samples that a node has at most: a run of many steps would have a row for each node in each


@dataclasses.dataclass(frozen=True, slots=True)
class Sampled:
    """What each node took in each of a few batches of steps that follow each other."""

    timing: Timing  # with the batches told apart
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
        return self.per_step(self._summed(lambda rows: rows.self_ns))

    def calls(self) -> list[float]:
        """Returns the executions in a step, for each batch."""
        return self.per_step(self._summed(lambda rows: [1] * len(rows)))

    def _summed(self, column: Callable[[Executions], Sequence[int]]) -> dict[int, int]:
        """Returns the sum over all executions by batch."""
        sums: Counter[int] = Counter()
        profiles = self.timing.profiles
        for profile, batches in zip(profiles, _batches(profiles), strict=True):
            for step, value in zip(profile.executions.step, column(profile.executions), strict=True):
                if step >= 0 and batches[step] >= 0:
                    sums[batches[step]] += value
        return sums


def read_samples(run: Run, *, limit: int = LIMIT) -> Sampled:
    """Returns what each node of a run took, by batches of steps. Args and raises: as `read_timing`."""
    timing = read_timing(run, by_step=_batches, limit=limit)
    pairs = zip(common_steps(timing.profiles), _batches(timing.profiles), strict=True)
    batch_of = {step: batch for pair in pairs for step, batch in zip(*pair, strict=True)}
    sizes = Counter(batch for batch in batch_of.values() if batch >= 0)
    return Sampled(timing, tuple(sizes[batch] for batch in range(len(sizes))))


def _batches(profiles: Sequence[Profile]) -> StepKeys:
    """Returns the batch of each step: hosts have theirs in common, and a step that raised is in none."""
    keys = counted_steps(profiles)
    places = {key: place for place, key in enumerate(sorted({key for each in keys for key in each if key >= 0}))}
    number = len(places)
    return [[places[key] * min(number, _BATCHES) // number if key >= 0 else -1 for key in each] for each in keys]


def step_samples(run: Run, profiles: Sequence[Profile]) -> dict[str, Sequence[int]]:
    """Returns the wall times of a run's steps, in nanoseconds, by the pass in which they were taken.

    Where the run did not write them down, those of the profiled pass are what its profile has marked.
    """
    window = run.window
    found: dict[str, Sequence[int]] = {}
    if run.bare_step_ns:
        found[BARE] = run.bare_step_ns
    marked = next((profile.steps for profile in profiles if profile.steps), ())
    if window and window.step_ns:
        found[PROFILED] = window.step_ns
    elif marked:
        found[PROFILED] = [step.end_ns - step.start_ns for step in marked if not step.raised]
    elif window and window.steps and run.profiles:
        found[PROFILED] = [window.wall_ns // window.steps]
    return found
