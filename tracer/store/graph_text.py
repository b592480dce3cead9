"""A graph as lines of text that people review, and back: what a project's tests keep their graphs in.

    trace-scenario graph 1
    function step(x: float32[8, 4]) -> float32[8, 2]
    nodes 4

    x = Placeholder() -> float32[8, 4]
    mlp/MatMul/ReadVariableOp/resource = Placeholder() -> resource[] captures mlp/w:0 {"captured": "float32[4, 2]"}
    mlp/MatMul/ReadVariableOp = ReadVariableOp(mlp/MatMul/ReadVariableOp/resource) -> float32[4, 2]
    mlp/MatMul = MatMul(x, mlp/MatMul/ReadVariableOp) -> float32[8, 2] {"transpose_b": true}

A line is a node of the inlined graph: node path, op, inputs, outputs, then what it has beyond that: `on` which device,
what it `captures`, its attributes as JSON. A name that could be read in another way stands in quotes, as JSON. Left
out is what the rest says (dtypes, shapes, functions that are in their places), what holds only for one TensorFlow or
one machine (private attributes), and what is false, 0 or empty: a new version's new attribute is no change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tracer import text
from tracer.errors import Unreadable
from tracer.graph.inline import Inlined, Place
from tracer.graph.labels import plain_value
from tracer.graph.model import FunctionName, Kind, Node, Nodes, Tensor, TensorType, Variable
from tracer.graph.ops import DTYPES
from tracer.text import one_line

FORMAT = 1  # of the file; a reader refuses another one
_TITLE = "trace-scenario graph"
_KEPT_PRIVATE = frozenset({"_XlaMustCompile"})  # of the attributes that begin with "_": it says what is compiled
_RUNTIME = frozenset({"config_proto", "executor_type"})
_SHAPES = frozenset({"shape", "output_shapes"})  # they say what the outputs say
_DTYPES = frozenset(name for name, _ in DTYPES.values())
_LONGEST = 400  # characters of a value; what is longer is data, and stands by its digest

_NUMBER = re.compile(r"[0-9]{1,9}")
_PLAIN = r'[^\s"(),=@{}]+'
_NAME = rf'(?:{_PLAIN}|"(?:[^"\\]|\\.)*")'
_LINE = re.compile(
    rf"(?P<path>{_NAME}) = (?P<op>{_NAME})\((?P<inputs>(?:{_NAME}(?:, {_NAME})*)?)\)"
    rf"(?: -> (?P<outputs>{_PLAIN}\[[^\]]*\](?:, {_PLAIN}\[[^\]]*\])*))?"
    rf"(?: on (?P<device>{_NAME}))?(?: captures (?P<captures>{_NAME}))?(?: (?P<attributes>\{{.*\}}))?"
)
_EACH_NAME = re.compile(_NAME)
_EACH_TYPE = re.compile(rf"(?P<dtype>{_PLAIN})\[(?P<dims>[^\]]*)\]")


class GraphText(NamedTuple):
    """What a file of a graph holds."""

    signature: str  # "step(x: float32[8, 4]) -> float32[8, 2]"
    graph: Inlined


def write_graph_text(graph: Inlined, signature: str) -> str:
    """Returns the file's content for an inlined graph."""
    lines = [f"{_TITLE} {FORMAT}", f"function {one_line(signature)}", f"nodes {len(graph.nodes)}", ""]
    lines += [_line(node, graph.captures.get(node.name), node.name in graph.not_followed) for node in graph.nodes]
    return "\n".join(lines) + "\n"


def read_graph_text(content: str, where: str) -> GraphText:
    """Returns what stands in a file of a graph.

    Args:
      content: the file's content.
      where: where it comes from, for messages.

    Raises:
      Unreadable: it is empty, of another format, cut off, or has a line that is no node; the message has the line.
    """
    lines = content.splitlines()
    _check_title(lines, where)
    head = dict(line.partition(" ")[::2] for line in lines[1:3])
    if not head.keys() >= {"function", "nodes"} or not _NUMBER.fullmatch(head["nodes"]):
        raise _damaged(where, 2, "is not what a graph begins with")
    reader = _Reader(where)
    nodes = [reader.node(number, line) for number, line in enumerate(lines[3:], 4) if line.strip()]
    if len(nodes) != int(head["nodes"]):
        raise _damaged(where, len(lines), f"is the last, and there are {len(nodes)} of {head['nodes']} nodes")
    return GraphText(head["function"], Inlined(Nodes.of(nodes), (Place(""),), [0] * len(nodes), {}, reader.captures))


def check_not_newer(content: str, where: str) -> None:
    """Raises `Unreadable` if a newer version has written the file: it may neither be read nor written anew."""
    title, _, number = content.partition("\n")[0].rpartition(" ")
    if title == _TITLE and _NUMBER.fullmatch(number) and int(number) > FORMAT:
        upgrade = f"pip install --upgrade trace-scenario: this version knows format {FORMAT}"
        raise Unreadable(f"{where} has the format {number}, of a newer version", hint=upgrade)


def _check_title(lines: list[str], where: str) -> None:
    again = "take it from version control again"
    if not any(map(str.strip, lines)):
        raise Unreadable(f"{where} is empty", hint=again)
    title, _, number = lines[0].rpartition(" ")
    if title != _TITLE or not _NUMBER.fullmatch(number):
        raise Unreadable(
            f"{where} is no graph of trace-scenario: its first line is '{one_line(lines[0], 40)}'", hint=again
        )
    if int(number) != FORMAT:
        raise Unreadable(f"{where} has the format {number}, and this version reads {FORMAT}", hint=again)


def _damaged(where: str, line: int, what: str) -> Unreadable:
    return Unreadable(f"{where} is damaged: line {line} {what}", hint="take it from version control again")


def _line(node: Node, captured: Variable | None, closed: bool) -> str:
    inputs = ", ".join(map(_name, node.inputs))
    parts = [f"{_name(node.name)} = {_name(node.op)}({inputs})"]
    if node.outputs:
        parts.append("-> " + ", ".join(text.tensor_type(output) for output in node.outputs))
    if node.device:
        parts.append(f"on {_name(node.device)}")
    attributes = dict(_attributes(node.kind, closed))
    if captured is not None:
        parts.append(f"captures {_name(captured.name)}")
        attributes = {"captured": _captured(captured), **attributes}
    if attributes:
        parts.append(json.dumps(attributes))
    return " ".join(parts)


def _name(name: str) -> str:
    return name if re.fullmatch(_PLAIN, name) and name.isprintable() else json.dumps(name)


def _captured(variable: Variable) -> str:
    kind = "" if variable.kind == "variable" else f"{variable.kind} "
    return f"{kind}{text.tensor_type(variable.type)}{', trainable' if variable.trainable else ''}"


def _attributes(kind: Kind, closed: bool) -> Iterator[tuple[str, Any]]:
    """Yields what an op does that its inputs and outputs do not say; of functions only those that stay closed."""
    of_resource = "shared_name" in kind.attributes  # its shape and dtype are not those of the handle that it gives
    for name, value in sorted(kind.attributes.items()):
        if (name.startswith("_") and name not in _KEPT_PRIVATE) or name in _RUNTIME:
            continue
        if not of_resource and (name in _SHAPES or _is_dtypes(value)):
            continue
        if isinstance(value, Tensor):
            yield name, _tensor(kind, value)
        elif value and (closed or not _is_functions(value)):
            yield name, _value(plain_value(name, value))


def _is_dtypes(value: Any) -> bool:
    values = value if isinstance(value, tuple) and not isinstance(value, Tensor | FunctionName) else (value,)
    return all(isinstance(item, str) and item in _DTYPES for item in values)


def _is_functions(value: Any) -> bool:
    values = value if isinstance(value, tuple) and not isinstance(value, FunctionName) else (value,)
    return any(isinstance(item, FunctionName) for item in values)


def _value(value: Any) -> Any:
    """Returns an attribute's value as JSON has it."""
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _short(value if isinstance(value, str) else repr(value))


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{len(value)} characters, sha256 {_digest(value.encode())}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _tensor(kind: Kind, tensor: Tensor) -> str:
    type_ = text.tensor_type((tensor.dtype, tensor.shape))
    if tensor.values is None:  # too large to be kept: its content stands in the graph's file only
        return f"{type_} sha256 {_digest(b''.join(entry for entry in kind.encoded if b'value' in entry[:8]))}"
    values = tensor.values[: len(tensor.values) - _repeated(tensor.values)]
    return f"{type_} {_short(', '.join(map(repr, values)))}".rstrip()


def _repeated(values: tuple[Any, ...]) -> int:
    """Returns how many values at the end repeat the one before: the last one stands for all that follow."""
    number = 0
    while number + 1 < len(values) and repr(values[-1 - number]) == repr(values[-2 - number]):
        number += 1
    return number


class _WrittenKind(Kind):
    """A kind whose outputs stand beside it, and not in its attributes."""

    def __init__(self, op: str, attributes: Mapping[str, Any], outputs: tuple[TensorType, ...]) -> None:
        super().__init__(op, attributes)
        self.outputs = outputs


class _Reader:
    """Reads nodes, and what they capture."""

    def __init__(self, where: str) -> None:
        self.captures: dict[str, Variable] = {}
        self._where = where
        self._kinds: dict[tuple[str, str, str], Kind] = {}
        self._paths: set[str] = set()

    def node(self, number: int, line: str) -> Node:
        match = _LINE.fullmatch(line)
        if not match:
            raise _damaged(self._where, number, f"is no node: '{one_line(line, 60)}'")
        try:
            path = _unquoted(match["path"])
            kind = self._kind(match["op"], match["outputs"] or "", match["attributes"] or "{}")
            if match["captures"]:
                name = _unquoted(match["captures"])
                self.captures[path] = Variable(name, TensorType("", None))
            inputs = tuple(map(_unquoted, _EACH_NAME.findall(match["inputs"])))
            device = _unquoted(match["device"] or '""')
        except (ValueError, RecursionError) as error:
            raise _damaged(self._where, number, f"cannot be read: {error}") from error
        if path in self._paths:
            raise _damaged(self._where, number, f"has the path of another node: {one_line(path, 60)}")
        self._paths.add(path)
        return Node(path, kind, inputs, device)

    def _kind(self, op: str, outputs: str, attributes: str) -> Kind:
        key = op, outputs, attributes
        if key not in self._kinds:
            types = tuple(_type(match["dtype"], match["dims"]) for match in _EACH_TYPE.finditer(outputs))
            values = {name: _hashable(value) for name, value in json.loads(attributes).items()}
            self._kinds[key] = _WrittenKind(_unquoted(op), values, types)
        return self._kinds[key]


def _unquoted(name: str) -> str:
    return str(json.loads(name)) if name.startswith('"') else name


def _type(dtype: str, dims: str) -> TensorType:
    known = "" if dtype == "?" else dtype
    if dims == "...":
        return TensorType(known, None)
    return TensorType(known, tuple(None if dim == "?" else int(dim) for dim in dims.split(", ") if dim))


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value
