"""Windows of a program that is not ours to repeat: the profiler is on for some of its steps, again and again.

Each window is a profile of its own, whole on disk when it ends, so that a program that is killed has lost the window
that was open and nothing else. They cost a small share of the program's time, and a bounded folder: the oldest give
way.

TensorFlow stops to trace a cheap kernel after about 90 runs that nobody traced. So the profiler is on from the
program's first call, on trial, and the first window of its steps, which follows on that, is complete. Later ones are
only where functions were instantiated again. What a run says of its nodes is of the complete windows, if there are any.
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracer.capture import tf_private
from tracer.capture.kept_windows import OWN, KeptWindows, Profiled
from tracer.capture.plan import SHARE, Plan
from tracer.capture.profiler import Profiler
from tracer.capture.steps import StepMark
from tracer.recorded import Warned
from tracer.store import layout

_APART_S = 0.5  # at least between two windows
_GROWTH = 0.1  # of the time since the first: a program of a day needs no window a second
_MOST_APART_S = 60.0  # and a kill is to leave no state that is older
_BARE = 200  # steps without the profiler whose times are kept: enough for a median and its spread
_TRIES = 3  # to start a profiler that somebody else has
_FIRST_CALLS = 50  # so many of a program's calls are enough to know what repeats
_FLUSH_NS = 2e9  # a kill is to lose no more of what is counted
_OVER = 5  # times a step's usual time: what the program does after its last step is no part of it


class Windows:
    """The windows of one recording. Steps are told to it; it profiles some of them."""

    def __init__(
        self, folder: Path, plan: Plan, *, traced: Callable[[], int], saved: Callable[[], None], profile: bool = True
    ) -> None:
        """Makes the windows of a run.

        Args:
          folder: the run's.
          plan: when the profiler is on.
          traced: how many functions were traced so far.
          saved: told when a window is on disk, and in between when a while has passed.
          profile: whether there are windows at all; without them only the times of steps are kept.
        """
        self.warnings: list[Warned] = []
        self.ran_before = ""  # why no window is complete: what ran before the recording
        self._folder = folder
        self._kept = KeptWindows(folder, plan.max_bytes)
        self._plan = plan
        self._traced = traced
        self._saved = saved
        self._begun_ns = time.perf_counter_ns()
        self._bare: dict[str, deque[int]] = {}
        self._steps: dict[str, int] = {}  # how many began, by what they are steps of
        self._tries = _TRIES if profile else 0
        self._number = 0  # windows of steps so far
        self._held = False
        self._begun = False  # whether any step did
        self._tried = False  # whether there was a window of first calls
        self._seamless = False  # whether the profiler was on in every step up to now
        self._open: Profiled | None = None
        self._profiler: Profiler | None = None
        self._stack = contextlib.ExitStack()
        self._settling = False
        self._instantiated = False  # whether functions were, for each window but the first
        self._step: tuple[str, int, StepMark | None] | None = None  # the step under way: of what, its begin, its mark
        self._returned_ns = 0  # when the call that the step began with came back; 0: it has not
        self._over_ns = self._begun_ns  # when the last window ended
        self._gap_s = 0.0
        self._next: dict[str, int] = {}  # with `every`: how many steps there are when the next window begins
        self._flushed_ns = self._begun_ns
        self._flush_after_ns: float = _FLUSH_NS
        self._lock = threading.RLock()

    @property
    def is_open(self) -> bool:
        """Whether the profiler is on."""
        return self._open is not None

    @property
    def is_tentative(self) -> bool:
        """Whether it is on for the program's first calls only, to have something if there are no others."""
        return self._open is not None and self._open.tentative

    def begin(self, function: str, number: int, *, tentative: bool = False) -> None:
        """A step begins; the one under way, if any, ends with that.

        Args:
          function: what it is a step of.
          number: its number, from 0.
          tentative: it is one of the program's first calls, of which nobody knows yet whether they are its steps.
        """
        with self._lock:
            self.end()
            self._roll(function, number, tentative)
            self._steps[function] = self._steps.get(function, 0) + 1
            self._begun = True
            mark = StepMark(function, number) if self._open else None
            self._returned_ns = 0
            self._step = (function, time.perf_counter_ns(), mark)

    def returned(self) -> None:
        """The call that the step began with came back: what follows is what the program does between its calls."""
        self._returned_ns = time.perf_counter_ns()

    def end(self, *, raised: bool = False) -> None:
        """Ends the step under way; one that raised has no time that counts."""
        with self._lock:
            if self._step is None:
                return
            function, begin_ns, mark = self._step
            self._step = None
            if mark is not None:
                mark.end(raised=raised)
            took = time.perf_counter_ns() - begin_ns
            if raised:
                return
            if self._open is not None and mark is not None and not self._settling:
                if not (self._profiler and self._profiler.used_up):  # else the profiler saw only its beginning
                    self._open.step_ns.append(took)
                    self._open.wall_ns += took
            elif mark is None and self._steps[function] > self._plan.skip_steps:
                self._bare.setdefault(function, deque(maxlen=_BARE)).append(took)

    def add(self, profile: Path, wall_ns: int) -> None:
        """Keeps a profile that the program made itself, of one stretch.

        Args:
          profile: the folder of the profiler's session.
          wall_ns: for how long that profiler was on.
        """
        with self._lock:
            began_s = (time.perf_counter_ns() - self._begun_ns - wall_ns) / 1e9
            window = Profiled(OWN, 0, began_s, tentative=True, complete=False, wall_ns=wall_ns, step_ns=[wall_ns])
            aside = self._folder / layout.WINDOW_ASIDE / layout.PROFILES / profile.name
            shutil.copytree(profile, aside)
            self._keep(window, aside)
            shutil.rmtree(self._folder / layout.WINDOW_ASIDE, ignore_errors=True)

    def give_way(self) -> None:
        """Ends the open window, as the program starts a profiler of its own; none opens before `go_on`."""
        with self._lock:
            self._held = True
            self._close("the program started the profiler itself")

    def go_on(self) -> None:
        """The program's own profiler has stopped."""
        self._held = False

    def break_off(self, why: str) -> None:
        """Ends the step and the window under way: the program does something else now, which is no step."""
        with self._lock:
            self.end()
            self._close(why)

    def finish(self, function: str = "") -> None:
        """Ends the step and the window under way: the program is at its end.

        Args:
          function: what its steps turned out to be, if that is known; else what most steps of windows are of.
        """
        with self._lock:
            self._held = True
            last = self._step  # its mark is held: one that is dropped ends, and would be a step of all that time
            if self._is_over():
                self._end_with_its_call()
            self.end()
            self._close("" if self._open and len(self._open.step_ns) >= self._plan.steps else "the program ended")
            self._kept.settle(function)
            del last

    def outcome(self) -> dict[str, Any]:
        """Returns what `run.json` says of the windows, as `KeptWindows.outcome`."""
        with self._lock:
            return self._kept.outcome(
                {name: tuple(bare) for name, bare in self._bare.items()},
                fresh=self._instantiated,
                ran_before=self.ran_before,
            )

    def _roll(self, function: str, number: int, tentative: bool) -> None:
        """Closes the window that has its steps, and opens the next where it is due."""
        if self._open is not None:
            if self._settling and self._open.function != function:
                self._close("")
            elif self._settling:
                self._settled()
            elif self._open.tentative and not tentative:
                self._seamless = not (self._profiler and self._profiler.used_up)
                self._close("", save=False)
            elif self._open.function != function and not self._open.tentative:
                self._close(f"the program went on to steps of {function}")
            elif self._profiler is not None and self._profiler.used_up:
                self._close(self._profiler.used_up)
            elif len(self._open.step_ns) >= (_FIRST_CALLS if self._open.tentative else self._plan.steps):
                self._close("")
        due = not self._tried if tentative else self._is_due(function, number)
        if self._open is None and not self._held and self._tries and due:
            self._start(function, number, tentative)
            self._seamless = False
        elif self._open is None and time.perf_counter_ns() - self._flushed_ns > self._flush_after_ns:
            self._flush()

    def _is_due(self, function: str, number: int) -> bool:
        count = self._steps.get(function, 0)  # its number is the program's own, and may begin again
        if max(count, number) < self._plan.skip_steps:
            return False
        if not self._number:
            return True
        if self._plan.every:
            return count >= self._next.get(function, 0)
        return time.perf_counter_ns() - self._over_ns >= self._gap_s * 1e9

    def _start(self, function: str, number: int, tentative: bool, *, again: bool = True) -> None:
        begin = time.perf_counter_ns()
        fresh = again and self._plan.fresh and not tentative and not self._seamless
        if fresh:
            self._instantiated = tf_private.instantiate_again()
        self._settling = fresh and self._instantiated
        aside = self._folder / layout.WINDOW_ASIDE
        self._profiler = Profiler(aside, seconds=self._plan.seconds, traced=self._traced, unseen=True)
        self._stack.enter_context(self._profiler.window(stops_itself=True))
        if not self._profiler.is_running:
            self._stack.close()
            self._tries -= 1
            self.warnings = [*self.warnings, *self._profiler.warnings] if not self._tries else self.warnings
            self._over_ns, self._gap_s = time.perf_counter_ns(), 1.0
            return
        self._tried |= tentative
        if again and not tentative:
            self._next[function] = self._steps.get(function, 0) + self._plan.every
        complete = not tentative and (self._instantiated or self._seamless or not self._begun)
        self._open = Profiled(function, number, (begin - self._begun_ns) / 1e9, tentative, complete)

    def _settled(self) -> None:
        """Throws away the step that paid for what was instantiated again, and profiles from here."""
        assert self._open is not None
        function, number = self._open.function, self._open.first + 1
        self._close("", save=False)
        self._start(function, number, tentative=False, again=False)

    def _close(self, stopped: str, *, save: bool = True) -> None:
        """Ends the window, if one is open, and has what it saw on disk before the program goes on."""
        if self._open is None or self._profiler is None:
            return
        begin = time.perf_counter_ns()
        save = save and not self._settling  # the step that pays for new functions is in no number
        window, self._open = self._open, None
        self._settling = False
        window.stopped = stopped
        if not save:
            self._profiler.stop(save=False)
        self._stack.close()
        if save:
            self._number += not window.tentative
            self._put(window, self._profiler)
        shutil.rmtree(self._folder / layout.WINDOW_ASIDE, ignore_errors=True)
        if save:
            self._flush()
        self._over_ns = time.perf_counter_ns()
        self._gap_s = self._apart((self._over_ns - begin) / 1e9, window)

    def _put(self, window: Profiled, profiler: Profiler) -> None:
        """Moves the window's profile to its place in the run; a window without one is none."""
        self.warnings += [warned for warned in profiler.warnings if warned not in self.warnings]
        sessions = sorted((self._folder / layout.WINDOW_ASIDE / layout.PROFILES).glob("*"))
        if not sessions or not any(file.stat().st_size for file in sessions[-1].glob("*")):
            return
        if not window.wall_ns:
            window.wall_ns = profiler.wall_ns
        self._keep(window, sessions[-1])

    def _keep(self, window: Profiled, session: Path) -> None:
        try:
            self._kept.add(window, session)
        except OSError as error:
            self._warn("no-profile", f"no profile: a window could not be kept: {error.strerror}")

    def _apart(self, cost_s: float, window: Profiled) -> float:
        """Returns how long the next window has to wait, for what this one has cost."""
        bare = self._bare.get(window.function)
        if bare and window.step_ns:
            slower = statistics.median(window.step_ns) - statistics.median(bare)
            cost_s += max(slower, 0.0) * len(window.step_ns) / 1e9
        since_begin = (time.perf_counter_ns() - self._begun_ns) / 1e9
        return max(cost_s / SHARE, min(max(_APART_S, _GROWTH * since_begin), _MOST_APART_S))

    def _is_over(self) -> bool:
        """Tells whether the step under way ended long ago, and the program did other things since."""
        if self._step is None or not self._returned_ns:
            return False
        function, begin_ns, _ = self._step
        usual = [*self._bare.get(function, ()), *(self._open.step_ns if self._open else ())]
        call = self._returned_ns - begin_ns
        since = time.perf_counter_ns() - self._returned_ns
        return since > _OVER * max(statistics.median(usual) if usual else 0, call)

    def _end_with_its_call(self) -> None:
        """Ends the last step where its call came back: what the program did since is no part of it, and not marked."""
        assert self._step is not None
        _, begin_ns, mark = self._step
        self._step = None
        counts = mark is not None and not self._settling and not (self._profiler and self._profiler.used_up)
        if self._open is not None and counts:
            self._open.step_ns.append(self._returned_ns - begin_ns)
            self._open.wall_ns += self._returned_ns - begin_ns

    def _flush(self) -> None:
        begin = time.perf_counter_ns()
        self._saved()
        self._flushed_ns = time.perf_counter_ns()
        self._flush_after_ns = max(_FLUSH_NS, (self._flushed_ns - begin) / SHARE)

    def _warn(self, code: str, message: str, hint: str = "") -> None:
        if not any(warned.message == message for warned in self.warnings):
            self.warnings.append(Warned(code, message, hint))

    def said(self) -> list[Warned]:
        """Returns what a reader of the run has to know about its windows."""
        return [*self.warnings, *self._kept.said()]
