"""The windows of a run that are on disk: which stay, and which the run's numbers are of."""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tracer.recorded import Warned, Window
from tracer.store import layout
from tracer.text import byte_size, plural

KEPT = 12  # windows: what they hold is read at once by whoever looks
OWN = "the program's own profiler"
_OWN_INCOMPLETE = "the program turned this profiler on itself, so no step is marked, and cheap kernels may be missing"
_INCOMPLETE = (
    "TensorFlow stops to trace a cheap kernel after about 90 runs that nobody traced: --fresh (fresh=True) has "
    "functions instantiated again before each window"
)


@dataclasses.dataclass(slots=True)
class Profiled:
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

    def facts(self, *, counted: bool) -> dict[str, Any]:
        """Returns it for `run.json`."""
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
            "counted": counted,
            "stopped": self.stopped,
        }


class KeptWindows:
    """The windows on disk, oldest first."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """`folder` is the run's; `max_bytes` what all windows together may take, 0 for no limit."""
        self.dropped = 0  # windows that gave way
        self._folder = folder / layout.PROFILES
        self._max_bytes = max_bytes
        self._windows: list[Profiled] = []
        self._moved = 0  # windows so far

    def add(self, window: Profiled, session: Path) -> None:
        """Moves a window's profile to its place in the run, and has the oldest give way to it.

        Args:
          window: the window.
          session: the folder with the profiler's files.

        Raises:
          OSError: it cannot be moved.
        """
        self._moved += 1
        window.session = f"{session.name}-{self._moved:04d}"
        target = self._folder / window.session
        target.parent.mkdir(parents=True, exist_ok=True)
        session.rename(target)
        window.bytes = sum(file.stat().st_size for file in target.glob("*"))
        self._windows.append(window)
        while len(self._windows) > 1 and self._are_too_many():
            self._drop(self._oldest())
            self.dropped += 1

    def settle(self, function: str) -> None:
        """Leaves the windows of what the program's steps turned out to be, if there are any: others were guesses."""
        settled = self._settled(function)
        for window in [window for window in self._windows if settled and window not in settled]:
            self._drop(window)

    def counted(self) -> list[Profiled]:
        """Returns the windows that a run's numbers are of: the complete ones, if there are any, else all of a kind."""
        settled = self._settled() or [window for window in self._windows if window.step_ns]
        return [window for window in settled if window.complete] or settled

    def outcome(self, bare_ns: dict[str, Sequence[int]], *, fresh: bool, ran_before: str = "") -> dict[str, Any]:
        """Returns what `run.json` says of the windows: each that is kept, and what those that count come to.

        Args:
          bare_ns: the times of steps without the profiler, by function.
          fresh: whether functions were instantiated again before each.
          ran_before: why none is complete: what ran before the recording; empty if nothing did.
        """
        counted = self.counted()
        if not counted:
            longest = max(bare_ns.values(), key=sum, default=())
            return {"bare_step_ns": list(longest)} if longest else {}
        function = counted[-1].function
        window = Window(
            steps=sum(len(each.step_ns) for each in counted),
            warmup=counted[0].first,
            wall_ns=sum(each.wall_ns for each in counted),
            step_ns=tuple(took for each in counted for took in each.step_ns),
            bare_step_ns=tuple(bare_ns.get(function, ())),
            fresh=fresh,
            incomplete=ran_before or _incomplete(counted),
            function=function,
            windows=len(counted),
            others=sum(each.function == function for each in self._windows) - len(counted),
        )
        return {
            "window": dataclasses.asdict(window),
            "windows": [
                {**each.facts(counted=each in counted), "complete": each.complete and not ran_before}
                for each in self._windows
            ],
            "steps": window.steps,
            "warmup": window.warmup,
        }

    def said(self) -> list[Warned]:
        """Returns what a reader of the run has to know about its windows."""
        found = []
        if self.dropped:
            limit = f", and {byte_size(self._max_bytes)} of them" if self._max_bytes else ""
            older = plural(self.dropped, "older window")
            message = f"{older} of the profiler gave way: a run keeps {KEPT}{limit}"
            found.append(Warned("windows-dropped", message, "--every N spreads them over the program"))
        counted = self.counted()
        if counted and counted[0].tentative and counted[0].function != OWN:
            message = "the window is of the program's first calls, with tracing in it, as there was none of its steps"
            hint = "a function that is called more than --skip-steps times has one; --step-function names it"
            found.append(Warned("first-calls", message, hint))
        return found

    def _settled(self, function: str = "") -> list[Profiled]:
        """Returns the windows of a function, else of that with the most steps, else of the program's own profiler."""
        steps: Counter[str] = Counter()
        for window in self._windows:
            if not window.tentative:
                steps[window.function] += len(window.step_ns)
        chosen = max(steps, key=lambda name: (name == function, steps[name], name), default=OWN)
        return [
            each
            for each in self._windows
            if each.step_ns and each.function == chosen and each.tentative == (chosen == OWN)
        ]

    def _are_too_many(self) -> bool:
        size = sum(window.bytes for window in self._windows)
        return len(self._windows) > KEPT or bool(self._max_bytes and size > self._max_bytes)

    def _oldest(self) -> Profiled:
        """Returns the oldest window but for the newest; never the only one that has every kernel."""
        complete = [window for window in self._windows if window.complete]
        only = complete[0] if len(complete) == 1 else None
        return next(window for window in (*self._windows[:-1], self._windows[-1]) if window is not only)

    def _drop(self, window: Profiled) -> None:
        self._windows.remove(window)
        shutil.rmtree(self._folder / window.session, ignore_errors=True)


def _incomplete(counted: Sequence[Profiled]) -> str:
    """Returns why not every execution may have been seen; empty if all were."""
    if counted[-1].function == OWN:
        return _OWN_INCOMPLETE
    lacking = [window for window in counted if not window.complete and not window.tentative]
    return _INCOMPLETE if lacking else ""
