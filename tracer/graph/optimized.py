"""An optimised graph in the traced graph's terms: with node paths for executed names, and with shapes.

Grappler writes names with the lowering's numbers in them, and no shapes.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from tracer.graph.inline import inline
from tracer.graph.model import Graph, Kind, Node, Nodes, Shape, TensorType, Variable
from tracer.graph.names import node_path, port_number

# What an optimised node may have been before, besides its own op, without another result: the runtime's arguments, and
# nodes into which Grappler fused those before them. Such a node keeps the name of the last one.
_SAME_RESULT = ("_Arg", "_Fused", "_Mkl")
SHAPES = "_output_shapes"  # the attribute in which TensorFlow writes the shapes of a node's outputs
_HANDING_ON = frozenset({"Identity", "Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch"})

_Shapes = tuple[Shape, ...]  # of a node's outputs; none if they are not known


def in_traced_terms(graph: Graph, traced: Graph) -> Graph:
    """Returns an optimised graph at node paths, with the shapes and captures of the traced nodes that its nodes were.

    Args:
      graph: the optimised graph, as TensorFlow exports it.
      traced: the traced graph that it was made from.

    Raises:
      TooLarge: the traced graph is too large to be inlined.
    """
    nodes = _typed(_renamed(graph.nodes, readable_names(graph.nodes.names)), inline(traced).nodes, lowered=True)
    functions = {
        name: dataclasses.replace(function, nodes=_typed(function.nodes, traced.functions[name].nodes, lowered=False))
        if name in traced.functions
        else function
        for name, function in graph.functions.items()
    }
    return Graph(nodes, functions, _captures(nodes, traced))


def _typed(nodes: Nodes, traced: Nodes, *, lowered: bool) -> Nodes:
    """Returns nodes with the shapes of the traced nodes that they were; functions are not `lowered`, graphs are."""
    before = dict(zip(traced.names, traced.kinds, strict=True))
    known: dict[tuple[Kind, Kind | None], _Shapes] = {}
    shapes: dict[str, _Shapes] = {}
    for name, kind in zip(nodes.names, nodes.kinds, strict=True):
        key = kind, before.get(name)
        if key not in known:
            known[key] = own_shapes(kind) or _shapes_before(*key)
        shapes[name] = known[key]
    if lowered:
        _hand_through(nodes, shapes)
    made: dict[tuple[Kind, _Shapes], Kind] = {}
    kinds = [
        made.get((kind, shapes[name])) or made.setdefault((kind, shapes[name]), _with_shapes(kind, shapes[name]))
        for name, kind in zip(nodes.names, nodes.kinds, strict=True)
    ]
    return Nodes(nodes.names, kinds, (nodes.inputs, nodes.devices))


def own_shapes(kind: Kind) -> _Shapes:
    """Returns the shapes that a node itself tells: of its outputs, as soon as it knows one."""
    if kind.op == "_Arg" and [output.dtype for output in kind.outputs] == ["resource"]:
        return ((),)  # a variable's handle
    known = any(shape is not None for _, shape in kind.outputs)
    return tuple(shape for _, shape in kind.outputs) if known else ()


def readable_names(names: Sequence[str]) -> list[str]:
    """Returns executed names as node paths; those that would be equal without the lowering's numbers keep them."""
    paths = list(map(node_path, names))
    times = Counter(paths)
    found = [path if times[path] == 1 else name for name, path in zip(names, paths, strict=True)]
    return found if len(set(found)) == len(set(names)) else list(names)


def _renamed(nodes: Nodes, names: list[str]) -> Nodes:
    new = dict(zip(nodes.names, names, strict=True))

    def renamed(text: str) -> str:
        producer = text.removeprefix("^").partition(":")[0]
        return text.replace(producer, new.get(producer, producer), 1)

    inputs = [tuple(map(renamed, texts)) for texts in nodes.inputs]
    return Nodes(names, nodes.kinds, (inputs, nodes.devices))


def _captures(nodes: Nodes, traced: Graph) -> dict[str, Variable]:
    """Returns what a graph takes from outside, by the argument that stands for it: captures are the last arguments."""
    given = sum(1 for kind in traced.nodes.kinds if kind.op == "Placeholder") - len(traced.captures)
    captured = list(traced.captures.values())
    found = {}
    for name, kind in zip(nodes.names, nodes.kinds, strict=True):
        position = kind.attributes.get("index") if kind.op == "_Arg" else None
        if isinstance(position, int) and given <= position < given + len(captured):
            found[name] = captured[position - given]
    return found


def _with_shapes(kind: Kind, shapes: _Shapes) -> Kind:
    if not shapes or SHAPES in kind.attributes:
        return kind
    return Kind(kind.op, {**kind.attributes, SHAPES: shapes}, kind.bodies, kind.encoded)


def _shapes_before(kind: Kind, traced: Kind | None) -> _Shapes:
    """Returns the shapes that an optimised node's outputs had in the traced graph; none if it was another node."""
    if traced is None:
        return ()
    same = kind.op == traced.op or kind.op.startswith(_SAME_RESULT)
    layouts = {kind.attributes.get("data_format"), traced.attributes.get("data_format")} - {None}
    # Grappler may turn a picture's channels to the front; then the shape is another under the same name.
    if not same or len(layouts) > 1 or not _agree(kind.outputs, traced.outputs):
        return ()
    recorded: _Shapes = traced.attributes.get(SHAPES, ())
    return recorded or own_shapes(traced)


def _hand_through(nodes: Nodes, shapes: dict[str, _Shapes]) -> None:
    """Gives the nodes that hand their input on, which lowered loops and branches are full of, its shape."""
    readers: dict[str, list[Node]] = {}
    waiting = [node for node in nodes if node.op in _HANDING_ON and not shapes[node.name]]
    for node in waiting:
        for text in node.inputs:
            readers.setdefault(text.partition(":")[0], []).append(node)
    while waiting:
        node = waiting.pop()
        data = [text for text in node.inputs if not text.startswith("^")]
        found = {_shape_at(text, shapes) for text in (data if node.op == "Merge" else data[:1])}
        shape = found.pop() if len(found) == 1 else None
        if shape is not None and not shapes[node.name]:
            # A Merge's second output is the number of the input that came.
            shapes[node.name] = (shape, ()) if node.op == "Merge" else (shape,) * max(len(node.outputs), 1)
            waiting += readers.get(node.name, ())


def _shape_at(text: str, shapes: Mapping[str, _Shapes]) -> Shape:
    name, _, port = text.partition(":")
    known = shapes.get(name, ())
    index = port_number(port)
    return known[index] if index < len(known) else None


def _agree(now: Sequence[TensorType], before: Sequence[TensorType]) -> bool:
    """Tells whether outputs may be the same; those of the runtime's own ops are not known."""
    return not now or [output.dtype for output in now] == [output.dtype for output in before]
