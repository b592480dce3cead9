"""Two runs to what changed in their time and memory: of a step, and row by row."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections import Counter
from collections.abc import Sequence

from tracer.profile.memory import in_use
from tracer.profile.model import Profile
from tracer.profile.sums import counted_steps
from tracer.recorded import Run
from tracer.timing.compare import ELSEWHERE, INCONCLUSIVE, NOISE, NOISE_OF_CPU, SAME, Compared, Comparison, compare
from tracer.timing.samples import BARE, PROFILED, Sampled, step_samples

LARGER = "larger"
SMALLER = "smaller"


@dataclasses.dataclass(frozen=True, slots=True)
class TimeDiff(Compared):
    """Wall time of a step before and after."""

    comparison: Comparison  # medians are of the first of `passes`
    passes: tuple[str, ...]  # "without the profiler", "with the profiler": those that both runs have
    steps: tuple[int, int]  # how many there are before and after in the first pass
    reason: str  # why the verdict is not a sharper one; empty where it is "slower", "faster" or "same"


@dataclasses.dataclass(frozen=True, slots=True)
class MemoryDiff:
    """Bytes of a step before and after: the median, and between which bounds the steps lie."""

    before: int
    after: int
    before_range: tuple[int, int]
    after_range: tuple[int, int]
    allowance: int  # the largest block: one more of them, or one less, is chance

    @property
    def verdict(self) -> str:
        """`larger`, `smaller`, `same` or `inconclusive`."""
        least, most = self._least_growth, self._most_growth
        if least > self.allowance:
            return LARGER
        if most < -self.allowance:
            return SMALLER
        within = abs(self.after - self.before) <= self.allowance
        return SAME if (least == most == 0) or (within and least <= 0 <= most) else INCONCLUSIVE

    def exceeds(self, growth: float, *, of: float) -> bool | None:
        """Returns whether it grew by more than `growth`, a part of `of`; None if that cannot be told."""
        bound = growth * of
        if self._least_growth - self.allowance > bound:
            return True
        return False if self.verdict in (SAME, SMALLER) or self._most_growth <= bound else None

    @property
    def _least_growth(self) -> int:
        return self.after_range[0] - self.before_range[1]

    @property
    def _most_growth(self) -> int:
        return self.after_range[1] - self.before_range[0]


def time_diff(
    before: Run, after: Run, profiles: tuple[Sequence[Profile], Sequence[Profile]], noise: float | None = None
) -> TimeDiff | None:
    """Returns how the wall time of a step compares; None where one of the runs has no steps.

    Args:
      before: the first run.
      after: the second.
      profiles: of both, as far as they can be read.
      noise: how far runs of an unchanged program may be apart; by default `NOISE`, and more for runs on two machines.
    """
    old, new = step_samples(before, profiles[0]), step_samples(after, profiles[1])
    passes = tuple(name for name in (BARE, PROFILED) if name in old and name in new)
    if not passes:
        return None
    elsewhere = noise is None and not same_machine(before, after)
    allowed = noise if noise is not None else ELSEWHERE if elsewhere else NOISE
    found = compare([(old[name], new[name]) for name in passes], allowed)
    steps = len(old[passes[0]]), len(new[passes[0]])
    return TimeDiff(found, passes, steps, _reason(found, elsewhere=elsewhere))


def cpu_diff(before: Run, after: Run, noise: float | None = None) -> Comparison | None:
    """Returns how the CPU time of a step without the profiler compares; None where a side did not measure it."""
    if not before.bare_cpu_ns or not after.bare_cpu_ns:
        return None
    allowed = noise if noise is not None else NOISE_OF_CPU if same_machine(before, after) else ELSEWHERE
    return compare([(before.bare_cpu_ns, after.bare_cpu_ns)], allowed)


def same_machine(before: Run, after: Run) -> bool:
    """Tells whether two runs are known to come from one machine: its name, processors, devices and system."""
    return bool(before.host) and before.host == after.host


def _reason(found: Comparison, *, elsewhere: bool) -> str:
    if found.verdict != INCONCLUSIVE:
        return ""
    if found.range.high == math.inf:
        return "too few steps to tell: record both with --steps 20"
    allowed = f"{100 * found.noise:.0f} %"
    if elsewhere:
        return f"not the same machine, as far as is known: up to {allowed} apart says nothing of the program"
    return f"cannot be told from the noise: two runs of an unchanged program may be {allowed} apart"


def peak_diff(before: Sequence[Profile], after: Sequence[Profile]) -> MemoryDiff | None:
    """Returns how the bytes in use compare at their peaks; None where a side has no block that TensorFlow reports."""
    return _memory_diff(before, after, _peaks(before), _peaks(after))


def bytes_diff(before: Sequence[Profile], after: Sequence[Profile]) -> MemoryDiff | None:
    """Returns how the bytes compare that a step allocates; None where no side has a block that TensorFlow reports."""
    old, new = _allocated(before), _allocated(after)
    return _memory_diff(before, after, old, new) if any(old) or any(new) else None


def _memory_diff(
    before: Sequence[Profile], after: Sequence[Profile], old: Sequence[int], new: Sequence[int]
) -> MemoryDiff | None:
    if not old or not new:
        return None
    blocks = (each.bytes for profile in (*before, *after) for each in profile.allocations)
    return MemoryDiff(
        before=round(statistics.median(old)),
        after=round(statistics.median(new)),
        before_range=(min(old), max(old)),
        after_range=(min(new), max(new)),
        allowance=max(blocks, default=0),
    )


def _peaks(profiles: Sequence[Profile]) -> list[int]:
    """Returns the peak of each step that allocates: bytes in use, of all devices together, each at its own peak."""
    peaks: Counter[int] = Counter()
    for profile, keys in zip(profiles, counted_steps(profiles), strict=True):
        for memory in in_use(profile).values():
            most: dict[int, int] = {}
            for number, now in zip(memory.events, memory.bytes[1:], strict=True):
                sample = _sample(profile, keys, profile.allocations[number].step)
                if sample is not None:
                    most[sample] = max(most.get(sample, 0), now)
            peaks.update(most)
    return list(peaks.values())


def _allocated(profiles: Sequence[Profile]) -> list[int]:
    """Returns what each step allocates in all."""
    sums: dict[int, int] = {}
    for profile, keys in zip(profiles, counted_steps(profiles), strict=True):
        sums.update({number: 0 for number in keys if number >= 0 and number not in sums})
        for each in profile.allocations:
            sample = _sample(profile, keys, each.step)
            if each.bytes > 0 and sample is not None:
                sums[sample] = sums.get(sample, 0) + each.bytes
    return list(sums.values())


def _sample(profile: Profile, keys: Sequence[int], step: int) -> int | None:
    """Returns the number of a step of a profile; None outside of all and where it raised.

    A profile without marked steps is one, of the number -1.
    """
    if not profile.steps:
        return -1
    return keys[step] if step >= 0 and keys[step] >= 0 else None


def profiles_of(sampled: Sampled | None) -> tuple[Profile, ...]:
    """Returns a run's profiles; none where it has none that can be read."""
    return sampled.timing.profiles if sampled else ()
