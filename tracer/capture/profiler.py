"""TensorFlow's profiler over a stretch of a program. What goes wrong with it costs the profile and nothing else."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tracer.capture import tf_private
from tracer.capture.limits import MEMORY, MEMORY_OF_BLOCKS, SECONDS, Watch
from tracer.errors import reason
from tracer.recorded import Warned
from tracer.store import layout

_WITHOUT_PROFILE = "record with --no-profile (profile=False) if you only want the graphs"
_COMPILING = re.compile(rb"\b(?:Cpu|Gpu|Jit|Nvptx|AmdGpu)\w*Compiler::")  # what XLA calls its work in a profile


class Profiler:
    """The profiler of one session; `warnings` says what it could not do."""

    def __init__(
        self, folder: Path, *, seconds: float = SECONDS, traced: Callable[[], int] = lambda: 0, unseen: bool = False
    ) -> None:
        """Makes it; nothing is profiled yet.

        Args:
          folder: where it writes to.
          seconds: for how long it is on at most.
          traced: how many functions were traced so far.
          unseen: whether the program is to believe that no profiler is on, so that it can start its own.
        """
        self.warnings: list[Warned] = []
        self.used_up = ""  # why it has to stop, or had to: "its 60 seconds were up"; empty while it may go on
        self.wall_ns = 0  # for how long it was on
        self._folder = folder
        self._seconds = seconds
        self._traced = traced
        self._running = False
        self._unseen = unseen
        self._session: Any = None  # C++'s, where the program is not to see it
        self._began_ns = 0
        self._lock = threading.Lock()  # its time may be up in the moment in which the program ends

    @property
    def is_running(self) -> bool:
        """Whether the profiler is on."""
        return self._running

    @contextmanager
    def window(self, *, stops_itself: bool = False) -> Iterator[None]:
        """Profiles the block, whatever ends it.

        When time or memory are used up, `used_up` says so: the block is to leave, or, if `stops_itself`, the rest of
        it goes unprofiled.
        """
        watch = Watch(
            seconds=self._seconds,
            memory=MEMORY_OF_BLOCKS if stops_itself else MEMORY,
            used_up=self._stop_early if stops_itself else self._say_used_up,
            traced=self._traced,
        )
        started = self.start()
        if started:
            watch.start()
        try:
            yield
        finally:
            if started:
                watch.stop()
            self.stop()

    @contextmanager
    def discarded(self) -> Iterator[bool]:
        """Profiles the block, and throws away what it saw; yields whether there is a profiler to be had."""
        try:
            yield self.start()
        finally:
            self.stop(save=False)

    def start(self) -> bool:
        """Starts TensorFlow's profiler, or adds to `warnings` why that is not possible; returns whether it runs."""
        import tensorflow as tf

        was_on = tf_private.profiler_is_on()
        try:
            self._start()
            self._running = True
            self._began_ns = time.perf_counter_ns()
        except tf.errors.AlreadyExistsError:
            if not was_on and not self._unseen:
                tf_private.forget_profiler()  # a start that fails leaves its session behind, and blocks every later one
            self._warn("another profiler session is running in this process", "stop it first, for only one can run")
        except Exception as error:  # noqa: BLE001  # profilers fail in as many ways as there are drivers
            self._warn(f"the profiler did not start: {reason(error)}", _WITHOUT_PROFILE)
        return self._running

    def stop(self, *, save: bool = True) -> None:
        """Stops the profiler, which writes its file unless it is not to be saved, and looks whether it did."""
        with self._lock:
            if not self._running:
                return
            self._running = False
            self.wall_ns = time.perf_counter_ns() - self._began_ns
            try:
                self._stop(save=save)
            except Exception as error:  # noqa: BLE001  # as above
                if not self._unseen:
                    tf_private.forget_profiler()
                self._warn(f"the profiler did not stop: {reason(error)}", _WITHOUT_PROFILE)
                return
        if save:
            self._look_at_files()

    def _start(self) -> None:
        import tensorflow as tf

        self._session = tf_private.profiler_session() if self._unseen else None
        if self._session is None:
            tf.profiler.experimental.start(str(self._folder))
            return
        try:
            self._session.start(str(self._folder), {})
        except Exception:
            self._session = None
            raise

    def _stop(self, *, save: bool) -> None:
        import tensorflow as tf

        session, self._session = self._session, None
        if session is None:
            tf.profiler.experimental.stop(save=save)
        elif save:
            session.export_to_tb()
        # else it stops when it is dropped, which is now

    def saw_compiling(self) -> bool:
        """Tells whether XLA compiled anything while the profiler was on."""
        return any(_COMPILING.search(file.read_bytes()) for file in self._files())

    def _files(self) -> list[Path]:
        return list((self._folder / layout.PROFILES).glob("*/*.xplane.pb"))

    def _look_at_files(self) -> None:
        files = self._files()
        if not files:
            self._warn("the profiler wrote no file", "check the space on the disk, or " + _WITHOUT_PROFILE)
        for file in files:
            if not file.stat().st_size:
                self._warn(f"{file.name} is empty: the profile was over 2 GB", "record fewer steps: --steps")

    def _say_used_up(self, why: str) -> None:
        self.used_up = why

    def _stop_early(self, why: str) -> None:
        self.used_up = why
        self.stop()

    def _warn(self, message: str, hint: str) -> None:
        self.warnings.append(Warned("no-profile", f"no profile: {message}", hint))
