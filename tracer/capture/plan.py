"""When the profiler is on in a program that is not ours to repeat."""

from __future__ import annotations

import dataclasses

from tracer.capture.limits import SECONDS, checked_seconds
from tracer.errors import UsageError
from tracer.text import plural

SHARE = 0.03  # of the program's time that windows may cost beside the profiled steps' own


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """When the profiler is on."""

    skip_steps: int = 1  # before the first window: the first step traces
    steps: int = 10  # of a window
    every: int = 0  # a window begins each so many steps; 0: as often as costs no more than `SHARE`
    seconds: float = SECONDS  # a window lasts no longer
    max_bytes: int = 0  # of all windows that are kept; 0 is no limit
    fresh: bool = False  # have functions instantiated again before each window


def checked_plan(
    *, skip_steps: int, steps: int, every: int, seconds: float, max_bytes: int = 0, fresh: bool = False
) -> Plan:
    """Returns a plan.

    Raises:
      UsageError: a number is out of range.
    """
    if steps < 1:
        raise UsageError(f"steps is {steps}", hint="a window has at least one step: --steps 10")
    if skip_steps < 0:
        raise UsageError(f"skip-steps is {skip_steps}", hint="a number of steps, 0 or more: --skip-steps 1")
    if every < 0 or 0 < every < steps:
        raise UsageError(
            f"every is {every}, and a window has {plural(steps, 'step')}",
            hint="--every N begins a window each N steps, so it is at least as large as --steps",
        )
    return Plan(skip_steps, steps, every, checked_seconds(seconds), max_bytes, fresh)
