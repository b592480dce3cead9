"""Where the variables of a graph live in its scope tree."""

from __future__ import annotations

from tracer.graph.inline import Inlined
from tracer.graph.model import Kind, TensorType, Variable
from tracer.graph.op_sets import VARIABLE_OPS
from tracer.graph.ops import is_shape
from tracer.graph.references import index_by_name


def variable_homes(graph: Inlined) -> list[tuple[int, Variable]]:
    """Returns each variable of a graph with the index of the node by which it is placed.

    A captured variable lives where it is used first: its layer, in the forward pass. One that nothing uses lives at
    its placeholder. A variable that the graph itself makes lives at the node that makes it.
    """
    captured = {name: variable for name, variable in graph.captures.items() if variable.kind == "variable"}
    homes = _once([(index, _made(graph.nodes.kinds[index], name)) for index, name in _handles(graph)])
    if not captured:
        return homes
    first: dict[str, int] = {}
    for index, (kind, inputs) in enumerate(zip(graph.nodes.kinds, graph.nodes.inputs, strict=True)):
        for name in inputs if not kind.bodies else ():  # a loop only hands a variable on to its body
            if name in captured and name not in first:
                first[name] = index
    own = {name: at for name, at in index_by_name(graph.nodes.names).items() if name in captured and name not in first}
    return homes + [(index, captured[name]) for name, index in sorted({**first, **own}.items(), key=lambda at: at[1])]


def _once(homes: list[tuple[int, Variable]]) -> list[tuple[int, Variable]]:
    """Returns the first node of each variable: nodes of one shared name make one variable."""
    first: dict[str, tuple[int, Variable]] = {}
    for home in homes:
        first.setdefault(home[1].name, home)
    return list(first.values())


def _handles(graph: Inlined) -> list[tuple[int, str]]:
    makes = {kind for kind in set(graph.nodes.kinds) if kind.op in VARIABLE_OPS}
    if not makes:
        return []
    return [(index, graph.nodes.names[index]) for index, kind in enumerate(graph.nodes.kinds) if kind in makes]


def _made(kind: Kind, path: str) -> Variable:
    shape = kind.attributes.get("shape") if is_shape(kind.attributes.get("shape")) else None
    name = kind.attributes.get("shared_name") or path
    return Variable(str(name), TensorType(str(kind.attributes.get("dtype", "")), shape))
