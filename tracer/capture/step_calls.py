"""Which calls of a program are its steps: Keras' batches, else the calls of the function that takes the most time.

Nobody knows that when the program begins. So its first calls are profiled on trial, and the choice is made again at
each call, by what functions have taken up to then.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
import weakref
from typing import Any

from tracer.capture import describe, hooks
from tracer.capture.marks import STEP
from tracer.capture.rolling import Windows
from tracer.errors import did_you_mean
from tracer.graph.names import function_name
from tracer.recorded import Warned

_KERAS = ("keras", "tf_keras")
_VERBS = {  # methods of Keras' models that run batches
    "fit": "Model.fit",
    "evaluate": "Model.evaluate",
    "predict": "Model.predict",
    "train_on_batch": "Model.train_on_batch",
    "test_on_batch": "Model.test_on_batch",
    "predict_on_batch": "Model.predict_on_batch",
}
_RESTORED = "restored_function_body"  # what every function of a SavedModel is in Python
_AWAY = 3  # calls of another function, since the last of the one whose steps are being profiled
_MORE = 2  # times the time of the function whose calls are steps: another with so much takes its place


@dataclasses.dataclass(slots=True)
class _Called:
    """A function that Python calls."""

    name: str
    of_keras: bool
    thread: int
    calls: int = 0  # that began
    returned: int = 0
    first_ns: int = 0  # of the first, which traces
    ns: int = 0  # of all others
    began_ns: int = 0
    others: int = 0  # calls of other functions since its last

    @property
    def rank(self) -> tuple[bool, float, int]:
        """Sorts by what all calls take: so far as only the first is over, by that, if there is another soon."""
        if self.returned > 1:
            return self.of_keras, self.ns / (self.returned - 1) * self.returned, self.calls
        return self.of_keras, self.first_ns if self.others < _AWAY else 0, self.calls


class StepCalls:
    """Tells windows of steps, as the program calls its functions."""

    def __init__(self, windows: Windows, *, skip_steps: int, wanted: str = "") -> None:
        """`wanted` is the name of the function whose calls are the steps; empty to find out."""
        self._windows = windows
        self._skip = skip_steps
        self._wanted = wanted
        self._known: dict[Any, _Called] = {}
        self._places: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._chosen: _Called | None = None  # whose calls are steps, once there were some
        self._told: _Called | None = None  # whose call the step under way began with
        self._marked = False  # whether the program marks its steps itself
        self._lock = threading.RLock()

    @property
    def choice(self) -> str:
        """What the steps are of, as far as is known: a function, or what the program marks; empty if nothing is."""
        if self._marked:
            return STEP
        return self._best().name if self._known else ""

    def marked(self) -> None:
        """The program marks its steps itself, which is better than any guess."""
        self._marked = True

    def began(self, function: Any) -> None:
        """Python calls a function."""
        if self._marked:
            return
        with self._lock:
            called = self._called(function)
            number, called.calls = called.calls, called.calls + 1
            self._tell(called, number)
            called.began_ns = time.perf_counter_ns()

    def ended(self, function: Any) -> None:
        """The call is over."""
        if self._marked:
            return
        with self._lock:
            called = self._called(function)
            took = time.perf_counter_ns() - called.began_ns
            called.returned += 1
            if called.returned > 1:
                called.ns += took
            else:
                called.first_ns = took
            if self._told is called:
                self._windows.returned()

    def said(self) -> list[Warned]:
        """Returns a warning where the function that was wanted was never called."""
        names = sorted({called.name for called in self._known.values()})
        if not self._wanted or self._marked or any(self._wanted in _names(name) for name in names):
            return []
        message = f"no step was seen: the program never called a function '{self._wanted}'"
        listing = f"it called {', '.join(names)}" if names else "it called none at all"
        return [Warned("no-steps", message, did_you_mean(self._wanted, names, otherwise=listing))]

    def _tell(self, called: _Called, number: int) -> None:
        is_step = self._wanted in _names(called.name) if self._wanted else called is self._best()
        under_way = self._told is called and self._windows.is_open and not self._windows.is_tentative
        if under_way or (is_step and number >= self._skip and self._may_take_over(called)):
            self._chosen = self._told = called
            self._windows.begin(called.name, number)
        elif self._chosen is None:
            self._told = called
            self._windows.begin(called.name, number, tentative=True)
        for other in self._known.values():
            other.others = 0 if other is called else other.others + 1

    def _may_take_over(self, called: _Called) -> bool:
        """Tells whether steps of a function may end the window of another's: not while the two take turns."""
        if not self._windows.is_open or self._windows.is_tentative or self._told in (None, called):
            return True
        return self._told is not None and self._told.others >= _AWAY

    def _best(self) -> _Called:
        """Returns the function that takes the most time, as long as it does not take turns with the chosen one."""
        best = max(self._known.values(), key=lambda called: called.rank)
        chosen = self._chosen
        if chosen is None or chosen.others >= _AWAY or best.of_keras != chosen.of_keras:
            return best
        return best if best.rank[1] > _MORE * chosen.rank[1] else chosen

    def _called(self, function: Any) -> _Called:
        found = self._places.get(function)
        if found is None:
            found = self._places[function] = _identity(function)
        place, name, of_keras = found
        thread = threading.get_ident()
        if of_keras:
            name = place = _verb() or name
        key = (place, thread)
        if key not in self._known:
            self._known[key] = _Called(name, of_keras, thread)
        return self._known[key]


def _identity(function: Any) -> tuple[Any, str, bool]:
    """Returns what tells a function from others, its name, and whether it is Keras' own.

    A tf.function that is made anew for each call is the same function to who reads of it, so the code tells.
    """
    python_function = hooks.python_function(function)
    if python_function is None:
        name = getattr(function, "name", b"") or type(function).__name__
        base, _ = function_name(describe.text(name))
        return base, base, False
    code: Any = getattr(python_function, "__code__", None)
    name = getattr(python_function, "__name__", type(python_function).__name__)
    if name == _RESTORED:
        name = code = getattr(function, "_name", name)
    return code or name, name, describe.origin(python_function) in _KERAS


def _names(name: str) -> tuple[str, str]:
    """Returns what one may call a function: `Model.fit`, `fit`."""
    return name, name.rpartition(".")[2]


def _verb() -> str:
    """Returns which method of a Keras model runs the batch: the innermost, as `fit` evaluates too."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name in _VERBS and describe.file_origin(frame.f_code.co_filename) in _KERAS:
            return _VERBS[frame.f_code.co_name]
        frame = frame.f_back
    return ""
