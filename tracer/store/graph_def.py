"""GraphDef bytes to graphs.

Read through message classes of our own that leave nodes as bytes: most nodes of a graph share all but their names and
inputs with others, so each combination is decoded once, and no node becomes an object of protobuf's.
"""

from __future__ import annotations

import array
import contextlib
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from tracer.collector import paused_collector
from tracer.errors import Unreadable
from tracer.graph.bodies import bodies_of
from tracer.graph.model import Function, FunctionName, Graph, Kind, Nodes, Shape, Tensor, Unread
from tracer.graph.ops import dtype_name, dtype_size
from tracer.messages import damage
from tracer.store import node_bytes
from tracer.store.graph_messages import classes

_SHARED = 4096  # bytes of an attribute from which on it is a constant's content, which no two nodes share
_VALUES = 16  # elements of a constant that are kept
_ARRAY_CODES = {"float32": "f", "float64": "d", "int32": "i", "int64": "q", "uint8": "B", "int8": "b", "bool": "B"}
_ZEROS = {"float_val": 0.0, "double_val": 0.0, "bool_val": False, "string_val": ""}
_VALUE_FIELDS = {
    "float32": "float_val",
    "float64": "double_val",
    "int32": "int_val",
    "int16": "int_val",
    "int8": "int_val",
    "uint8": "int_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "string": "string_val",
}


def read_graph(content: bytes, path: Path | str) -> Graph:
    """Returns the graph in a serialized GraphDef.

    Args:
      content: the bytes.
      path: where they come from, for messages.

    Raises:
      Unreadable: they are empty, or no GraphDef.
    """
    from google.protobuf.message import DecodeError

    message = parse_message("GraphBytes", content, path, kind="GraphDef")
    try:
        with paused_collector():
            graph = _graph(message)
    except DecodeError:
        raise _damaged("GraphDef", content, path) from None
    if not graph.nodes and not graph.functions:
        raise Unreadable(f"{path} holds no graph", hint="the file is damaged, or no GraphDef")
    return graph


def graph_of(message: Any) -> Graph:
    """Returns the graph of a GraphDef that `parse_message` gave, alone or as a part of another message."""
    return _graph(classes("bytes")["GraphBytes"].FromString(message.SerializeToString()))


def _graph(message: Any) -> Graph:
    kinds = _Kinds()
    return Graph(
        nodes=kinds.nodes(message.node),
        functions={
            function.name: function
            for function in map(kinds.function, message.library.function)
            if function.name  # nothing can call one without a name
        },
    )


def parse_message(name: str, content: bytes, path: Path | str, *, kind: str = "") -> Any:
    """Returns a message whose attributes are still bytes.

    Args:
      name: its name in `store.graph_messages`: `GraphDef`, `SavedModel`.
      content: its bytes.
      path: where they come from, for messages.
      kind: what messages to the user call it, if not by its name.

    Raises:
      Unreadable: the bytes are empty, or no such message.
    """
    from google.protobuf.message import DecodeError

    if not content:
        raise Unreadable(f"{path} is empty", hint="its writer was cut off; make the file again")
    with contextlib.suppress(DecodeError):
        return classes("string")[name].FromString(content)
    try:  # names that are not UTF-8 are read too, with their odd bytes escaped
        return classes("bytes")[name].FromString(content)
    except DecodeError:
        raise _damaged(kind or name, content, path) from None


def _damaged(kind: str, content: bytes, path: Path | str) -> Unreadable:
    return Unreadable(f"{path} is no {kind}: {damage(content)}", hint="the file is damaged, or of another kind")


def write_graph(nodes: Nodes) -> bytes:
    """Returns nodes without functions as a serialized GraphDef, with the attributes that they were read with."""
    message = classes("string")["GraphDef"]()
    for node in nodes:
        message.node.add(name=node.name, op=node.op, input=node.inputs, device=node.device, attr=node.kind.encoded)
    return message.SerializeToString()  # type: ignore[no-any-return]  # protobuf's stubs say Any


class _Kinds:
    """The kinds of node met so far."""

    def __init__(self) -> None:
        self._shared: dict[bytes, tuple[Kind, str]] = {}  # and the device, by all bytes but those of name and inputs
        self._kinds: dict[tuple[str, tuple[bytes, ...]], Kind] = {}
        self._attributes: dict[bytes, tuple[str, Any]] = {}

    def nodes(self, encoded: Sequence[bytes]) -> Nodes:
        rows = list(encoded)
        inputs: dict[int, tuple[str, ...]] = {}
        names: list[str] = []
        kinds, devices = [], []
        for head in node_bytes.heads(rows):
            name, rest = head
            kind, device = self._shared.get(rest) or self._rest(rest)
            if kind is None:
                index = len(names)
                name, inputs[index], kind, device = self._odd(rows[index])
            names.append(name)
            kinds.append(kind)
            devices.append(device)
        return Nodes(names, kinds, _Rows(rows, inputs, devices))

    def function(self, message: Any) -> Function:
        signature = message.signature
        returned = {_text(entry.key): _text(entry.value) for entry in message.ret}
        return Function(
            name=_text(signature.name),
            arguments=tuple(_text(argument.name) for argument in signature.input_arg),
            nodes=self.nodes(message.node_def),
            returns=tuple(returned.get(_text(output.name), "") for output in signature.output_arg),
            attributes=dict(map(self._attribute, message.attr)),
        )

    def _rest(self, rest: bytes) -> tuple[Kind | None, str]:
        """Returns what `node_bytes.heads` leaves of a node; None for a node that can only be read as a whole."""
        if not rest:
            return None, ""
        op, behind = node_bytes.split(rest)
        message = classes("bytes")["NodeBytes"].FromString(behind)
        if message.name or message.op or message.input:
            return None, ""
        found = self._kind(op, message), _text(message.device)
        if len(rest) < _SHARED:
            self._shared[rest] = found
        return found

    def _odd(self, encoded: bytes) -> tuple[str, tuple[str, ...], Kind, str]:
        """Returns name, inputs, kind and device of a node that is not written as TensorFlow does."""
        message = classes("bytes")["NodeBytes"].FromString(encoded)
        name, op = (values[-1] if values else b"" for values in (message.name, message.op))
        return _text(name), tuple(map(_text, message.input)), self._kind(op, message), _text(message.device)

    def _kind(self, encoded_op: bytes, message: Any) -> Kind:
        op, entries = _text(encoded_op), tuple(message.attr)
        kind = self._kinds.get((op, entries))
        if kind is None:
            attributes = dict(sorted(map(self._attribute, entries), key=itemgetter(0)))  # the last of one name counts
            kind = Kind(op, attributes, bodies_of(op, attributes), entries)
            if sum(map(len, entries)) < _SHARED:
                self._kinds[op, entries] = kind
        return kind

    def _attribute(self, entry: bytes) -> tuple[str, Any]:
        known = self._attributes.get(entry)
        if known is None:
            known = decode_attribute(entry)
            if len(entry) < _SHARED:
                self._attributes[entry] = known
        return known


class _Rows(Unread):
    """Inputs that are read from the bytes of nodes when they are first asked for, and devices, which are known."""

    def __init__(self, rows: Sequence[bytes], known: Mapping[int, tuple[str, ...]], devices: list[str]) -> None:
        self._rows = rows
        self._known = known  # inputs of the nodes that were read as a whole
        self._devices = devices

    def inputs(self) -> list[tuple[str, ...]]:
        if self._known:
            return list(map(self.inputs_of, range(len(self._rows))))
        return list(map(node_bytes.inputs, self._rows))

    def inputs_of(self, index: int) -> tuple[str, ...]:
        known = self._known.get(index)
        return node_bytes.inputs(self._rows[index]) if known is None else known

    def devices(self) -> list[str]:
        return self._devices


def decode_attribute(entry: bytes) -> tuple[str, Any]:
    """Returns name and value of an entry of an attribute map; a value that cannot be read is None.

    Values: int, float, bool; str for texts and dtypes; tuple or None for shapes; `Tensor`; `FunctionName`; a tuple of
    these for lists.
    """
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto import attr_value_pb2

    try:
        pair = classes("bytes")["AttrEntry"].FromString(entry)
    except DecodeError:
        return "", None
    try:
        return _text(pair.key), _value(attr_value_pb2.AttrValue.FromString(pair.value))
    except DecodeError:
        return _text(pair.key), None


def _value(message: Any) -> Any:
    kind = message.WhichOneof("value")
    return None if kind is None else _READERS[kind](getattr(message, kind))


def _list(message: Any) -> tuple[Any, ...]:
    for field in ("s", "i", "f", "b", "type", "shape", "tensor", "func"):
        values = getattr(message, field)
        if len(values):
            return tuple(map(_READERS[field], values))
    return ()


def shape_of(message: Any) -> Shape:
    """Returns the shape in a TensorShapeProto."""
    return None if message.unknown_rank else tuple(dim.size if dim.size >= 0 else None for dim in message.dim)


def _tensor(message: Any) -> Tensor:
    dtype = dtype_name(message.dtype)
    return Tensor(dtype, shape_of(message.tensor_shape), message.ByteSize(), _elements(message, dtype))


def _elements(message: Any, dtype: str) -> tuple[Any, ...] | None:
    """Returns a tensor's elements if they are few; equal ones as one that stands for all, as Grappler writes them."""
    content = message.tensor_content
    if content:
        size, code = dtype_size(dtype), _ARRAY_CODES.get(dtype)
        if code is None or len(content) % size:
            return None
        if content == content[:size] * (len(content) // size):
            content = content[:size]
        if len(content) > _VALUES * size:
            return None
        values = tuple(array.array(code, content))
        return tuple(map(bool, values)) if dtype == "bool" else values
    field = _VALUE_FIELDS.get(dtype)
    if field is None:
        return None
    values = getattr(message, field)
    if not len(values):  # proto3: zeros are not written
        return () if 0 in (shape_of(message.tensor_shape) or ()) else (_ZEROS.get(field, 0),)
    if len(values) > _VALUES:
        return None
    if all(value == values[0] for value in values):
        values = values[:1]
    return tuple(_text(value) if isinstance(value, bytes) else value for value in values)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")


_READERS: dict[str, Callable[[Any], Any]] = {
    "s": _text,
    "i": int,
    "f": float,
    "b": bool,
    "type": dtype_name,
    "shape": shape_of,
    "tensor": _tensor,
    "placeholder": _text,
    "func": lambda function: FunctionName(function.name),
    "list": _list,
}
