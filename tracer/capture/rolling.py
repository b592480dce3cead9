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
import dataclasses
import shutil
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracer.capture import tf_private
from tracer.capture.limits import SECONDS, checked_seconds
from tracer.capture.profiler import Profiler
from tracer.errors import UsageError
from tracer.recorded import Warned, Window
from tracer.store import layout
from tracer.text import byte_size, plural

SHARE = 0.03  # of the program's time that windows may cost beside the profiled steps' own
_APART_S = 0.5  # at least between two windows
_GROWTH = 0.1  # of the time since the first: a program of a day needs no window a second
_MOST_APART_S = 60.0  # and a kill is to leave no state that is older
_KEPT = 12  # windows: what they hold is read at once by whoever looks
_BARE = 200  # steps without the profiler whose times are kept: enough for a median and its spread
_TRIES = 3  # to start a profiler that somebody else has
OWN = "the program's own profiler"
_FIRST_CALLS = 50  # so many of a program's calls are enough to know what repeats
_OVER = 5  # times a step's usual time: what the program does after its last step is no part of it


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


@dataclasses.dataclass(slots=True)
class _Profiled:
    """One window."""

    function: str  # whose calls are its steps
    first: int  # the number of its first step
    began_s: float  # since the recording began
    tentative: bool  # it holds the program's first calls, and gives way to any other
    complete: bool  # whether it has each kernel
    session: str = ""  # its folder below `plugins/profile`
    bytes: int = 0
    wall_ns: int = 0
    step_ns: list[int] = dataclasses.field(default_factory=list)
    stopped: str = ""  # why it ended before its steps did

    def facts(self) -> dict[str, Any]:
        return {
            "session": self.session,
            "function": self.function,
            "first_step": self.first,
            "steps": len(self.step_ns),
            "began_s": round(self.began_s, 3),
            "wall_ns": self.wall_ns,
            "step_ns": self.step_ns,
            "bytes": self.bytes,
            "complete": self.complete,
            "stopped": self.stopped,
        }


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
        self.dropped = 0  # windows that gave way
        self.kept: list[_Profiled] = []
        self.ran_before = ""  # why no window is complete: what ran before the recording
        self._folder = folder
        self._plan = plan
        self._traced = traced
        self._saved = saved
        self._begun_ns = time.perf_counter_ns()
        self._bare: dict[str, deque[int]] = {}
        self._steps: dict[str, int] = {}  # how many began, by what they are steps of
        self._tries = _TRIES if profile else 0
        self._number = 0  # windows of steps so far
        self._saved_so_far = 0  # windows of all kinds
        self._held = False
        self._begun = False  # whether any step did
        self._tried = False  # whether there was a window of first calls
        self._seamless = False  # whether the profiler was on in every step up to now
        self._open: _Profiled | None = None
        self._profiler: Profiler | None = None
        self._stack = contextlib.ExitStack()
        self._settling = False
        self._step: tuple[str, int, Any] | None = None  # the step under way: of what, its begin, its mark
        self._returned_ns = 0  # when the call that the step began with came back; 0: it has not
        self._over_ns = self._begun_ns  # when the last window ended
        self._gap_s = 0.0
        self._flushed_ns = self._begun_ns
        self._lock = threading.RLock()

    @property
    def is_open(self) -> bool:
        """Whether the profiler is on."""
        return self._open is not None

    @property
    def is_tentative(self) -> bool:
        """Whether it is on for the program's first calls only, to have something if there are no others."""
        return self._open is not None and self._open.tentative

    @property
    def stepping(self) -> str:
        """What the step under way is a step of; empty if none is."""
        return self._step[0] if self._step else ""

    @property
    def source(self) -> str:
        """Whose steps are being profiled; empty if none are."""
        return self._open.function if self._open else ""

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
            mark = self._mark(function, number) if self._open else None
            self._returned_ns = 0
            self._step = (function, time.perf_counter_ns(), mark)

    def returned(self) -> None:
        """The call that the step began with came back: what follows is what the program does between its calls."""
        self._returned_ns = time.perf_counter_ns()

    def end(self) -> None:
        """Ends the step under way."""
        with self._lock:
            if self._step is None:
                return
            function, begin_ns, mark = self._step
            self._step = None
            if mark is not None:
                mark.__exit__(None, None, None)
            took = time.perf_counter_ns() - begin_ns
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
            window = _Profiled(OWN, 0, began_s, tentative=True, complete=False, wall_ns=wall_ns, step_ns=[wall_ns])
            aside = self._folder / layout.WINDOW_ASIDE / layout.PROFILES / profile.name
            shutil.copytree(profile, aside)
            self._move(window, aside)
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

    def finish(self) -> None:
        """Ends the step and the window under way: the program is at its end."""
        with self._lock:
            self._held = True
            if self._is_over():
                self._step = None  # what the program did after its last call is no part of a step
            self.end()
            self._close("" if self._open and len(self._open.step_ns) >= self._plan.steps else "the program ended")
            self._keep_one_function()

    def window(self) -> Window | None:
        """Returns what the windows that count come to; None if there is none."""
        with self._lock:
            counted = self.counted()
            if not counted:
                return None
            function = counted[-1].function
            return Window(
                steps=sum(len(each.step_ns) for each in counted),
                warmup=counted[0].first,
                wall_ns=sum(each.wall_ns for each in counted),
                step_ns=tuple(took for each in counted for took in each.step_ns),
                bare_step_ns=tuple(self._bare.get(function, ())),
                fresh=self._plan.fresh,
                incomplete=self.ran_before
                or ("" if all(each.complete for each in counted) else self._why_incomplete(counted[-1])),
                function=function,
                windows=len(counted),
                others=sum(each.function == function for each in self.kept) - len(counted),
            )

    def counted(self) -> list[_Profiled]:
        """Returns the windows that a run's numbers are of: the complete ones, if any, else all of one kind."""
        kept = [each for each in self.kept if each.step_ns]
        return [each for each in kept if each.complete] or [
            each for each in kept if each.function == kept[-1].function and each.tentative == kept[-1].tentative
        ]

    def _why_incomplete(self, window: _Profiled) -> str:
        if window.function == OWN:
            return "the program turned this profiler on itself, so no step is marked, and cheap kernels may be missing"
        if window.tentative:
            return ""
        return (
            "TensorFlow stops to trace a cheap kernel after about 90 runs that nobody traced: --fresh (fresh=True) has "
            "functions instantiated again before each window"
        )

    def outcome(self) -> dict[str, Any]:
        """Returns what `run.json` says of the windows: each that is kept, whether it counts, and what those come to."""
        window = self.window()
        if window is None:
            return {}
        counted = self.counted()
        whole = {"complete": False} if self.ran_before else {}
        windows = [{**each.facts(), **whole, "counted": each in counted} for each in self.kept]
        return {
            "window": dataclasses.asdict(window),
            "windows": windows,
            "steps": window.steps,
            "warmup": window.warmup,
        }

    def _roll(self, function: str, number: int, tentative: bool) -> None:
        """Closes the window that has its steps, and opens the next where it is due."""
        if self._open is not None:
            if self._settling:
                self._settled()
            elif self._open.tentative and not tentative:
                self._close("", save=False)
                self._seamless = True
            elif self._open.function != function and not self._open.tentative:
                self._close(f"the program went on to steps of {function}")
            elif self._profiler is not None and self._profiler.used_up:
                self._close(self._profiler.used_up)
            elif len(self._open.step_ns) >= (_FIRST_CALLS if self._open.tentative else self._plan.steps):
                self._close("")
        due = not self._tried if tentative else self._is_due(number)
        if self._open is None and not self._held and self._tries and due:
            self._start(function, number, tentative)
            self._seamless = False
        elif self._open is None and time.perf_counter_ns() - self._flushed_ns > 2e9:
            self._flush()

    def _is_due(self, number: int) -> bool:
        if number < self._plan.skip_steps:
            return False
        if not self._number:
            return True
        if self._plan.every:
            return (number - self._plan.skip_steps) % self._plan.every == 0
        return time.perf_counter_ns() - self._over_ns >= self._gap_s * 1e9

    def _start(self, function: str, number: int, tentative: bool, *, again: bool = True) -> None:
        begin = time.perf_counter_ns()
        fresh = again and self._plan.fresh and not tentative and not self._seamless
        self._settling = fresh and tf_private.instantiate_again()
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
        complete = not tentative and (self._plan.fresh or self._seamless or not self._begun)
        self._open = _Profiled(function, number, (begin - self._begun_ns) / 1e9, tentative, complete)

    def _settled(self) -> None:
        """Throws away the step that paid for what was instantiated again, and profiles from here."""
        assert self._open is not None
        function, number = self._open.function, self._open.first + 1
        self._close("", save=False)
        self._start(function, number, tentative=False, again=False)

    def _mark(self, function: str, number: int) -> Any:
        import tensorflow as tf

        mark = tf.profiler.experimental.Trace(function, step_num=number, _r=1)
        mark.__enter__()
        return mark

    def _close(self, stopped: str, *, save: bool = True) -> None:
        """Ends the window, if one is open, and has what it saw on disk before the program goes on."""
        if self._open is None or self._profiler is None:
            return
        begin = time.perf_counter_ns()
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

    def _put(self, window: _Profiled, profiler: Profiler) -> None:
        """Moves the window's profile to its place in the run; a window without one is none."""
        self.warnings += [warned for warned in profiler.warnings if warned not in self.warnings]
        sessions = sorted((self._folder / layout.WINDOW_ASIDE / layout.PROFILES).glob("*"))
        if not sessions or not any(file.stat().st_size for file in sessions[-1].glob("*")):
            return
        if not window.wall_ns:
            window.wall_ns = profiler.wall_ns
        self._move(window, sessions[-1])

    def _move(self, window: _Profiled, session: Path) -> None:
        self._saved_so_far += 1
        window.session = f"{session.name}-{self._saved_so_far:04d}"
        target = self._folder / layout.PROFILES / window.session
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            session.rename(target)
        except OSError as error:
            self._warn("no-profile", f"no profile: a window could not be kept: {error.strerror}")
            return
        window.bytes = sum(file.stat().st_size for file in target.glob("*"))
        self.kept.append(window)
        self._make_room()

    def _make_room(self) -> None:
        """Removes the oldest windows while there are too many, or too large ones; the newest stays."""
        limit = self._plan.max_bytes
        while len(self.kept) > 1 and (
            len(self.kept) > _KEPT or (limit and sum(each.bytes for each in self.kept) > limit)
        ):
            complete = [each for each in self.kept if each.complete]
            only = complete[0] if len(complete) == 1 else None  # which the run's numbers are of
            old = [each for each in self.kept[:-1] if each is not only]
            self._drop(old[0] if old else self.kept[0])

    def _keep_one_function(self) -> None:
        """Leaves the windows of what the program's steps turned out to be: the others were guesses."""
        real = [each for each in self.kept if not each.tentative and each.step_ns]
        real = real or [each for each in self.kept if each.function == OWN]
        if not real:
            return
        steps = {each.function: sum(len(one.step_ns) for one in real if one.function == each.function) for each in real}
        chosen = max(steps, key=lambda name: (steps[name], name))
        for each in [each for each in self.kept if each not in real or each.function != chosen]:
            self._drop(each, gave_way=False)

    def _drop(self, window: _Profiled, *, gave_way: bool = True) -> None:
        self.kept.remove(window)
        self.dropped += gave_way
        shutil.rmtree(self._folder / layout.PROFILES / window.session, ignore_errors=True)

    def _apart(self, cost_s: float, window: _Profiled) -> float:
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

    def _flush(self) -> None:
        self._flushed_ns = time.perf_counter_ns()
        self._saved()

    def _warn(self, code: str, message: str, hint: str = "") -> None:
        if not any(warned.message == message for warned in self.warnings):
            self.warnings.append(Warned(code, message, hint))

    def said(self) -> list[Warned]:
        """Returns what a reader of the run has to know about its windows."""
        found = list(self.warnings)
        if self.dropped:
            limit = f", and {byte_size(self._plan.max_bytes)} of them" if self._plan.max_bytes else ""
            message = f"{plural(self.dropped, 'older window')} of the profiler gave way: a run keeps {_KEPT}{limit}"
            found.append(Warned("windows-dropped", message, "--every N spreads them over the program"))
        counted = self.counted()
        if counted and counted[0].tentative and counted[0].function != OWN:
            message = "the window is of the program's first calls, with tracing in it: no function was called often"
            found.append(Warned("first-calls", message, "a program with more steps has a window of those alone"))
        return found
