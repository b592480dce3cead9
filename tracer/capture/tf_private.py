"""The private corners of TensorFlow that recording needs, all of them, behind names of our own.

Read in TensorFlow 2.18 and 2.21. `missing()` says which of them a version lacks: each costs the run what it names, and
nothing else. `tests/integration/test_tf_private.py` fails, by name, when a new version moves one.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import threading
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

POLYMORPHIC = "tensorflow.python.eager.polymorphic_function"
_AUTOGRAPH = "tensorflow.python.autograph.impl.api:_TRANSPILER"
_GENERATED = "__autograph_generated_file"  # how the names of files begin that AutoGraph writes

# What each corner is for, so that a run can say what it could not have.
CORNERS = {
    f"{POLYMORPHIC}.transform:CONCRETE_FUNCTION_CALLBACKS": "functions as they are traced",
    f"{POLYMORPHIC}.tracing_compilation:_create_concrete_function": "seconds to trace, Python functions",
    f"{POLYMORPHIC}.function_context:make_function_context": "devices and strategies as causes of retraces",
    f"{POLYMORPHIC}.atomic_function:AtomicFunction.call_flat": "functions traced before the session, calls",
    f"{POLYMORPHIC}.atomic_function:AtomicFunction.graph_debug_info": "source lines of nodes",
    f"{POLYMORPHIC}.polymorphic_function:class_method_to_instance_method": "calls of methods of temporary modules",
    f"{POLYMORPHIC}.polymorphic_function:Function.__call__": "recording with XLA and without (--modes)",
    f"{POLYMORPHIC}.compiler_ir:from_concrete_function": "HLO of jitted functions",
    _AUTOGRAPH: "lines of code that AutoGraph rewrote, where threads of replicas run it",
    "tensorflow.python.eager.context:Context.clear_kernel_cache": "profiles that have every kernel",
    "tensorflow.python.eager.context:Context.get_function_def": "a warning where random numbers repeat",
    "tensorflow.python.eager.context:Context.disable_graph_collection": "an end to TensorFlow's graph collection",
    "tensorflow.python.eager.context:Context.export_run_metadata": "graphs of this session only",
    "tensorflow.python.ops.summary_ops_v2:_current_trace_context": "whose trace is on",
    "tensorflow.python.profiler.profiler_v2:_profiler": "whose profiler is on",
    "tensorflow.python.profiler.profiler_v2:_pywrap_profiler": "profiles that a program makes itself",
    "tensorflow.python.profiler.internal._pywrap_profiler:ProfilerSession": "windows that give way to those",
    "tensorflow.python.ops.summary_ops_v2:_TraceContext": "programs for an older trace_on",
    "tensorflow.python.ops.summary_ops_v2:_profiler": "programs for an older trace_export",
    "tensorflow.python.data.ops.iterator_ops:OwnedIterator._create_iterator": "tf.data functions made before",
    "tensorflow.python.data.ops.iterator_ops:OwnedIterator._next_internal": "tf.data iterators made before",
    "tensorflow.python.data.ops.iterator_ops:IteratorSpec._element_spec": "types of the elements of iterators",
    "tensorflow.python.data.ops.optional_ops:OptionalSpec._element_spec": "types of the elements of optionals",
    "tensorflow.python.ops.tensor_array_ops:TensorArrayTraceType": "types of tensor arrays",
    "tensorflow.python.grappler.tf_optimizer:OptimizeGraph": "optimised graphs of functions that ran before",
    "tensorflow.python.client.session:_python_session_create_counter": "a warning that Sessions are not recorded",
    "tensorflow.python.util.tf_stack:extract_stack": "call sites inside AutoGraph code",
    "tensorflow.python.util.tf_decorator:unwrap": "Python functions behind decorators",
}


def missing() -> dict[str, str]:
    """Returns the corners that this TensorFlow lacks, and what each is for."""
    return {corner: purpose for corner, purpose in CORNERS.items() if not _exists(corner)}


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


def element_spec(kind: Any) -> Any:
    """Returns the type of the elements of a dataset's, an iterator's or an optional's type; None of any other."""
    found = getattr(kind, "element_spec", None)
    return getattr(kind, "_element_spec", None) if found is None else found


def traced_array(kind: Any) -> Any:
    """Returns the tensor array that a trace type stands for; None if it does not tell."""
    return getattr(kind, "_value", None)


def function_context(options: Any) -> Any:
    """Returns what TensorFlow's cache of traces goes by beside the arguments of a call; None if it does not tell."""
    make = get(f"{POLYMORPHIC}.function_context:make_function_context")
    return getattr(make(getattr(options, "scope_type", None)), "context", None) if make is not None else None


def traced_callable(function: Any) -> Any:
    """Returns what a tf.function was made of, a bound method or a partial as it is, without TensorFlow's wrappers."""
    unwrap = get("tensorflow.python.util.tf_decorator:unwrap")
    return unwrap(function)[1] if unwrap is not None else function


def written_frame(frame: tuple[str, int, str]) -> tuple[str, int, str] | None:
    """Returns a frame in code that AutoGraph wrote as one in the code that it is made from; any other as it is.

    TensorFlow does so itself, but not in threads that a program starts while it is traced, as a strategy does for its
    replicas. None where nobody knows.
    """
    if not frame[0].replace("\\", "/").rpartition("/")[2].startswith(_GENERATED):
        return frame
    return _written(frame[0]).get(frame[1])


@functools.lru_cache(maxsize=256)
def _written(file: str) -> dict[int, tuple[str, int, str]]:
    """Returns the frame behind each line of a file of AutoGraph's."""
    cache = getattr(getattr(get(_AUTOGRAPH), "_cache", None), "_cache", None) or {}
    found: dict[int, tuple[str, int, str]] = {}
    for converted in list(cache.values()):
        for factory in list(converted.values()):
            if getattr(factory.module, "__file__", "") == file:
                for place, origin in factory.source_map.items():
                    found[place.lineno] = (origin.loc.filename, origin.loc.lineno, origin.function_name or "")
    return found


def start_collecting() -> None:
    """Throws away the graphs that TensorFlow still holds from before: it collects on after `trace_export`."""
    eager_context().export_run_metadata()


def stop_collecting() -> None:
    """Ends TensorFlow's graph collection, which `trace_off` and `trace_export` leave on."""
    if _exists("tensorflow.python.eager.context:Context.disable_graph_collection"):
        eager_context().disable_graph_collection()


def instantiate_again() -> bool:
    """Has TensorFlow instantiate each function at its next call, without tracing it, and tells whether it can.

    The executor of an instantiated function stops to trace a kernel that was cheap about 90 times; that of a fresh one
    begins again. It also begins again with the random numbers of ops that have a seed.
    """
    if not _exists("tensorflow.python.eager.context:Context.clear_kernel_cache"):
        return False
    eager_context().clear_kernel_cache()
    return True


def seeded_ops(function: str) -> list[str]:
    """Returns the ops of a function that keep the state of a seeded sequence in their kernel: `RandomUniform`."""
    if not _exists("tensorflow.python.eager.context:Context.get_function_def"):
        return []
    try:
        nodes = eager_context().get_function_def(function).node_def
    except Exception:  # noqa: BLE001  # the program has dropped the function
        return []
    return [node.op for node in nodes if _is_seeded(node)]


def _is_seeded(node: Any) -> bool:
    seeds = [node.attr[name].i for name in ("seed", "seed2") if name in node.attr]
    return len(seeds) == 2 and any(seeds) and "Dataset" not in node.op


def sessions_made() -> int:
    """Returns how many `tf.compat.v1.Session`s this process has made."""
    counter = get("tensorflow.python.client.session:_python_session_create_counter")
    return int(counter.get_cell().value()) if counter is not None else 0


def trace_is_on() -> bool:
    """Tells whether a `tf.summary.trace_on` waits for its `trace_export`."""
    return get("tensorflow.python.ops.summary_ops_v2:_current_trace_context") is not None


def profiler_session() -> Any:
    """Returns a profiler session of C++'s, which the Python API does not know of; None if this version has none."""
    make = get("tensorflow.python.profiler.internal._pywrap_profiler:ProfilerSession")
    return make() if make is not None else None


def forget_profiler() -> None:
    """Clears the profiler that a failed `start` left behind, so that the next one can start."""
    module: Any = importlib.import_module("tensorflow.python.profiler.profiler_v2")
    if hasattr(module, "_profiler"):
        module._profiler = None


def profiler_is_on() -> bool:
    """Tells whether this process has a profiler session of the Python API."""
    return get("tensorflow.python.profiler.profiler_v2:_profiler") is not None


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
    extract = get("tensorflow.python.util.tf_stack:extract_stack")
    if extract is None:
        import traceback

        return [(frame.filename, frame.lineno or 0, frame.name) for frame in traceback.extract_stack()]
    return [(frame.filename, frame.lineno, frame.name) for frame in extract()]


class NotCompiled(Exception):
    """XLA cannot be told what a function takes; the message says why."""


def hlo(function: Any, stage: str) -> str:
    """Returns the HLO of a function: `hlo`, or `optimized_hlo`, which compiles it once more.

    Args:
      function: a concrete function, or an AtomicFunction: those of gradients have no other.
      stage: which of the two.

    Raises:
      NotCompiled: XLA cannot be told what the function takes.
    """
    import tensorflow as tf

    inputs = list(function.graph.inputs)
    captured = getattr(function, "captured_inputs", None)
    given = list([outer for outer, _ in function.graph.captures] if captured is None else captured)
    # What a gradient takes over from the forward pass is captured as a symbol, and is a tensor like any other to XLA.
    held = [tensor for tensor in given if not tf.is_symbolic_tensor(tensor)]
    taken = inputs[: len(inputs) - len(held)]
    if any(map(tf.is_symbolic_tensor, given[len(given) - len(held) :])):
        raise NotCompiled("it captures variables before other tensors")
    # TensorFlow does not check this: the process would end.
    wrong = next((tensor for tensor in taken if tensor.dtype in (tf.resource, tf.variant)), None)
    if wrong is not None:
        raise NotCompiled(f"its argument {wrong.op.name} is a variable, a list of tensors or another resource")
    if not all(tensor.shape.is_fully_defined() for tensor in taken):
        raise NotCompiled("not all shapes of its arguments are known")
    as_concrete = SimpleNamespace(
        name=function.name, inputs=inputs, captured_inputs=held, structured_input_signature=()
    )  # of the signature it would take a `None` and a number of Python's for tensors, too
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in taken]
    compiler_ir = importlib.import_module(f"{POLYMORPHIC}.compiler_ir").from_concrete_function(as_concrete, specs)
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


@contextlib.contextmanager
def replaced(corner: str, wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Replaces a function or a method by `wrap(it)` while the block runs; a corner that is missing stays missing.

    Blocks may end in any order, as sessions do, and `wrap` is called again when one does.
    """
    module, _, path = corner.partition(":")
    holder_path, _, name = path.rpartition(".")
    holder = get(f"{module}:{holder_path}") if holder_path else _module(module)
    if getattr(holder, name, None) is None:
        yield
        return
    with _replacing:
        place = _replacements.get((holder, name))
        if place is None or place.is_covered:
            place = _Replacement(holder, name)
        place.add(wrap)
    try:
        yield
    finally:
        with _replacing:
            place.remove(wrap)


class _Replacement:
    """What stands in the place of something of TensorFlow's while anybody wraps it."""

    def __init__(self, holder: Any, name: str) -> None:
        self._place = (holder, name)
        self._original = self._wrapped = getattr(holder, name)
        self._wrappers: list[Callable[[Any], Any]] = []
        _replacements[self._place] = self

    @property
    def is_covered(self) -> bool:
        """Whether the program has put its own there meanwhile, which is to stay."""
        holder, name = self._place
        return getattr(holder, name) is not self._wrapped

    def add(self, wrap: Callable[[Any], Any]) -> None:
        """Wraps what is there."""
        self._wrappers.append(wrap)
        self._put(wrap(self._wrapped))

    def remove(self, wrap: Callable[[Any], Any]) -> None:
        """Takes a wrapper out, and has the others, or the original, there again."""
        self._wrappers.remove(wrap)
        self._put(functools.reduce(lambda inner, each: each(inner), self._wrappers, self._original))
        if not self._wrappers and _replacements.get(self._place) is self:
            del _replacements[self._place]

    def _put(self, wrapped: Any) -> None:
        if not self.is_covered:
            setattr(*self._place, wrapped)
        self._wrapped = wrapped


_replacements: dict[tuple[Any, str], _Replacement] = {}
_replacing = threading.RLock()


def eager_context() -> Any:
    """Returns TensorFlow's eager context, of which there is one a process."""
    return importlib.import_module("tensorflow.python.eager.context").context()


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_ABSENT = object()


def get(corner: str) -> Any:
    """Returns what a corner holds; None if this version lacks it."""
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
