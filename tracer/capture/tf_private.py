"""The private corners of TensorFlow that recording needs, all of them, behind names of our own.

Read in TensorFlow 2.18 and 2.21. `missing()` says which of them a version lacks: each costs the run what it names, and
nothing else. `tests/integration/test_tf_private.py` fails, by name, when a new version moves one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

_POLYMORPHIC = "tensorflow.python.eager.polymorphic_function"

# What each corner is for, so that a run can say what it could not have.
CORNERS = {
    f"{_POLYMORPHIC}.transform:CONCRETE_FUNCTION_CALLBACKS": "functions as they are traced",
    f"{_POLYMORPHIC}.tracing_compilation:_create_concrete_function": "seconds to trace, Python functions",
    f"{_POLYMORPHIC}.atomic_function:AtomicFunction.call_flat": "functions traced before the session, calls",
    f"{_POLYMORPHIC}.atomic_function:AtomicFunction.graph_debug_info": "source lines of nodes",
    f"{_POLYMORPHIC}.polymorphic_function:class_method_to_instance_method": "calls of methods of temporary modules",
    f"{_POLYMORPHIC}.compiler_ir:from_concrete_function": "HLO of jitted functions",
    "tensorflow.python.eager.context:Context.disable_graph_collection": "an end to TensorFlow's graph collection",
    "tensorflow.python.eager.context:Context.export_run_metadata": "graphs of this session only",
    "tensorflow.python.ops.summary_ops_v2:_current_trace_context": "whose trace is on",
    "tensorflow.python.profiler.profiler_v2:_profiler": "whose profiler is on",
    "tensorflow.python.data.ops.iterator_ops:OwnedIterator._create_iterator": "tf.data functions made before",
    "tensorflow.python.data.ops.iterator_ops:OwnedIterator._next_internal": "tf.data iterators made before",
    "tensorflow.python.grappler.tf_optimizer:OptimizeGraph": "optimised graphs of functions that ran before",
    "tensorflow.python.util.tf_stack:extract_stack": "call sites inside AutoGraph code",
    "tensorflow.python.util.tf_decorator:unwrap": "Python functions behind decorators",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Creation:
    """TensorFlow made a concrete function."""

    concrete: Any  # ConcreteFunction
    python_function: Callable[..., Any] | None  # what the user wrote; None if TensorFlow does not say
    autograph: bool  # whether AutoGraph rewrote it
    owner: Any  # the tf.function object; None if TensorFlow does not say
    seconds: float | None
    creates_variables: bool  # the first of the two traces of a function that makes its variables when it is called


def missing() -> dict[str, str]:
    """Returns the corners that this TensorFlow lacks, and what each is for."""
    return {corner: purpose for corner, purpose in CORNERS.items() if not _exists(corner)}


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
    callbacks = _get(f"{_POLYMORPHIC}.transform:CONCRETE_FUNCTION_CALLBACKS")
    running: dict[int, tuple[float, Any]] = {}  # begin and options of each trace under way, by its graph

    def timed(original: Any) -> Any:
        def create(function_type: Any, type_context: Any, func_graph: Any, options: Any) -> Any:
            running[id(func_graph)] = (time.perf_counter(), options)
            try:
                return original(function_type, type_context, func_graph, options)
            finally:
                del running[id(func_graph)]

        return create

    def callback(concrete: Any) -> None:
        begin, options = running.get(id(concrete.graph), (None, None))
        created(
            Creation(
                concrete=concrete,
                python_function=_python_function(options) if options else None,
                autograph=bool(options and options.autograph),
                owner=_owner(options),
                seconds=time.perf_counter() - begin if begin is not None else None,
                creates_variables=_creates_variables(concrete, options),
            )
        )

    with _replaced(f"{_POLYMORPHIC}.tracing_compilation:_create_concrete_function", timed):
        if callbacks is not None:
            callbacks.append(callback)
        try:
            yield
        finally:
            if callbacks is not None and callback in callbacks:
                callbacks.remove(callback)


@contextlib.contextmanager
def _listening_to_calls(called: Callable[[Any], None]) -> Iterator[None]:
    import tensorflow as tf

    def counted(original: Any) -> Any:
        def call_flat(self: Any, *args: Any) -> Any:
            if tf.executing_eagerly():
                called(self)
            return original(self, *args)

        return call_flat

    with _replaced(f"{_POLYMORPHIC}.atomic_function:AtomicFunction.call_flat", counted):
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

    base = "tensorflow.python.data.ops.iterator_ops:OwnedIterator."
    with _replaced(base + "_create_iterator", creating), _replaced(base + "_next_internal", stepping):
        yield


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

    with _replaced(f"{_POLYMORPHIC}.polymorphic_function:class_method_to_instance_method", binding):
        yield kept


def dataset_functions(dataset: Any) -> Iterator[Any]:
    """Yields the concrete functions of a dataset and of those that feed it."""
    queue = [dataset]
    while queue:
        current = queue.pop()
        for wrapper in current._functions():
            function = getattr(wrapper, "function", None)
            if function is not None:
                yield function
        queue.extend(current._inputs())


def start_collecting() -> None:
    """Throws away the graphs that TensorFlow still holds from before: it collects on after `trace_export`."""
    _context().export_run_metadata()


def stop_collecting() -> None:
    """Ends TensorFlow's graph collection, which `trace_off` and `trace_export` leave on."""
    if _exists("tensorflow.python.eager.context:Context.disable_graph_collection"):
        _context().disable_graph_collection()


def trace_is_on() -> bool:
    """Tells whether a `tf.summary.trace_on` waits for its `trace_export`."""
    return _get("tensorflow.python.ops.summary_ops_v2:_current_trace_context") is not None


def forget_profiler() -> None:
    """Clears the profiler that a failed `start` left behind, so that the next one can start."""
    module: Any = importlib.import_module("tensorflow.python.profiler.profiler_v2")
    if hasattr(module, "_profiler"):
        module._profiler = None


def profiler_is_on() -> bool:
    """Tells whether this process has a profiler session of the Python API."""
    return _get("tensorflow.python.profiler.profiler_v2:_profiler") is not None


def runtime_function(concrete: Any) -> Any:
    """Returns the AtomicFunction that a concrete function runs when no tape watches."""
    function = getattr(concrete, "inference_fn", None)
    return function if function is not None else concrete._inference_function


def debug_info(function: Any) -> Any:
    """Returns the GraphDebugInfo message of an AtomicFunction, or None: stack frames of its nodes."""
    try:
        return function.graph_debug_info
    except Exception:  # noqa: BLE001  # a loaded function has none, which each version says in its own way
        return None


def stack() -> list[tuple[str, int, str]]:
    """Returns the current stack as (file, line, function), outermost first, AutoGraph's code as the user wrote it."""
    extract = _get("tensorflow.python.util.tf_stack:extract_stack")
    if extract is None:
        import traceback

        return [(frame.filename, frame.lineno or 0, frame.name) for frame in traceback.extract_stack()]
    return [(frame.filename, frame.lineno, frame.name) for frame in extract()]


def hlo(concrete: Any, stage: str) -> str:
    """Returns the HLO of a jitted function: `hlo`, or `optimized_hlo`, which compiles it once more."""
    compiler_ir = importlib.import_module(f"{_POLYMORPHIC}.compiler_ir").from_concrete_function(concrete)
    with warnings.catch_warnings():
        # The device is deprecated in favour of a platform, with which functions that capture variables are refused.
        warnings.simplefilter("ignore", UserWarning)
        return compiler_ir(stage=stage, device_name=_device())  # type: ignore[no-any-return]  # TensorFlow has no types


def optimize(graph_def: Any, fetches: list[str]) -> Any:
    """Returns what Grappler makes of a graph with default options. Runs nothing."""
    from tensorflow.core.protobuf import config_pb2, meta_graph_pb2
    from tensorflow.python.grappler import tf_optimizer

    meta_graph = meta_graph_pb2.MetaGraphDef()
    meta_graph.graph_def.ParseFromString(graph_def.SerializeToString())  # from TensorBoard's copy of the message
    meta_graph.collection_def["train_op"].node_list.value.extend(fetches)
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.min_graph_nodes = -1  # else graphs under 4 nodes are left alone
    return tf_optimizer.OptimizeGraph(config, meta_graph)


def _device() -> str:
    import tensorflow as tf

    return "/device:GPU:0" if tf.config.list_logical_devices("GPU") else "/device:CPU:0"


def _python_function(options: Any) -> Callable[..., Any] | None:
    """Returns what the user wrote, without the wrappers of tf.function, tf.data, methods and decorators."""
    function = options.python_function
    unwrap = _get("tensorflow.python.util.tf_decorator:unwrap")
    if unwrap is not None:
        function = unwrap(function)[1]
    if getattr(function, "__module__", "").endswith("data.ops.structured_function"):
        wrapper = _closure(function).get("self")
        function = getattr(wrapper, "_func", function)
    function = getattr(function, "__func__", function)
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
    polymorphic = _get(f"{_POLYMORPHIC}.polymorphic_function:Function")
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


@contextlib.contextmanager
def _replaced(corner: str, wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Replaces a function or a method by `wrap(it)` while the block runs; a corner that is missing stays missing."""
    module, _, path = corner.partition(":")
    holder_path, _, name = path.rpartition(".")
    holder = _get(f"{module}:{holder_path}") if holder_path else _module(module)
    original = getattr(holder, name, None)
    if original is None:
        yield
        return
    setattr(holder, name, wrap(original))
    try:
        yield
    finally:
        setattr(holder, name, original)


def _context() -> Any:
    return importlib.import_module("tensorflow.python.eager.context").context()


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_ABSENT = object()


def _get(corner: str) -> Any:
    found = _find(corner)
    return None if found is _ABSENT else found


def _exists(corner: str) -> bool:
    return _find(corner) is not _ABSENT


def _find(corner: str) -> Any:
    module, _, path = corner.partition(":")
    value = _module(module)
    for name in path.split(".") if path else ():
        value = getattr(value, name, _ABSENT)
    return _ABSENT if value is None and not path else value
