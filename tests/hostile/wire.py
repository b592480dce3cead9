"""GraphDefs byte by byte: protobuf's own classes refuse most of what a damaged or a hostile file may hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Text = str | bytes
FLOAT, INT32, STRING, INT64, RESOURCE = 1, 3, 7, 9, 20  # tensorflow/core/framework/types.proto


def varint(number: int) -> bytes:
    """Returns a number as protobuf writes it; a negative one as 64 bits."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def field(number: int, content: Text) -> bytes:
    """Returns a field that holds bytes: a text, or a message."""
    content = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def integer(number: int, value: int) -> bytes:
    """Returns a field that holds a number."""
    return varint(number << 3) + varint(value)


def shape(*dims: int) -> bytes:
    """Returns a TensorShapeProto."""
    return b"".join(field(2, integer(1, dim)) for dim in dims)


def a_text(value: Text) -> bytes:
    """Returns an attribute's value that is a text."""
    return field(2, value)


def a_number(value: int) -> bytes:
    """Returns an attribute's value that is a number."""
    return integer(3, value)


def a_type(number: int) -> bytes:
    """Returns an attribute's value that is a dtype."""
    return integer(6, number)


def a_shape(*dims: int) -> bytes:
    """Returns an attribute's value that is a shape."""
    return field(7, shape(*dims))


def a_tensor(dtype: int, dims: Iterable[int], content: bytes = b"", *values: bytes) -> bytes:
    """Returns an attribute's value that is a tensor; `values` are further fields of it."""
    return field(
        8, integer(1, dtype) + field(2, shape(*dims)) + (field(4, content) if content else b"") + b"".join(values)
    )


def a_function(name: Text) -> bytes:
    """Returns an attribute's value that names a function."""
    return field(10, field(1, name))


def a_list(*items: bytes) -> bytes:
    """Returns an attribute's value that is a list of other values: their fields have the same numbers in a list."""
    return field(1, b"".join(items))


def node(name: Text, op: Text = "NoOp", inputs: Iterable[Text] = (), device: Text = "", **attributes: bytes) -> bytes:
    """Returns a NodeDef."""
    return node_with(name, op, inputs, attributes, device)


def node_with(
    name: Text, op: Text, inputs: Iterable[Text], attributes: Mapping[Text, bytes], device: Text = ""
) -> bytes:
    """Returns a NodeDef whose attributes have names that no keyword can have."""
    entries = (field(5, field(1, key) + field(2, value)) for key, value in attributes.items())
    return b"".join(
        (
            field(1, name),
            field(2, op),
            *(field(3, text) for text in inputs),
            field(4, device) if device else b"",
            *entries,
        )
    )


def call(name: Text, function: Text, *inputs: Text) -> bytes:
    """Returns a node that calls a function."""
    return node(name, "PartitionedCall", inputs, f=a_function(function))


def function(
    name: Text, nodes: Iterable[bytes] = (), arguments: Iterable[Text] = (), returns: Mapping[str, Text] | None = None
) -> bytes:
    """Returns a FunctionDef."""
    signature = field(1, name) + b"".join(field(2, field(1, argument) + integer(3, FLOAT)) for argument in arguments)
    signature += b"".join(field(3, field(1, key) + integer(3, FLOAT)) for key in returns or {})
    ends = b"".join(field(4, field(1, key) + field(2, value)) for key, value in (returns or {}).items())
    return field(1, signature) + b"".join(field(3, each) for each in nodes) + ends


def graph(nodes: Iterable[bytes], functions: Iterable[bytes] = ()) -> bytes:
    """Returns a GraphDef."""
    library = b"".join(field(1, each) for each in functions)
    return b"".join(field(1, each) for each in nodes) + (field(2, library) if library else b"")
