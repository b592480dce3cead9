"""An optimised graph in the traced graph's terms: with node paths for executed names, and with shapes.

Grappler writes names with the lowering's numbers in them, and no shapes.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from tracer.graph.grappler import REWRITES, optimizer, result_of
from tracer.graph.inline import Inlined, inline
from tracer.graph.model import Graph, Kind, Node, Nodes, Shape, TensorType, Variable
from tracer.graph.names import CALLER, node_path
from tracer.graph.op_sets import LOOP_OPS
from tracer.graph.references import by_name, data_of, find, producer_of, renamed
from tracer.graph.stage_map import made_from

# What an optimised node may have been before, besides its own op, without another result: the runtime's arguments, and
# nodes into which Grappler fused those before them. Such a node keeps the name of the last one.
_SAME_RESULT = ("_Arg", "_Fused", "_Mkl")
SHAPES = "_output_shapes"  # the attribute in which TensorFlow writes the shapes of a node's outputs
_HANDING_ON = LOOP_OPS | {"Identity"}
_MERGES = ("Merge", "RefMerge")
_MOST_OUTPUTS = 10_000  # of a `_SwitchN`; a damaged file may claim any number
_AROUND = 64  # nodes that hand on between a `Merge` and itself; each loop within another has about five

_Shapes = tuple[Shape, ...]  # of a node's outputs; none if they are not known


def in_traced_terms(graph: Graph, traced: Graph) -> Graph:
    """Returns an optimised graph at node paths, with the shapes and captures of the traced nodes that its nodes were.

    Args:
      graph: the optimised graph, as TensorFlow exports it.
      traced: the traced graph that it was made from.

    Raises:
      TooLarge: the traced graph is too large to be inlined.
    """
    whole = inline(traced)
    nodes, captures = _from_caller(_renamed(graph.nodes, readable_names(graph.nodes.names)), whole)
    nodes = _typed(nodes, whole.nodes, lowered=True)
    functions = {
        name: dataclasses.replace(function, nodes=_typed(function.nodes, traced.functions[name].nodes, lowered=False))
        if name in traced.functions
        else function
        for name, function in graph.functions.items()
    }
    return Graph(nodes, functions, {**captures, **_captures(nodes, traced)})


def _from_caller(nodes: Nodes, traced: Inlined) -> tuple[Nodes, dict[str, Variable]]:
    """Returns a graph that was cut out of its caller with what it reads from there as the arguments that these were.

    With them the variables that they stand for.
    """
    outside = [at for at, name in enumerate(nodes.names) if name.startswith(CALLER)]
    if not outside:
        return nodes, {}
    origins = made_from(traced, inline(Graph(nodes)))
    before = by_name(traced.nodes.names, traced.nodes.kinds)
    kinds, captures = list(nodes.kinds), {}
    for at in outside:
        name = nodes.names[at]
        for origin in origins.get(name, ())[:1]:
            kinds[at] = before[origin]
            if origin in traced.captures:
                captures[name] = traced.captures[origin]
    return Nodes(nodes.names, kinds, (nodes.inputs, nodes.devices)), captures


def _typed(nodes: Nodes, traced: Nodes, *, lowered: bool) -> Nodes:
    """Returns nodes with the shapes of the traced nodes that they were; functions are not `lowered`, graphs are."""
    before = by_name(traced.names, traced.kinds)
    known: dict[tuple[Kind, Kind | None, bool], _Shapes] = {}
    shapes: dict[str, _Shapes] = {}
    for name, kind in zip(nodes.names, nodes.kinds, strict=True):
        origin = before.get(name)
        other = result_of(name, before) if origin is None else ""
        key = kind, before.get(other, origin), bool(other)
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
    new = by_name(nodes.names, names)
    inputs = [tuple([renamed(text, new) for text in texts]) for texts in nodes.inputs]
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


def _shapes_before(kind: Kind, traced: Kind | None, same: bool) -> _Shapes:
    """Returns the shapes that an optimised node's outputs had in the traced graph; none if it was another node.

    Args:
      kind: of the optimised node.
      traced: of the node that it was, if there is one.
      same: whether it is known to have the same result.
    """
    if traced is None:
        return ()
    same = same or kind.op == traced.op or kind.op.startswith(_SAME_RESULT) or kind.op in REWRITES.get(traced.op, ())
    layouts = {kind.attributes.get("data_format"), traced.attributes.get("data_format")} - {None}
    # Grappler may turn a picture's channels to the front; then the shape is another under the same name.
    if not same or len(layouts) > 1 or not _agree(kind.outputs, traced.outputs):
        return ()
    recorded: _Shapes = traced.attributes.get(SHAPES, ())
    return recorded or own_shapes(traced)


def _hand_through(nodes: Nodes, shapes: dict[str, _Shapes]) -> None:
    """Gives the nodes that hand their input on, which lowered loops and branches are full of, its shape."""
    readers: dict[str, list[Node]] = {}
    waiting = [node for node in nodes if not shapes[node.name] and (node.op in _HANDING_ON or _is_sum(node))]
    for node in waiting:
        for text in node.inputs:
            readers.setdefault(producer_of(text), []).append(node)
    open_merges = {node.name: node for node in waiting if node.op in _MERGES}
    handing = {node.name: node for node in waiting}
    while waiting or open_merges:
        if waiting:
            node = waiting.pop()
            found = {_shape_at(text, shapes) for text in _handed(node)}
            shape = found.pop() if len(found) == 1 else None
        else:  # what goes round a loop unchanged comes to the `Merge` from itself
            node = open_merges.popitem()[1]
            shape = _shape_around(node, handing, shapes)
        if shape is not None and not shapes[node.name]:
            shapes[node.name] = _outputs(node, shape)
            waiting += readers.get(node.name, ())


def _is_sum(node: Node) -> bool:
    """Tells whether a node adds tensors that are all of its shape: so does what ArithmeticOptimizer makes of sums."""
    return node.op == "AddN" and optimizer(node.name) == "ArithmeticOptimizer"


def _handed(node: Node) -> list[str]:
    """Returns the inputs that a node hands on: a `Merge` the one that comes, the others their first."""
    data = data_of(node.inputs)
    return data if node.op in _MERGES else data[:1]


def _outputs(node: Node, shape: Shape) -> _Shapes:
    if node.op in _MERGES:
        return (shape, ())  # the second output is the number of the input that came
    number = node.attributes.get("num_outs") if node.op == "_SwitchN" else len(node.outputs)
    return (shape,) * max(number, 1) if isinstance(number, int) and number <= _MOST_OUTPUTS else ()


def _shape_around(merge: Node, handing: Mapping[str, Node], shapes: Mapping[str, _Shapes]) -> Shape:
    """Returns the one shape that comes to a merge from outside of the nodes that hand on; None if it is not one."""
    if shapes[merge.name]:
        return None
    found: set[Shape] = set()
    seen = {merge.name}
    for node in (around := [merge]):  # grows while it is walked
        for text in _handed(node):
            name = producer_of(text)
            shape = _shape_at(text, shapes)
            if shape is not None or name not in handing:
                found.add(shape)
            elif name not in seen:
                seen.add(name)
                around.append(handing[name])
        if len(around) > _AROUND or len(found) > 1:
            return None
    return found.pop() if found else None


def _shape_at(text: str, shapes: Mapping[str, _Shapes]) -> Shape:
    known, port = find(text, shapes)
    return known[port] if known is not None and 0 <= port < len(known) else None


def _agree(now: Sequence[TensorType], before: Sequence[TensorType]) -> bool:
    """Tells whether outputs may be the same; those of the runtime's own ops are not known."""
    return not now or [output.dtype for output in now] == [output.dtype for output in before]
