"""Node paths: each node once for every place that runs it, under the path of the node that does."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.graph.model import Graph, Node


def walk(graph: Graph) -> Iterator[tuple[str, Node]]:
    """Yields `(node path, node)` for the graph's nodes and, behind each, those of the functions that it runs.

    A function that is already open is not entered again, so recursion ends.
    """
    # A stack of iterators and not of calls: nests of thousands of functions are real (unrolled models).
    # A body waits on it without an iterator until its turn comes: only then is its function open.
    stack: list[tuple[str, str, Iterator[Node] | None]] = [("", "", iter(graph.nodes))]
    open_functions: set[str] = set()
    while stack:
        prefix, function, nodes = stack[-1]
        if nodes is None:
            stack.pop()
            if function not in open_functions:
                open_functions.add(function)
                stack.append((prefix, function, iter(graph.functions[function])))
            continue
        node = next(nodes, None)
        if node is None:
            stack.pop()
            open_functions.discard(function)
            continue
        path = prefix + node.name
        yield path, node
        for body in reversed(node.bodies):
            if body.function in graph.functions:
                label = f"{body.label}/" if body.label else ""
                stack.append((f"{path}/{label}", body.function, None))
