"""Passes of steps: each step is marked for the profiler, and timed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.capture.session import Session


@dataclasses.dataclass(slots=True)
class Pass:
    """What is known of a pass so far. A step that raised is not in it."""

    step_ns: list[int] = dataclasses.field(default_factory=list)  # wall time of each step that came to its end
    cpu_ns: list[int] = dataclasses.field(default_factory=list)  # what threads computed in each, if it was asked for
    wall_ns: int = 0  # from the begin of the first step to the end of the last of these
    traced: tuple[str, ...] = ()  # names of the functions that TensorFlow traced in it, as often as it did

    def run(
        self,
        step: Callable[[], None],
        count: int,
        *,
        progress: Callable[[int], None],
        goes_on: Callable[[], bool] = lambda: True,
        cpu: bool = False,
    ) -> None:
        """Runs `step` so many times, each marked as a step, and times it.

        Args:
          step: what to run.
          count: how often.
          progress: told the number of each step, outside of its time.
          goes_on: asked before each step but the first, outside of its time.
          cpu: whether CPU time is taken as well. To ask for it takes a step out of the processor's caches, and so some
            microseconds of the next one.
        """
        settle = _settle()
        first = computed = 0
        for number in range(count):
            if number and not goes_on():
                return
            progress(number)
            if cpu:
                computed = time.process_time_ns()
            begin = time.perf_counter_ns()
            first = first or begin
            mark = StepMark("step", number)
            try:
                step()
                settle()
            except BaseException:
                mark.end(raised=True)
                raise
            mark.end()
            end = time.perf_counter_ns()
            self.step_ns.append(end - begin)
            if cpu:
                self.cpu_ns.append(time.process_time_ns() - computed)
            self.wall_ns = end - first


class StepMark:
    """A step's mark in the profile. It begins when it is made, and ends when it is told to, or is dropped."""

    def __init__(self, name: str, number: int) -> None:
        import tensorflow as tf

        self._trace = tf.profiler.experimental.Trace(name, step_num=number, _r=1)

    def end(self, *, raised: bool = False) -> None:
        """Ends it; the profile itself says which step raised, as a program may use a number again."""
        if raised:
            from tracer.profile.model import RAISED  # here, as a recording does without what reads profiles

            self._trace.set_metadata(**{RAISED: 1})
        self._trace.__exit__(None, None, None)


@contextmanager
def telling(session: Session, where: str, step: Callable[[], int]) -> Iterator[None]:
    """Has the run say which step raised, be it to end the program, if one does in the block.

    Args:
      session: the recording under way.
      where: the pass: one of those that `recorded` names.
      step: the number of the step that is under way.
    """
    try:
        yield
    except BaseException:
        session.note(raised={"pass": where, "step": step()})
        raise


def _settle() -> Callable[[], None]:
    """Returns what waits for a step's work: an accelerator is still at it when Python has the result's handle."""
    import tensorflow as tf

    if all(device.device_type == "CPU" for device in tf.config.list_logical_devices()):
        return lambda: None
    return tf.test.experimental.sync_devices  # type: ignore[no-any-return]  # TensorFlow has no types
