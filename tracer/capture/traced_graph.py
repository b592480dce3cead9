"""The graph that a callable is traced to for some arguments: without a session, and without running it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tracer.capture import describe
from tracer.capture.callables import as_function
from tracer.capture.retrace_facts import Replacements
from tracer.capture.trace_types import type_text
from tracer.discover.declare import callable_name
from tracer.errors import UsageError
from tracer.graph.model import Graph
from tracer.store.graph_def import read_graph
from tracer.store.load import captured_variables


class TracedGraph(NamedTuple):
    """A graph, and what it was traced for."""

    name: str  # of the function: "step"
    signature: str  # "(x: float32[8, 4]) -> float32[8, 2]"
    graph: Graph


def traced_graph(fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> TracedGraph:
    """Traces `fn(*args, **kwargs)` and returns the graph.

    A function that TensorFlow has traced for such arguments before is not traced again; any other callable becomes a
    `tf.function` first.

    Raises:
      UsageError: `fn` is nothing that can be traced.
      Exception: whatever `fn` raises while it is traced.
    """
    if not callable(fn):
        raise UsageError(
            f"assert_graph takes a function, and this is {type(fn).__name__}",
            hint="give the function and its arguments apart: assert_graph(step, x), not assert_graph(step(x))",
        )
    concrete: Any = fn
    if not hasattr(fn, "structured_input_signature"):  # a ConcreteFunction has it
        concrete = _traceable(fn).get_concrete_function(*args, **kwargs)
    content = concrete.graph.as_graph_def(add_shapes=True).SerializeToString()
    graph = read_graph(content, callable_name(fn))
    types = concrete.function_type
    arguments = ", ".join(f"{one['name']}: {one['type']}" for one in describe.arguments(types))
    captures = captured_variables(describe.captures(concrete.graph))
    signature = f"({arguments}) -> {type_text(types.output)}"
    return TracedGraph(callable_name(fn), signature, Graph(graph.nodes, graph.functions, captures))


def _traceable(fn: Any) -> Any:
    method = getattr(type(fn), "__call__", None)
    if hasattr(method, "get_concrete_function"):  # an object whose class decorates it
        return fn.__call__
    if hasattr(fn, "get_concrete_function"):
        return fn
    made = as_function(fn)
    Replacements.none_of.add(made)
    return made
