"""A target in one of three modes: eagerly, op by op; as graphs without XLA; and with XLA.

`tf.config.run_functions_eagerly` is the eager mode. The functions of tf.data stay graphs in it, as TensorFlow never
runs them otherwise, and so does what was loaded from a SavedModel, which has no Python. In the graph mode
`jit_compile=True` counts for nothing. In the XLA mode each tf.function that the program calls from Python is compiled;
one that is given an iterator or a dataset cannot be, so there the functions that it calls are: that is Keras' `fit`.
"""

from __future__ import annotations

import contextlib
import inspect
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tracer.capture import describe, hooks, returned, tf_private
from tracer.capture.callables import graph_call
from tracer.capture.resident import Resident
from tracer.discover.declare import Call
from tracer.store.layout import slug

if TYPE_CHECKING:
    from tracer.capture.record import Settings

EAGER, GRAPH, XLA = MODES = ("eager", "graph", "xla")

_FUNCTION = f"{tf_private.POLYMORPHIC}.polymorphic_function:Function"
_CALLED = f"{_FUNCTION}.__call__"
_CALLBACKS = f"{tf_private.POLYMORPHIC}.transform:CONCRETE_FUNCTION_CALLBACKS"
_TRACED = f"{tf_private.POLYMORPHIC}.tracing_compilation:_create_concrete_function"
_COMPARED = 2  # calls whose results are kept: the second one shows what the first did to variables


def seed_all(seed: int) -> None:
    """Imports TensorFlow and seeds Python, NumPy and TensorFlow, so that models start with the same numbers."""
    import numpy as np
    import tensorflow as tf

    random.seed(seed)
    np.random.seed(seed % 2**32)
    tf.random.set_seed(seed)


class Mode:
    """One mode, and what is seen of the first calls in it."""

    def __init__(self, name: str) -> None:
        """Takes the mode's name."""
        self.name = name
        self.notes: list[str] = []  # what its reader should know: functions that do not run in this mode
        self.first_call_ns = 0  # wall time of the first call of each function, without what the recording took
        self.tracing_ns = 0  # of that, TensorFlow's tracing
        self.results: dict[str, dict[str, Any]] = {}  # what the first calls returned: "call 1 of step"
        self.resident = Resident()
        self._compared = 1  # how many results are kept of each call
        self._settled = 0  # how often each call is made before functions are instantiated for the profile

    def calls_of(
        self, build: Callable[[], Sequence[Call]], settings: Settings, *, loaded: bool
    ) -> Callable[[], Sequence[Call]]:
        """Returns what makes the calls that `build` makes so that they are in this mode.

        Args:
          build: makes the calls.
          settings: how often they will be made.
          loaded: whether they are of a SavedModel, which has no Python.
        """

        def calls() -> Sequence[Call]:
            return self._calls(build(), settings.warmup, settings.steps, loaded=loaded)

        return calls

    def _calls(self, built: Sequence[Call], warmup: int, steps: int, *, loaded: bool) -> Sequence[Call]:
        self._compared = min(_COMPARED, max(warmup, 1))  # to copy a result takes time, which is none of a step's
        self._settled = warmup + steps
        made = [graph_call(call) for call in built]
        if self.name == XLA:
            made = [_compiled(call, loaded=loaded) for call in made]
        if self.name == EAGER:
            import tensorflow as tf

            tf.config.run_functions_eagerly(True)
        return [self._observed(call) for call in made]

    @contextlib.contextmanager
    def in_effect(self) -> Iterator[None]:
        """Has TensorFlow compile with XLA what this mode says, while the block runs."""
        if self.name == EAGER:
            yield
            return
        rule = _WithoutXla(self.notes) if self.name == GRAPH else _WithXla(self.notes)
        function = tf_private.get(_FUNCTION)
        if function is None:
            yield
            return
        function._jit_compile = property(rule.get, rule.set)  # before it, what is in the objects counts for nothing
        try:
            with tf_private.replaced(_CALLED, rule.calling):
                yield
        finally:
            del function._jit_compile

    def _observed(self, call: Call) -> Call:
        number = 0

        def observed(*args: Any, **kwargs: Any) -> Any:
            nonlocal number
            number += 1
            if number == 1:
                return self._first(call, args, kwargs)
            if number == self._settled + 1:
                self.resident.stop()
            result = call.fn(*args, **kwargs)
            if number <= self._compared:
                self._keep(call, number, result)
            return result

        made = Call(observed, *call.args, **call.kwargs).named(call.name)
        return made.raising(call.expects) if call.expects else made

    def _keep(self, call: Call, number: int, result: Any) -> None:
        label, same = f"call {number} of {call.name}", 1
        while label in self.results:
            same += 1
            label = f"call {number} of {call.name} ({same})"
        self.results[label] = returned.arrays(result)

    def _first(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.resident.start()
        with _tracing_watched() as spent:
            begin = time.perf_counter_ns()
            try:
                result = call.fn(*args, **kwargs)
                _wait()
            finally:
                self.first_call_ns += time.perf_counter_ns() - begin - spent["recording"]
                self.tracing_ns += max(spent["tracing"] - spent["recording"], 0)
        self._keep(call, 1, result)
        return result


class _WithoutXla:
    """`jit_compile` of no tf.function counts."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def get(self, function: Any) -> Any:
        wished = function.__dict__.get("_jit_compile")
        if not wished:
            return wished
        note = f"jit_compile=True of '{_name(function)}' is put aside"
        if note not in self._notes:
            self._notes.append(note)
        return None

    def set(self, function: Any, value: bool | None) -> None:
        function.__dict__["_jit_compile"] = value

    def calling(self, original: Any) -> Any:
        return original


class _WithXla:
    """tf.functions that Python calls are compiled; of those that are given iterators, the functions that they call."""

    _AROUND, _COMPILED = "around", "compiled"

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes
        self._state = threading.local()  # `within`: what the function is whose call or trace is under way

    def get(self, function: Any) -> Any:
        return True if function.__dict__.get("_traced_with_xla") else function.__dict__.get("_jit_compile")

    def set(self, function: Any, value: bool | None) -> None:
        function.__dict__["_jit_compile"] = value

    def calling(self, original: Any) -> Any:
        def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            import tensorflow as tf

            within = getattr(self._state, "within", "")
            if not (within or tf.executing_eagerly()) or _is_tensorflows(function):
                return original(function, *args, **kwargs)
            # What a compiled function calls is compiled as a part of it, and for itself if Python calls it later.
            around = within != self._COMPILED and any(map(_is_dataset, tf.nest.flatten((args, kwargs))))
            if not around:
                self._mark(function)
            self._state.within = self._AROUND if around else self._COMPILED
            try:
                return original(function, *args, **kwargs)
            finally:
                self._state.within = within

        return call

    def _mark(self, function: Any) -> None:
        if function._jit_compile:
            return
        if function.__dict__.get("_variable_creation_config") is not None:
            note = f"'{_name(function)}' was traced before the recording, and runs without XLA"
            self._notes += [] if note in self._notes else [note]
            return
        function.__dict__["_traced_with_xla"] = True


def _compiled(call: Call, *, loaded: bool) -> Call:
    """Returns a call that XLA can compile: what has no Python in a tf.function; a Keras model with its option on."""
    import tensorflow as tf

    owner: Any = getattr(call.fn, "__self__", None)
    if isinstance(getattr(type(owner), "jit_compile", None), property):  # a model of Keras 3, whose loop is its own
        owner.jit_compile = True
    if not loaded and not isinstance(call.fn, tf.types.experimental.ConcreteFunction):
        return call

    def compiled(*args: Any, **kwargs: Any) -> Any:
        return call.fn(*args, **kwargs)

    compiled.__name__ = compiled.__qualname__ = slug(call.name)
    return Call(tf.function(compiled, jit_compile=True), *call.args, **call.kwargs).named(call.name)


def _is_dataset(value: Any) -> bool:
    import tensorflow as tf

    return hooks.is_iterator(value) or isinstance(value, tf.data.Dataset)


def _is_tensorflows(function: Any) -> bool:
    """Tells TensorFlow's own functions, which nobody wants compiled; what was loaded is not among them."""
    if type(function).__name__ == "RestoredFunction":
        return False
    own = function.python_function
    with contextlib.suppress(ValueError):
        own = inspect.unwrap(own)
    return hasattr(own, "__code__") and describe.origin(own) == "tensorflow"


def _name(function: Any) -> str:
    return str(getattr(function.python_function, "__name__", None) or "a function")


@contextlib.contextmanager
def _tracing_watched() -> Iterator[dict[str, int]]:
    """Yields the nanoseconds spent on tracing in the block, and of these on recording what was traced."""
    spent = {"tracing": 0, "recording": 0}
    depth = 0

    def tracing(original: Any) -> Any:
        def create(*args: Any, **kwargs: Any) -> Any:
            nonlocal depth
            depth, begin = depth + 1, time.perf_counter_ns()
            try:
                return original(*args, **kwargs)
            finally:
                depth -= 1
                spent["tracing"] += 0 if depth else time.perf_counter_ns() - begin

        return create

    def recording(original: Callable[[Any], None]) -> Callable[[Any], None]:
        def callback(concrete: Any) -> None:
            begin = time.perf_counter_ns()
            try:
                original(concrete)
            finally:
                spent["recording"] += time.perf_counter_ns() - begin

        return callback

    callbacks = tf_private.get(_CALLBACKS) or []
    watched = {id(each): (each, recording(each)) for each in callbacks}
    callbacks[:] = [watched[id(each)][1] for each in callbacks]
    with tf_private.replaced(_TRACED, tracing):
        try:
            yield spent
        finally:
            back = {id(timed): own for own, timed in watched.values()}
            callbacks[:] = [back.get(id(each), each) for each in callbacks]


def _wait() -> None:
    """Waits for an accelerator, which is still at work when Python has the result's handle."""
    import tensorflow as tf

    if any(device.device_type != "CPU" for device in tf.config.list_logical_devices()):
        tf.test.experimental.sync_devices()
