"""Calls back when TensorFlow makes a function, when a program calls one, and when it iterates a dataset.

All of it hangs on private corners of TensorFlow, which `tf_private` names; one that a version lacks stays silent.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from tracer.capture.retrace_facts import KeyReader
from tracer.capture.tf_private import POLYMORPHIC, dataset_functions, get, replaced

_ITERATOR = "tensorflow.python.data.ops.iterator_ops:OwnedIterator."


@dataclasses.dataclass(frozen=True, slots=True)
class Creation:
    """TensorFlow made a concrete function, now or, where `concrete` is None, before anybody listened."""

    concrete: Any  # ConcreteFunction
    python_function: Callable[..., Any] | None  # what the user wrote; None if TensorFlow does not say
    autograph: bool  # whether AutoGraph rewrote it
    owner: Any  # the tf.function object; None if TensorFlow does not say
    seconds: float | None
    creates_variables: bool  # the first of the two traces of a function that makes its variables when it is called
    key: dict[str, Any] | None = None  # what TensorFlow tells it from other traces by, as `trace.json` has it


@contextlib.contextmanager
def listening(
    *,
    created: Callable[[Creation], None],
    called: Callable[[Any], None],
    iterated: Callable[[Any], None],
) -> Iterator[None]:
    """Calls back on every concrete function made, every runtime function called from Python, every dataset iterated.

    `called` gets an AtomicFunction before it runs, `iterated` a dataset. All are gone when the block ends.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_listening_to_traces(created))
        stack.enter_context(_listening_to_calls(called))
        stack.enter_context(_listening_to_iterators(iterated))
        yield


@contextlib.contextmanager
def _listening_to_traces(created: Callable[[Creation], None]) -> Iterator[None]:
    # Begin, options and key of each trace under way, by its graph.
    running: dict[int, tuple[float, Any, dict[str, Any] | None]] = {}
    keys = KeyReader()

    def key_of(function_type: Any, options: Any) -> dict[str, Any] | None:
        try:
            return keys.begun(function_type, options, _python_function(options.python_function))
        except Exception:  # noqa: BLE001  # what a version or a user's object has in store: the program goes on
            return None

    def timed(original: Any) -> Any:
        def create(function_type: Any, type_context: Any, func_graph: Any, options: Any) -> Any:
            key = key_of(function_type, options)
            running[id(func_graph)] = (time.perf_counter(), options, key)
            try:
                return original(function_type, type_context, func_graph, options)
            finally:
                del running[id(func_graph)]

        return create

    def creation(concrete: Any) -> Creation:
        begin, options, key = running.get(id(concrete.graph), (None, None, None))
        if key is not None:
            key["captured"] = keys.captured(concrete.graph)
        return Creation(
            concrete=concrete,
            python_function=_python_function(options.python_function) if options else None,
            autograph=bool(options and options.autograph),
            owner=_owner(options),
            seconds=time.perf_counter() - begin if begin is not None else None,
            creates_variables=_creates_variables(concrete, options),
            key=key,
        )

    def callback(concrete: Any) -> None:
        try:
            known = creation(concrete)
        except Exception:  # noqa: BLE001  # the program goes on, and of the function no more is known than that it is
            known = Creation(concrete, None, False, None, None, False)
        created(known)

    with replaced(f"{POLYMORPHIC}.tracing_compilation:_create_concrete_function", timed), functions_made(callback):
        yield


@contextlib.contextmanager
def functions_made(made: Callable[[Any], None]) -> Iterator[None]:
    """Calls back with every ConcreteFunction that TensorFlow makes in the block."""
    callbacks = get(f"{POLYMORPHIC}.transform:CONCRETE_FUNCTION_CALLBACKS")
    if callbacks is not None:
        callbacks.append(made)
    try:
        yield
    finally:
        if callbacks is not None and made in callbacks:
            callbacks.remove(made)


@contextlib.contextmanager
def _listening_to_calls(called: Callable[[Any], None]) -> Iterator[None]:
    import tensorflow as tf

    eagerly = tf.executing_eagerly

    def counted(original: Any) -> Any:
        def call_flat(self: Any, *args: Any) -> Any:
            if eagerly():
                called(self)
            return original(self, *args)

        return call_flat

    with replaced(f"{POLYMORPHIC}.atomic_function:AtomicFunction.call_flat", counted):
        yield


@contextlib.contextmanager
def _listening_to_iterators(iterated: Callable[[Any], None]) -> Iterator[None]:
    def creating(original: Any) -> Any:
        def create_iterator(self: Any, dataset: Any) -> Any:
            iterated(dataset)
            return original(self, dataset)

        return create_iterator

    def stepping(original: Any) -> Any:
        def next_internal(self: Any) -> Any:
            dataset = getattr(self, "_dataset", None)
            if dataset is not None:
                iterated(dataset)
            return original(self)

        return next_internal

    with replaced(_ITERATOR + "_create_iterator", creating), replaced(_ITERATOR + "_next_internal", stepping):
        yield


@contextlib.contextmanager
def outermost_calls(
    *, began: Callable[[Any], None], ended: Callable[[Any], None], failed: Callable[[Exception], None]
) -> Iterator[None]:
    """Calls back around each call of a function from eager Python, and not around those that it makes in turn.

    Both get the tf.function object, or an AtomicFunction where there is none, as of a SavedModel. What they raise is
    told to `failed`, and not to the program.
    """
    import tensorflow as tf

    state = threading.local()
    eagerly = tf.executing_eagerly

    def tell(listener: Callable[[Any], None], function: Any) -> None:
        try:
            listener(function)
        except Exception as error:  # noqa: BLE001  # whatever it is, the program goes on
            failed(error)

    def calling(original: Any) -> Any:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if getattr(state, "inside", False) or not eagerly():
                return original(self, *args, **kwargs)
            state.inside = True
            tell(began, self)
            try:
                return original(self, *args, **kwargs)
            finally:
                state.inside = False
                tell(ended, self)

        return call

    with (
        replaced(f"{POLYMORPHIC}.polymorphic_function:Function.__call__", calling),
        replaced(f"{POLYMORPHIC}.atomic_function:AtomicFunction.call_flat", calling),
    ):
        yield


def python_function(function: Any) -> Callable[..., Any] | None:
    """Returns what the user wrote of a tf.function object; None of an AtomicFunction, which does not say."""
    written = getattr(function, "python_function", None)
    return _python_function(written) if written is not None else None


@contextlib.contextmanager
def older_iterators() -> Iterator[Callable[[], bool]]:
    """Yields what tells whether an iterator that was made before the block was stepped in it, and runs functions.

    Such an iterator has instantiated the functions of its dataset long ago, and does not do so again.
    """
    made: weakref.WeakSet[Any] = weakref.WeakSet()
    stepped: weakref.WeakSet[Any] = weakref.WeakSet()

    def creating(original: Any) -> Any:
        def create_iterator(self: Any, dataset: Any) -> Any:
            made.add(self)
            return original(self, dataset)

        return create_iterator

    def stepping(original: Any) -> Any:
        def next_internal(self: Any) -> Any:
            if self not in made:
                stepped.add(self)
            return original(self)

        return next_internal

    def any_with_functions() -> bool:
        datasets = [getattr(iterator, "_dataset", None) for iterator in stepped]
        return any(True for dataset in datasets if dataset is not None for _ in dataset_functions(dataset))

    with replaced(_ITERATOR + "_create_iterator", creating), replaced(_ITERATOR + "_next_internal", stepping):
        yield any_with_functions


def is_iterator(value: Any) -> bool:
    """Tells whether a value is an iterator of a tf.data dataset."""
    owned = get(_ITERATOR.rstrip("."))
    return owned is not None and isinstance(value, owned)


@contextlib.contextmanager
def keeping_instances() -> Iterator[list[Any]]:
    """Keeps every object alive whose tf.function method is looked up in the block, in the list that it yields.

    TensorFlow binds such methods to a weak reference: `Module().step` is dead before it can be called.
    """
    kept: list[Any] = []

    def binding(original: Any) -> Any:
        def bind(function: Any, instance: Any) -> Any:
            kept.append(instance)
            return original(function, instance)

        return bind

    with replaced(f"{POLYMORPHIC}.polymorphic_function:class_method_to_instance_method", binding):
        yield kept


def existing(name: str) -> Creation | None:
    """Returns what is known of the tf.function that is being called, if its name is `name`; None if none is."""
    owner = _owner(None)
    function = _python_function(owner.python_function) if owner is not None else None
    if function is None or getattr(function, "__name__", "") != name:
        return None
    return Creation(None, function, bool(getattr(owner, "_autograph", True)), owner, None, False)


def _python_function(function: Any) -> Callable[..., Any] | None:
    """Returns what the user wrote, without the wrappers of tf.function, tf.data, methods and decorators."""
    unwrap = get("tensorflow.python.util.tf_decorator:unwrap")
    if unwrap is not None:
        function = unwrap(function)[1]
    if getattr(function, "__module__", "").endswith("data.ops.structured_function"):
        wrapper = _closure(function).get("self")
        function = getattr(wrapper, "_func", function)
    function = getattr(function, "__func__", function)
    while isinstance(function, functools.partial):
        function = function.func
    with contextlib.suppress(ValueError):
        function = inspect.unwrap(function)
    if not inspect.isfunction(function) and not inspect.ismethod(function):
        function = getattr(type(function), "__call__", function)  # an object that is called, such as a Keras model
    return function if callable(function) else None


def _closure(function: Any) -> dict[str, Any]:
    cells = getattr(function, "__closure__", None) or ()
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    return {name: cell.cell_contents for name, cell in zip(names, cells, strict=False)}


def _owner(options: Any) -> Any:
    """Returns the tf.function object that is being traced; None if none is on the stack."""
    if getattr(options, "name", "") == "initialize_variables":
        return None  # TensorFlow's helper, on whose stack is the function whose variables it initialises
    polymorphic = get(f"{POLYMORPHIC}.polymorphic_function:Function")
    frame = sys._getframe(1) if polymorphic else None
    while frame is not None:
        if frame.f_code.co_filename.endswith("polymorphic_function.py"):
            owner = frame.f_locals.get("self")
            if isinstance(owner, polymorphic):
                return owner
        frame = frame.f_back
    return None


def _creates_variables(concrete: Any, options: Any) -> bool:
    """Tells a function's first trace, in which its variables are made: TensorFlow guards each with this op."""
    scope = getattr(getattr(options, "scope_type", None), "name", "")
    if scope != "VARIABLE_CREATION":
        return False
    return any(op.type == "VarIsInitializedOp" for op in concrete.graph.get_operations())
