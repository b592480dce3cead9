"""A function of a library as a graph of its own: with placeholders for its arguments, as TensorFlow traced it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from tracer.graph.model import Function, Graph, Kind, Nodes, TensorType, Variable
from tracer.graph.references import by_name, in_graph, is_control
from tracer.store.graph_def import decode_attribute


def body_graph(function: Function, message: Any, library: Graph, captured: Sequence[Variable]) -> Graph:
    """Returns the body of a function as a graph.

    Args:
      function: the function.
      message: its FunctionDef, as `store.graph_def` reads it.
      library: the graph whose functions its nodes run.
      captured: what its last arguments stand for.
    """
    placeholders = _placeholders(message)
    own = function.nodes
    nodes = Nodes(
        [*function.arguments, *own.names],
        [*placeholders, *own.kinds],
        ([()] * len(placeholders) + list(_inputs(own)), [""] * len(placeholders) + own.devices),
    )
    return Graph(nodes, library.functions, captures(function.arguments, captured))


def argument_types(message: Any) -> list[TensorType]:
    """Returns the type of each argument of a FunctionDef, as `store.graph_def` reads it."""
    return [kind.outputs[0] for kind in _placeholders(message)]


def captures(arguments: Sequence[str], captured: Sequence[Variable]) -> dict[str, Variable]:
    """Returns what a function takes from outside, by the argument that stands for it: they are its last ones."""
    first = max(len(arguments) - len(captured), 0)
    return dict(zip(arguments[first:], captured, strict=False))


def _placeholders(message: Any) -> list[Kind]:
    attributes = {entry.key: entry.value.attr for entry in message.arg_attr}
    return [_placeholder(item.type, attributes.get(at, ())) for at, item in enumerate(message.signature.input_arg)]


def _placeholder(dtype: int, attributes: Sequence[bytes]) -> Kind:
    from tensorboard.compat.proto import attr_value_pb2, node_def_pb2

    entry = node_def_pb2.NodeDef.AttrEntry(key="dtype", value=attr_value_pb2.AttrValue(type=dtype))
    encoded = (entry.SerializeToString(), *attributes)
    return Kind("Placeholder", dict(sorted(map(decode_attribute, encoded), key=itemgetter(0))), (), encoded)


def _inputs(nodes: Nodes) -> Iterator[tuple[str, ...]]:
    """Yields each node's inputs as graphs write them: `add`, `split:1`, where functions have `add:z:0`."""
    kinds = by_name(nodes.names, nodes.kinds)
    for inputs in nodes.inputs:
        yield tuple([text if is_control(text) else in_graph(text, kinds) for text in inputs])
