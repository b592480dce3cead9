"""When the profiler has to stop: each event that it sees costs memory until then, and more while it is written."""

from __future__ import annotations

import math
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tracer.errors import UsageError
from tracer.text import byte_size

SECONDS = 60.0  # what a person waits for, and more steps than any statistics of them need

# TensorFlow keeps about 130 bytes for an event, and at most 5 times that while it turns events into a file (measured:
# 421,532 events took 58 MB, and 286 MB in the end). So what the profile adds to the process stays below 256 MiB.
MEMORY = 46 << 20
# A program that is not ours to repeat may build its model and load its data in the block: growth that is not the
# profile's, and is as even (15 MB a second in a Keras fit). Stopped too late is better there than far too early.
MEMORY_OF_BLOCKS = 8 * MEMORY
_LOOK_EVERY = 0.05  # seconds; of two million events a second, 13 MB come between two looks
_LOOKS = 1200  # a minute of them is enough to know what is usual
_FEWEST = 3  # of fewer intervals one alone would be the usual


def checked_seconds(seconds: float) -> float:
    """Returns for how many seconds the profiler may be on.

    Raises:
      UsageError: it is no time above 0.
    """
    if not seconds > 0 or math.isinf(seconds):
        raise UsageError(
            f"profile-seconds is {seconds:g}",
            hint="a time above 0: --profile-seconds 60; --no-profile (profile=False) records without the profiler",
        )
    return seconds


def steady_growth(growth: Sequence[int]) -> int:
    """Returns how much of a growth was steady: what is usual in an interval, for all of them.

    Events come evenly. What a program takes at once, as for its weights, is in few of the intervals.

    Args:
      growth: by how many bytes the process grew in each of some even intervals.
    """
    if len(growth) < _FEWEST:
        return 0
    return statistics.median_low(growth[-_LOOKS:]) * len(growth)


class Watch:
    """Watches a profile from a thread of its own, and calls back once, when its time or its memory is used up."""

    def __init__(
        self, *, seconds: float, memory: int, used_up: Callable[[str], None], traced: Callable[[], int]
    ) -> None:
        """Watches nothing yet.

        Args:
          seconds: how long the profiler may be on.
          memory: how many bytes the process may grow by evenly.
          used_up: gets why the profiler has to stop: `its 60 seconds were up`.
          traced: how many functions were traced so far. Tracing takes memory steadily, and none of it is the profile's.
        """
        self._seconds = seconds
        self._memory = memory
        self._used_up = used_up
        self._traced = traced
        self._over = threading.Event()
        # A daemon, as a program that ends without its block's end must not wait for us.
        self._thread = threading.Thread(target=self._run, name="trace-scenario-watch", daemon=True)

    def start(self) -> None:
        """Begins to count time and memory."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it; after this, nobody is called back."""
        self._over.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        end = time.monotonic() + self._seconds
        growth: list[int] = []
        before, traced = _resident(), self._traced()
        while not self._over.wait(max(min(_LOOK_EVERY, end - time.monotonic()), 0.0)):
            now = _resident()
            if traced == self._traced():
                growth.append(now - before)
            before, traced = now, self._traced()
            if time.monotonic() >= end:
                self._used_up(f"its {self._seconds:g} seconds were up")
                return
            if steady_growth(growth) > self._memory:
                self._used_up(f"the process grew evenly by {byte_size(steady_growth(growth))}, as events make it")
                return


def _resident() -> int:
    """Returns the resident bytes of this process; 0 where the system does not say so."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
