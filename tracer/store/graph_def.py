"""GraphDef bytes to graphs.

Read through message classes of our own that leave nodes as bytes: most nodes of a graph share all but their names and
inputs with others, so each combination is decoded once, and no node becomes an object of protobuf's.
Fields and numbers are those of tensorflow/core/framework/{graph,node_def,function,op_def}.proto.
"""

from __future__ import annotations

import array
import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from tracer.collector import paused_collector
from tracer.errors import Unreadable
from tracer.graph.bodies import bodies_of
from tracer.graph.model import Function, FunctionName, Graph, Kind, Nodes, Shape, Tensor, Unread
from tracer.graph.ops import dtype_name, dtype_size
from tracer.store import node_bytes

_SHARED = 4096  # bytes of an attribute from which on it is a constant's content, which no two nodes share
_VALUES = 16  # elements of a constant that are kept
_LOOKED_AT = 1_000_000  # fields of a damaged message; a second
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
    return _graph(_classes("bytes")["GraphBytes"].FromString(message.SerializeToString()))


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
      name: its name in `_MESSAGES`: `GraphDef`, `SavedModel`.
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
        return _classes("string")[name].FromString(content)
    try:  # names that are not UTF-8 are read too, with their odd bytes escaped
        return _classes("bytes")[name].FromString(content)
    except DecodeError:
        raise _damaged(kind or name, content, path) from None


def _damaged(kind: str, content: bytes, path: Path | str) -> Unreadable:
    return Unreadable(f"{path} is no {kind}: {_where(content)}", hint="the file is damaged, or of another kind")


def write_graph(nodes: Nodes) -> bytes:
    """Returns nodes without functions as a serialized GraphDef, with the attributes that they were read with."""
    message = _classes("string")["GraphDef"]()
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
        message = _classes("bytes")["NodeBytes"].FromString(behind)
        if message.name or message.op or message.input:
            return None, ""
        found = self._kind(op, message), _text(message.device)
        if len(rest) < _SHARED:
            self._shared[rest] = found
        return found

    def _odd(self, encoded: bytes) -> tuple[str, tuple[str, ...], Kind, str]:
        """Returns name, inputs, kind and device of a node that is not written as TensorFlow does."""
        message = _classes("bytes")["NodeBytes"].FromString(encoded)
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
        pair = _classes("bytes")["AttrEntry"].FromString(entry)
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

_STRING = "string"  # a name: a text, or bytes where it is no UTF-8
_MESSAGES = {
    "NodeDef": [
        ("name", 1, _STRING, 1),
        ("op", 2, _STRING, 1),
        ("input", 3, _STRING, 3),
        ("device", 4, _STRING, 1),
        ("attr", 5, "bytes", 3),
    ],
    "Entry": [("key", 1, _STRING, 1), ("value", 2, _STRING, 1)],
    "AttrEntry": [("key", 1, "bytes", 1), ("value", 2, "bytes", 1)],
    "ArgDef": [("name", 1, _STRING, 1), ("type", 3, "int32", 1)],
    "ArgAttrs": [("attr", 1, "bytes", 3)],
    "ArgEntry": [("key", 1, "int32", 1), ("value", 2, "ArgAttrs", 1)],
    "OpDef": [("name", 1, _STRING, 1), ("input_arg", 2, "ArgDef", 3), ("output_arg", 3, "ArgDef", 3)],
    "FunctionDef": [
        ("signature", 1, "OpDef", 1),
        ("node_def", 3, "NodeDef", 3),
        ("ret", 4, "Entry", 3),
        ("attr", 5, "bytes", 3),
        ("arg_attr", 7, "ArgEntry", 3),
    ],
    "FunctionDefLibrary": [("function", 1, "FunctionDef", 3)],
    "GraphDef": [("node", 1, "NodeDef", 3), ("library", 2, "FunctionDefLibrary", 1)],
    # The same with nodes as bytes. Of a node that has its name or op more than once the last one counts.
    "NodeBytes": [
        ("name", 1, "bytes", 3),
        ("op", 2, "bytes", 3),
        ("input", 3, "bytes", 3),
        ("device", 4, "bytes", 1),
        ("attr", 5, "bytes", 3),
    ],
    "FunctionBytes": [
        ("signature", 1, "OpDef", 1),
        ("node_def", 3, "bytes", 3),
        ("ret", 4, "Entry", 3),
        ("attr", 5, "bytes", 3),
    ],
    "LibraryBytes": [("function", 1, "FunctionBytes", 3)],
    "GraphBytes": [("node", 1, "bytes", 3), ("library", 2, "LibraryBytes", 1)],
    # tensorflow/core/{protobuf/{meta_graph,saved_model,config},util/event,framework/summary}.proto
    "MetaGraphDef": [
        ("meta_info_def", 1, "bytes", 1),
        ("graph_def", 2, "GraphDef", 1),
        ("signature_def", 5, "AttrEntry", 3),
        ("object_graph_def", 7, "bytes", 1),
    ],
    "SavedModel": [("meta_graphs", 2, "MetaGraphDef", 3)],
    "FunctionGraphs": [("pre_optimization_graph", 2, "bytes", 1), ("post_optimization_graph", 3, "bytes", 1)],
    "RunMetadata": [("function_graphs", 4, "FunctionGraphs", 3)],
    "SummaryValue": [("tag", 1, _STRING, 1), ("tensor", 8, "bytes", 1), ("metadata", 9, "bytes", 1)],
    "Summary": [("value", 1, "SummaryValue", 3)],
    "Event": [("graph_def", 4, "bytes", 1), ("summary", 5, "bytes", 1)],
}


@functools.cache
def _classes(texts: str) -> dict[str, Any]:
    """Returns our message classes, in a pool of their own: names may be registered only once in the shared one."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    scalar = {"string": 9 if texts == "string" else 12, "bytes": 12, "int32": 5}
    file = descriptor_pb2.FileDescriptorProto(name="tracer.proto", package="tracer", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, label in fields:
            if kind in scalar:
                message.field.add(name=field, number=number, label=label, type=scalar[kind])
            else:
                message.field.add(name=field, number=number, label=label, type=11, type_name=f".tracer.{kind}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tracer.{name}")) for name in _MESSAGES}


def _where(content: bytes) -> str:
    """Returns at which byte the outermost fields of a message stop making sense."""
    offset = fields = 0
    while offset < len(content) and fields < _LOOKED_AT:
        start = offset
        fields += 1
        try:
            tag, offset = _varint(content, offset)
            if tag & 7 == 0:
                _, offset = _varint(content, offset)
            elif tag & 7 == 2:
                length, offset = _varint(content, offset)
                offset += length
            elif tag & 7 in (1, 5):
                offset += 8 if tag & 7 == 1 else 4
            else:
                return f"no field starts at byte {start}"
        except IndexError:
            return f"it ends inside the field at byte {start}"
        except ValueError:
            return f"no field starts at byte {start}"
        if offset > len(content):
            return f"it ends inside the field at byte {start}"
    return "a field in it is damaged"


def _varint(content: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if shift > 63:
            raise ValueError  # no number is longer; to read one as long as a damaged file takes for ever
        byte = content[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
        shift += 7
