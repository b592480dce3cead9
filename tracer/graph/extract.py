"""The part of an optimised graph that came from one call: what became of a function inside its caller.

TensorFlow inlines a called function into its caller before Grappler runs, so a nested function has no optimised graph
of its own. Its nodes stand in the caller's, under the path of the call.
"""

from __future__ import annotations

import re
from typing import Any

from tracer.graph.inline import walk
from tracer.graph.model import Graph

# Lowering writes `while/body/_5/x`, `cond/then/_7/x`, `case/branch0/_2/x`; the number is the lowering's and not part
# of a node path.
_LOWERED = re.compile(r"(?<=/)(then|else|cond|body|branch\d+)/_\d+(?=/)")


def node_path(executed_name: str) -> str:
    """Returns the node path of a node that TensorFlow executes: its name without the lowering's numbers."""
    return _LOWERED.sub(r"\1", executed_name)


def call_path(graph: Graph, function: str) -> str | None:
    """Returns the path of the first node that runs `function`, with the label of the body; None if none does."""
    for path, node in walk(graph):
        for body in node.bodies:
            if body.function == function:
                return f"{path}/{body.label}" if body.label else path
    return None


def extract(graph_def: Any, path: str) -> Any:
    """Returns a GraphDef message of the nodes below `path`, named as the function that was called there names them.

    What they read from outside becomes a `Placeholder` named `caller/<name>`, so that nothing dangles.
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
    mark = "^" if reference.startswith("^") else ""
    name, _, port = reference.removeprefix("^").partition(":")
    if name in inside:
        return mark + inside[name] + (f":{port}" if port else "")
    # A node of another function has one output for each tensor that it hands over, so the port is part of its name.
    outer = f"caller/{name}" + (f"_{port}" if port else "")
    outside.add(outer)
    return mark + outer
