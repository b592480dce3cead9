"""TensorFlow's profiler over a stretch of steps. What goes wrong with it costs the profile and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tracer.capture import tf_private
from tracer.errors import reason
from tracer.recorded import Warned
from tracer.store import layout

_WITHOUT_PROFILE = "record with --no-profile (profile=False) if you only want the graphs"


class Profiler:
    """The profiler of one session; `warnings` says what it could not do."""

    def __init__(self, folder: Path) -> None:
        self.warnings: list[Warned] = []
        self._folder = folder
        self._running = False

    @contextmanager
    def window(self) -> Iterator[None]:
        """Profiles the block, whatever ends it."""
        self.start()
        try:
            yield
        finally:
            self.stop()

    def start(self) -> None:
        """Starts TensorFlow's profiler, or adds to `warnings` why that is not possible."""
        import tensorflow as tf

        was_on = tf_private.profiler_is_on()
        try:
            tf.profiler.experimental.start(str(self._folder))
            self._running = True
        except tf.errors.AlreadyExistsError:
            if not was_on:
                tf_private.forget_profiler()  # a start that fails leaves its session behind, and blocks every later one
            self._warn("another profiler session is running in this process", "stop it first, for only one can run")
        except Exception as error:  # noqa: BLE001  # profilers fail in as many ways as there are drivers
            self._warn(f"the profiler did not start: {reason(error)}", _WITHOUT_PROFILE)

    def stop(self) -> None:
        """Stops the profiler, which writes its file, and looks whether it did."""
        import tensorflow as tf

        if not self._running:
            return
        self._running = False
        try:
            tf.profiler.experimental.stop()
        except Exception as error:  # noqa: BLE001  # as above
            tf_private.forget_profiler()
            self._warn(f"the profiler did not stop: {reason(error)}", _WITHOUT_PROFILE)
            return
        files = list((self._folder / layout.PROFILES).glob("*/*.xplane.pb"))
        if not files:
            self._warn("the profiler wrote no file", "check the space on the disk, or " + _WITHOUT_PROFILE)
        for file in files:
            if not file.stat().st_size:
                self._warn(f"{file.name} is empty: the profile was over 2 GB", "record fewer steps: --steps")

    def _warn(self, message: str, hint: str) -> None:
        self.warnings.append(Warned("no-profile", f"no profile: {message}", hint))


def timed_steps(step: Callable[[int], None], count: int) -> int:
    """Runs `step(0) ... step(count - 1)`, each marked as a step for the profiler, and returns their wall time in ns."""
    import tensorflow as tf

    begin = time.perf_counter_ns()
    for number in range(count):
        with tf.profiler.experimental.Trace("step", step_num=number, _r=1):
            step(number)
    return time.perf_counter_ns() - begin
