"""GraphDef messages to graphs. Takes any message of that shape, so that this folder needs no protobuf package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer.graph.model import Body, Graph, Node

# What TensorFlow puts in executed names between a node and the nodes of the function that it runs, by op and attribute
# (tensorflow/core/common_runtime/lower_{if,while,case}_op.cc). A plain call puts nothing.
_LABELS = {
    ("If", "then_branch"): "then",
    ("If", "else_branch"): "else",
    ("StatelessIf", "then_branch"): "then",
    ("StatelessIf", "else_branch"): "else",
    ("While", "cond"): "cond",
    ("While", "body"): "body",
    ("StatelessWhile", "cond"): "cond",
    ("StatelessWhile", "body"): "body",
}


def parse_graph(graph_def: Any) -> Graph:
    """Returns the graph of a GraphDef message, its library's functions included."""
    attributes = _FunctionAttributes()
    return Graph(
        nodes=_nodes(graph_def.node, attributes),
        functions={
            function.signature.name: _nodes(function.node_def, attributes) for function in graph_def.library.function
        },
    )


def _nodes(node_defs: Iterable[Any], attributes: _FunctionAttributes) -> tuple[Node, ...]:
    return tuple(
        Node(node.name, node.op, tuple(node.input), node.device, attributes.bodies(node)) for node in node_defs
    )


class _FunctionAttributes:
    """Finds function-valued attributes, asking each kind of op once: most have none, and looking is slow."""

    def __init__(self) -> None:
        self._names: dict[str, tuple[str, ...]] = {}

    def bodies(self, node: Any) -> tuple[Body, ...]:
        names = self._names.get(node.op)
        if names is None:
            names = tuple(sorted(name for name, value in node.attr.items() if _may_hold_functions(value)))
            self._names[node.op] = names
        if not names:
            return ()
        return tuple(body for name in names for body in _bodies(node.op, name, node.attr[name]))


def _may_hold_functions(value: Any) -> bool:
    kind = value.WhichOneof("value")
    return kind == "func" or (kind == "list" and len(value.list.func) > 0)


def _bodies(op: str, attribute: str, value: Any) -> list[Body]:
    if value.WhichOneof("value") == "list":
        label = "branch" if attribute == "branches" else f"{attribute}_"  # a Case's are lowered to "branch0", "branch1"
        return [Body(f"{label}{index}", function.name) for index, function in enumerate(value.list.func)]
    if not value.func.name:
        return []
    default = "" if attribute == "f" else attribute
    return [Body(_LABELS.get((op, attribute), default), value.func.name)]
