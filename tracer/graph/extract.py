"""The part of an optimised graph that came from one call: what became of a function inside its caller.

TensorFlow inlines a called function into its caller before Grappler runs, so a nested function has no optimised graph
of its own. Its nodes stand in the caller's, under the path of the call.
"""

from __future__ import annotations

from typing import Any

from tracer.graph.inline import inline
from tracer.graph.model import Graph
from tracer.graph.names import CALLER, node_path
from tracer.graph.references import join, split


def call_path(graph: Graph, function: str) -> str | None:
    """Returns the path of the first node that runs `function`, with the label of the body; None if none does."""
    return next((place.prefix[:-1] for place in inline(graph).places if place.function == function), None)


def extract(graph_def: Any, path: str) -> Any:
    """Returns a GraphDef message of the nodes below `path`, named as the function that was called there names them.

    What they read from outside becomes a `Placeholder` named `caller/<name>`, so that nothing dangles;
    `optimized` tells which argument or variable each is.
    """
    prefix = path + "/"
    inside = {
        node.name: node_path(node.name)[len(prefix) :]
        for node in graph_def.node
        if node_path(node.name).startswith(prefix)
    }
    part = type(graph_def)()
    outside: set[str] = set()
    for node in graph_def.node:
        if node.name not in inside:
            continue
        copy = part.node.add()
        copy.CopyFrom(node)
        copy.name = inside[node.name]
        del copy.input[:]
        copy.input.extend(_renamed(name, inside, outside) for name in node.input)
    for name in sorted(outside):
        part.node.add(name=name, op="Placeholder")
    part.versions.CopyFrom(graph_def.versions)
    return part


def _renamed(reference: str, inside: dict[str, str], outside: set[str]) -> str:
    name, port = split(reference)
    if name in inside:
        return join(inside[name], port)
    # A node of another function has one output for each tensor that it hands over, so the port is part of its name.
    outer = f"{CALLER}{name}" + (f"_{port}" if port > 0 else "")
    outside.add(outer)
    return join(outer, min(port, 0))
