"""What became of each recorded function: TensorFlow's own optimised graphs, matched to the traces they came from."""

from __future__ import annotations

import contextlib
from collections import ChainMap
from collections.abc import Iterable, Mapping
from typing import Any

from tracer.capture import tf_private
from tracer.capture.recorded_function import NodeKey, RecordedFunction, node_key
from tracer.graph.extract import call_path, extract
from tracer.graph.op_sets import FRAME_OPS
from tracer.store.graph_def import read_graph

# Nodes that stand for a function's arguments and results, before and after TensorFlow instantiates it.
_FRAME_OPS = FRAME_OPS | {"Placeholder"}


def optimized_graphs(
    recorded: Iterable[RecordedFunction],
    exported: Iterable[Any],
    traced: Mapping[str, Any],
    known: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns the optimised GraphDef of each function that has one, by runtime name.

    Where a function has none, its `missing` says why.

    Args:
      recorded: the functions of the session.
      exported: FunctionGraphs messages of `trace_export`, in the order in which functions were instantiated.
      traced: the traced GraphDef of each function that has one, by runtime name.
      known: the optimised graphs that were taken while the session lasted, which are not returned.
    """
    functions = [function for function in recorded if function.runtime_name in traced]
    waiting = [function for function in functions if function.runtime_name not in known]
    found = runtime_graphs(waiting, exported)
    both = ChainMap(found, dict(known))
    for function in waiting:
        if function.runtime_name not in found and _reason(function, functions) == "":
            graph = _from_caller(function, functions, both, traced) or _from_grappler(function, traced)
            if graph is not None:
                found[function.runtime_name] = graph
    for function in waiting:
        if function.runtime_name not in found:
            reason = _reason(function, functions)
            function.missing["optimized"] = reason or "Grappler could not optimise it outside of its program"
    return found


def runtime_graphs(functions: Iterable[RecordedFunction], exported: Iterable[Any]) -> dict[str, Any]:
    """Pairs instantiated graphs with functions by their nodes, and returns them by runtime name.

    Of functions with equal nodes, the first called was the first instantiated; one that was traced before the session
    was most likely instantiated before it too, and comes last.
    """
    waiting: dict[frozenset[NodeKey], list[RecordedFunction]] = {}
    for function in sorted(functions, key=lambda function: (function.existing, function.first_call)):
        if function.first_call >= 0 and not function.jitted:
            waiting.setdefault(function.nodes, []).append(function)
    found = {}
    for graphs in exported:
        nodes = frozenset(node_key(n) for n in graphs.pre_optimization_graph.node if n.op not in _FRAME_OPS)
        if waiting.get(nodes):
            found[waiting[nodes].pop(0).runtime_name] = graphs.post_optimization_graph
    return found


def _reason(function: RecordedFunction, functions: list[RecordedFunction]) -> str:
    """Returns why a function cannot have an optimised graph; empty if it can."""
    if function.jitted:
        return "XLA compiles it from the traced graph, without Grappler: see hlo and optimized_hlo"
    if function.creates_variables:
        return "it never ran: TensorFlow traced it to make the variables, and traced again to run"
    forward = [f.folder for f in functions if f.kind == "forward" and f.name == function.name]
    if function.kind == "inference" and not function.calls and forward:
        return f"a gradient tape watched it, so its forward function ran instead: see {forward[0]}"
    return ""


def _from_caller(
    function: RecordedFunction, functions: list[RecordedFunction], found: Mapping[str, Any], traced: Mapping[str, Any]
) -> Any:
    """Returns what became of a nested function inside the first function that runs it."""
    for caller in functions:
        if function.runtime_name in caller.children and caller.runtime_name in found:
            graph = read_graph(traced[caller.runtime_name].SerializeToString(), caller.folder)
            path = call_path(graph, function.runtime_name)
            part = extract(found[caller.runtime_name], path) if path else None
            if part is not None and len(part.node):
                return part
    return None


def _from_grappler(function: RecordedFunction, traced: Mapping[str, Any]) -> Any:
    """Optimises a function that this session did not instantiate: one that ran before, or one inside tf.data."""
    with contextlib.suppress(Exception):  # Grappler refuses graphs that only run in place; `missing` says so then
        return tf_private.optimize(traced[function.runtime_name], list(function.outputs))
    return None
