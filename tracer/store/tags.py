"""What TensorBoard's tags hold: graphs as its page can draw them.

The page (2.21) draws a function of the library as a box in the margin and links no call to it, so functions stand in
the places that run them. It reads the shapes on edges from the attribute `_output_shapes` of the node that they leave.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from tracer.graph.inline import Inlined
from tracer.graph.model import Kind, Node, Nodes, Shape
from tracer.graph.names import function_name
from tracer.graph.optimized import SHAPES, own_shapes
from tracer.graph.references import join, producer_of, renamed, split
from tracer.store.tag_names import tag_names

# What the page can draw, measured with TensorBoard 2.21 in Chromium. 100,000 nodes of training steps open in 6 s.
LIMIT = 100_000  # nodes of a tag; see `within`
# A chain of 1,000 nodes in one scope opens in 2.5 s, one of 1,500 in 6 s, one of 2,500 not in 150 s.
CROWD = 1_500
LARGE = 1024  # bytes of a constant from which on its content stays out: from there on the page does not show it either

_SHAPES_ENTRY = b"\x0a\x0e" + SHAPES.encode()  # how the entry of that attribute begins: its key, of 14 bytes
_NUMBER = re.compile(r"_\d+$")
_FUNCTION, _VARIABLE = "function", "variable"  # attributes of our own, for the page's card of a node
_Shapes = tuple[Shape, ...]  # of a node's outputs; none if they are not known


def tag_nodes(inlined: Inlined, traced: Inlined | None = None) -> Nodes:
    """Returns the nodes of an inlined graph as a tag holds them: with shapes, and without large constants.

    They are called as `tag_names` says. The card of a node that stands for a variable says which.

    Args:
      inlined: the graph.
      traced: of an optimised graph the traced one.
    """
    nodes = _mapped(inlined.nodes, _light)
    names = {node: variable.name for node, variable in inlined.captures.items() if variable.name}
    kinds = [
        _with_text(kind, _VARIABLE, names[name]) if name in names else kind
        for name, kind in zip(nodes.names, nodes.kinds, strict=True)
    ]
    called = tag_names(inlined, traced)
    new = {path: name for path, name in zip(nodes.names, called, strict=True) if path != name}
    inputs = [tuple([renamed(text, new) for text in inputs]) for inputs in nodes.inputs] if new else nodes.inputs
    return Nodes(called, kinds, (inputs, nodes.devices))


def within(nodes: Nodes, limit: int = LIMIT) -> Nodes:
    """Returns nodes of which there are at most `limit`: where there are more, the deepest scopes are one node each.

    The page lays out a graph as one piece of work of a browser's only thread, and the browser gives up on it.
    A scope that is closed so is a node `Scope` with the number of its nodes; edges lead to it, and from it.
    """
    if len(nodes) <= limit:
        return nodes
    depth = max(name.count("/") for name in nodes.names)
    while depth > 0 and len({_cut(name, depth) for name in nodes.names}) > limit:
        depth -= 1
    return _closed(nodes, depth)


def shown_as(names: Iterable[str], drawn: Nodes) -> list[str]:
    """Returns for each node of a graph the name of the one that stands for it in what `within` left of the graph."""
    known = set(drawn.names)
    return [name if name in known else _scope_among(known, name) for name in names]


def _scope_among(known: Container[str], name: str) -> str:
    while name and name not in known:
        name = name.rpartition("/")[0]
    return name


def crowded(nodes: Nodes, limit: int = CROWD) -> dict[str, int]:
    """Returns how many nodes and scopes stand directly in each scope that has more than `limit`, by path.

    Left out are constants, which the page puts beside their readers, and what it folds: nodes of one op whose names
    differ by a number at the end.
    """
    if len(nodes) <= limit:
        return {}
    inside: dict[str, dict[str, str]] = {}
    for name, kind in zip(nodes.names, nodes.kinds, strict=True):
        scope, _, own = name.rpartition("/")
        op = kind.op
        while own and own not in inside.setdefault(scope, {}):
            inside[scope][own] = op
            op = ""  # above it stand scopes
            scope, _, own = scope.rpartition("/")
    found = {scope: _apart(ops) for scope, ops in inside.items() if len(ops) > limit}
    return {scope: number for scope, number in found.items() if number > limit}


def _apart(ops: Mapping[str, str]) -> int:
    """Returns how many boxes the page draws for these names and ops."""
    stems: dict[str, list[str]] = {}
    for name, op in ops.items():
        stems.setdefault(_NUMBER.sub("", name), []).append(op)
    drawn = [[op for op in found if op != "Const"] for found in stems.values()]
    return sum(1 if len(set(found)) == 1 else len(found) for found in drawn)


def _cut(name: str, depth: int) -> str:
    """Returns the path of the node that stands for a node if scopes are open to `depth` only."""
    return "/".join(name.split("/", depth + 1)[: depth + 1])


def _closed(nodes: Nodes, depth: int) -> Nodes:
    stands_for = {name: _cut(name, depth) for name in nodes.names}
    inside = Counter(stands_for.values())
    found: dict[str, Node] = {}
    read: dict[str, dict[str, None]] = {}  # by scope: what its nodes read from outside of it, each once
    for node in nodes:
        name = stands_for[node.name]
        inputs = [text for text in (_replaced(text, stands_for) for text in node.inputs) if producer_of(text) != name]
        if inside[name] == 1:
            found[name] = node._replace(inputs=tuple(inputs))
        else:
            found.setdefault(name, Node(name, _scope_kind(inside[name]), (), ""))
            read.setdefault(name, {}).update(dict.fromkeys(inputs))
    return Nodes.of(node._replace(inputs=tuple(read.get(node.name, node.inputs))) for node in found.values())


def _scope_kind(nodes: int) -> Kind:
    from tensorboard.compat.proto import attr_value_pb2

    return Kind("Scope", {"nodes": nodes}, (), (_entry("nodes", attr_value_pb2.AttrValue(i=nodes)),))


def _replaced(text: str, names: Mapping[str, str]) -> str:
    """Returns an input with another name for its producer; one that has become a scope has no outputs to number."""
    name, port = split(text)
    return text if names.get(name, name) == name else join(names[name], min(port, 0))


def _mapped(nodes: Nodes, change: Callable[[Kind], Kind]) -> Nodes:
    changed = {kind: change(kind) for kind in set(nodes.kinds)}
    return Nodes(nodes.names, [changed[kind] for kind in nodes.kinds], (nodes.inputs, nodes.devices))


def _light(kind: Kind) -> Kind:
    """Returns a kind as the page needs it: with its shapes, with its function's name, without a large content."""
    if any(len(entry) > LARGE for entry in kind.encoded):
        kind = Kind(kind.op, kind.attributes, kind.bodies, tuple(map(_without_content, kind.encoded)))
    kind = _with_shapes(kind, kind.attributes.get(SHAPES) or own_shapes(kind))
    called = [body.function for body in kind.bodies if not body.label]
    return _with_text(kind, _FUNCTION, function_name(called[0])[0]) if called else kind


def _with_shapes(kind: Kind, shapes: _Shapes) -> Kind:
    from tensorboard.compat.proto import attr_value_pb2, tensor_shape_pb2

    if not shapes or any(entry.startswith(_SHAPES_ENTRY) for entry in kind.encoded):
        return kind
    found = attr_value_pb2.AttrValue()
    for shape in shapes:
        dims = [tensor_shape_pb2.TensorShapeProto.Dim(size=-1 if dim is None else dim) for dim in shape or ()]
        found.list.shape.add(dim=dims, unknown_rank=shape is None)
    return _with(kind, SHAPES, shapes, found)


def _with_text(kind: Kind, name: str, text: str) -> Kind:
    from tensorboard.compat.proto import attr_value_pb2

    return _with(kind, name, text, attr_value_pb2.AttrValue(s=text.encode("utf-8", "backslashreplace")))


def _with(kind: Kind, name: str, value: Any, message: Any) -> Kind:
    return Kind(kind.op, {**kind.attributes, name: value}, kind.bodies, (*kind.encoded, _entry(name, message)))


def _entry(name: str, value: Any) -> bytes:
    """Returns an entry of an attribute map as a GraphDef holds it."""
    from tensorboard.compat.proto import node_def_pb2

    entry = node_def_pb2.NodeDef.AttrEntry(key=name, value=value)
    return entry.SerializeToString()  # type: ignore[no-any-return]  # protobuf's stubs say Any


def _without_content(entry: bytes) -> bytes:
    """Returns an attribute without what a large tensor in it holds: its type and shape stay."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto import node_def_pb2, tensor_pb2

    if len(entry) <= LARGE:
        return entry
    try:
        pair = node_def_pb2.NodeDef.AttrEntry.FromString(entry)
    except DecodeError:  # its name is no UTF-8
        return entry
    if not pair.value.HasField("tensor"):
        return entry
    tensor = pair.value.tensor
    pair.value.tensor.CopyFrom(tensor_pb2.TensorProto(dtype=tensor.dtype, tensor_shape=tensor.tensor_shape))
    return pair.SerializeToString()  # type: ignore[no-any-return]  # as above
