"""XLA's HLO as text, as TensorFlow and JAX print it, to a `Graph`.

The text is what `HloModule::ToString` writes (xla/hlo/ir/hlo_module.cc, read there by xla/hlo/parser/hlo_parser.cc):
a line for the module, tables of source lines in newer versions, and computations with an instruction on each line:

    %fused (p: f32[4]) -> f32[4] {
      %p = f32[4]{0} parameter(0)
      ROOT %tanh.1 = f32[4]{0} tanh(%p), metadata={op_type="Tanh" op_name="mlp/Tanh"}
    }

- The entry computation becomes the graph's nodes, the others its functions; a parameter of those is an argument and no
  node. An instruction keeps its name, without `%`; its opcode is the op. The attribute `op_name` is the TensorFlow node
  that it is from (for JAX the path of the primitive: "jit(f)/tanh").
- A tuple gives an output for each array in it, and `get-tuple-element` reads the output that it takes: `while.3:1`. So
  does an argument: a computation has an argument for each array, `arg_tuple` and `arg_tuple:1`, and who runs it reads
  each array that it gives.
- Attributes are those of `hlo_parts.attributes_of`, and `root` of a computation's result, `parameter_number`, `value`,
  the text of a constant, and `operand_arrays` of a `conditional`: how many it gives to each of its branches.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from tracer.errors import Unreadable
from tracer.graph.hlo_parts import NoPart, Parts, TypeOf, Unclosed, attributes_of, operand, parts, split, type_of
from tracer.graph.model import Body, Function, Graph, Kind, Node, Nodes
from tracer.graph.references import join, producer_of
from tracer.text import one_line

# The labels of the computations that an instruction runs, by attribute. A plain call's has none in a path.
_LABELS = {
    "calls": "calls",
    "to_apply": "to_apply",
    "condition": "cond",
    "body": "body",
    "true_computation": "then",
    "false_computation": "else",
    "branch_computations": "branch",
    "called_computations": "called",
    "select": "select",
    "scatter": "scatter",
    "comparator": "comparator",
}
_OWN_LABELS = {("fusion", "calls"): "fused", ("call", "to_apply"): ""}
_TABLES = ("FileNames", "FunctionNames", "FileLocations", "StackFrames")
_VALUE = 256  # characters of a constant that are kept: what is longer is data

_HEADER = re.compile(r"\s*(?P<entry>ENTRY\s+)?%?(?P<name>[\w.\-]+)\s*(?P<signature>[({])")
_CLOSE = re.compile(r"\s*\}\s*(?:,.*)?")
_START = re.compile(r"\s*(?P<root>ROOT\s+)?%?(?P<name>[\w.\-]+)\s*=\s*")
_ROW = re.compile(r"\s*(\d{1,18})\s+(\S.*)")


@dataclasses.dataclass(slots=True)
class _Computation:
    """A computation as far as it is read."""

    name: str
    is_entry: bool
    nodes: list[Node] = dataclasses.field(default_factory=list)
    lines: list[int] = dataclasses.field(default_factory=list)  # index of each node's line
    types: dict[str, TypeOf] = dataclasses.field(default_factory=dict)  # of every instruction, parameters too
    parameters: dict[int, str] = dataclasses.field(default_factory=dict)  # of those that are arguments and no nodes
    root: str = ""


def read_hlo(text: str, where: str = "HLO text") -> Graph:
    """Returns the graph in the text of an HLO module.

    Args:
      text: the module, as XLA prints it; names with or without `%`.
      where: where it comes from, for messages.

    Raises:
      Unreadable: the text is empty, no HLO, cut off, or names what it does not define; the message has the line.
    """
    return _Reader(text.split("\n"), where).read()


class _Reader:
    """Reads line by line, each once; what is written the same way more than once is understood once."""

    def __init__(self, lines: list[str], where: str) -> None:
        self._lines = lines
        self._where = where
        self._at = 0  # index of the line that is being read
        self._tables: dict[str, dict[str, str]] = {}
        self._done: dict[str, _Computation] = {}
        self._called: dict[str, int] = {}  # computations that instructions run, with the line of the first
        self._types: dict[str, TypeOf] = {}
        self._kinds: dict[tuple[Parts, bool, tuple[int, ...]], tuple[Kind, tuple[str, ...]]] = {}

    def read(self) -> Graph:
        self._module()
        table: dict[str, str] = {}
        for line in self._rest():
            header, row = _header(line), _ROW.fullmatch(line)
            if header:
                self._computation(_Computation(header["name"], bool(header["entry"])))
            elif line.strip() in _TABLES:
                table = self._tables.setdefault(line.strip(), {})
            elif row and self._tables:
                table[row[1]] = row[2].strip()
            else:
                self._fail("is neither a computation nor a table")
        return self._graph()

    def _module(self) -> None:
        line = next(self._rest(), None)
        if line is None:
            raise Unreadable(f"{self._where} is empty", hint="its writer was cut off; make it again")
        if not line.lstrip().startswith("HloModule "):
            self._fail("is not the beginning of an HLO module")
        self._at += 1

    def _rest(self) -> Iterator[str]:
        """Yields the lines that say something, from the one that is to be read."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.strip() and not line.lstrip().startswith("//"):
                yield line
            self._at += 1

    def _computation(self, computation: _Computation) -> None:
        """Reads a computation from its header, which is the line now, to its closing bracket."""
        if computation.name in self._done:
            self._fail(f"defines {computation.name} a second time")
        self._at += 1
        for line in self._rest():
            if _CLOSE.fullmatch(line):
                self._close(computation)
                return
            start = _START.match(line)
            if not start:
                self._fail("is no instruction")
            self._instruction(computation, start)
        self._at = len(self._lines) - 1
        self._fail(f"is the last, inside of {computation.name}: the text is cut off")

    def _instruction(self, computation: _Computation, start: re.Match[str]) -> None:
        at, name, is_root = self._at, start["name"], bool(start["root"])
        try:
            found = self._parts(start)
            type_ = self._type(found.type)
            if name in computation.types:
                raise NoPart(f"the only {name} of {computation.name}")
            computation.types[name] = type_
            computation.root = name if is_root else computation.root
            if found.op == "parameter" and not computation.is_entry:
                _add_parameter(computation, found.inside, name)
                return
            operands = (
                [] if found.op in ("parameter", "constant") else [operand(piece) for piece in split(found.inside)]
            )
            sizes = [len(_arrays(computation, each)) for each in operands[1:]] if found.op == "conditional" else []
            kind, after = self._kind(found, type_, is_root, tuple(sizes))
        except NoPart as problem:
            self._fail(f"is not {problem}", at)
        except Unclosed:
            self._fail("is cut off", at)
        computation.nodes.append(Node(name, kind, _inputs(computation, operands, kind, after), ""))
        computation.lines.append(at)

    def _parts(self, start: re.Match[str]) -> Parts:
        try:
            return parts(start.string, start.end())
        except Unclosed:  # some constants go on in the next lines
            return parts(self._with_more_lines(), start.end())

    def _with_more_lines(self) -> str:
        taken = [self._lines[self._at]]
        while self._at + 1 < len(self._lines):
            line = self._lines[self._at + 1]
            if _START.match(line) or _CLOSE.fullmatch(line):
                break
            taken.append(line.strip())
            self._at += 1
        return " ".join(taken)

    def _type(self, text: str) -> TypeOf:
        if text not in self._types:
            self._types[text] = type_of(text)
        return self._types[text]

    def _kind(self, found: Parts, type_: TypeOf, is_root: bool, sizes: tuple[int, ...]) -> tuple[Kind, tuple[str, ...]]:
        """Returns the kind of an instruction, and which ones have to be done before it; `sizes` are a conditional's."""
        own = found.op in ("parameter", "constant")
        key = found if own else found._replace(inside=""), is_root, sizes
        if key not in self._kinds:
            attributes = attributes_of(found.behind)
            after = _names(attributes.pop("control-predecessors", ""))
            bodies = _bodies(found.op, attributes)
            for body in bodies:
                self._called.setdefault(body.function, self._at)
            attributes.update(self._source(attributes))
            if is_root:
                attributes["root"] = True
            if sizes:
                attributes["operand_arrays"] = sizes
            if own:
                attributes.update(_own_value(found))
            kind = Kind(found.op, attributes, bodies)
            kind.outputs = type_.arrays  # not those of a TensorFlow op of that name
            self._kinds[key] = kind, after
        return self._kinds[key]

    def _source(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Returns file and line of an instruction that names them by a row of the tables."""
        frame = self._row("StackFrames", attributes.get("stack_frame_id"))
        location = self._row("FileLocations", frame.get("file_location_id"))
        file = self._tables.get("FileNames", {}).get(str(location.get("file_name_id")))
        return {"source_file": file.strip('"'), "source_line": location.get("line", 0)} if file else {}

    def _row(self, table: str, number: object) -> dict[str, Any]:
        text = self._tables.get(table, {}).get(str(number), "")
        return attributes_of(f"metadata={text}") if text.startswith("{") and text.endswith("}") else {}

    def _close(self, computation: _Computation) -> None:
        """Checks that all that a computation reads is in it."""
        if not computation.types:
            self._fail(f"ends {computation.name}, which has no instruction")
        for node, line in zip(computation.nodes, computation.lines, strict=True):
            for text in node.inputs:
                name = producer_of(text)
                if name not in computation.types:
                    self._fail(f"reads {name}, which {computation.name} does not define", line)
        self._done[computation.name] = computation

    def _graph(self) -> Graph:
        for name, line in self._called.items():
            if name not in self._done:
                self._fail(f"runs {name}, which the text does not define", line)
        entries = [computation for computation in self._done.values() if computation.is_entry]
        if len(entries) != 1:
            self._at = len(self._lines) - 1
            self._fail(f"is the last, and {len(entries)} computations are the ENTRY")
        others = [_function(computation) for computation in self._done.values() if not computation.is_entry]
        return Graph(Nodes.of(entries[0].nodes), {function.name: function for function in others})

    def _fail(self, problem: str, at: int | None = None) -> NoReturn:
        at = self._at if at is None else at
        raise Unreadable(
            f"{self._where}, line {at + 1} {problem}: {one_line(self._lines[at].strip(), 80)}",
            hint="the text is damaged, or no HLO as XLA prints it",
        )


def _header(line: str) -> re.Match[str] | None:
    """Returns the beginning of a computation: `%fused (p: f32[4]) -> f32[4] {`, or `region_0.1 {`."""
    header = _HEADER.match(line)
    if not header or not line.rstrip().endswith("{"):
        return None
    return header if header["signature"] == "{" or "->" in line else None


def _add_parameter(computation: _Computation, inside: str, name: str) -> None:
    number = int(inside) if re.fullmatch(r"\d{1,9}", inside) else -1
    if number < 0 or number in computation.parameters:
        raise NoPart("a parameter with a number of its own")
    computation.parameters[number] = name


def _inputs(computation: _Computation, operands: Sequence[str], kind: Kind, after: Sequence[str]) -> tuple[str, ...]:
    """Returns the edges into an instruction."""
    read = list(operands)
    if kind.bodies:
        read = [text for name in operands for text in _arrays(computation, name)]
    elif kind.op == "get-tuple-element" and len(read) == 1:
        type_, index = computation.types.get(read[0]), kind.attributes.get("index")
        if type_ and isinstance(index, int) and 0 < index < len(type_.elements) and type_.elements[index]:
            read = [f"{read[0]}:{type_.elements[index]}"]
    return (*read, *(f"^{name}" for name in after))


def _arrays(computation: _Computation, name: str) -> list[str]:
    """Returns the references to the arrays that an instruction gives; to itself where they are not known, or none."""
    type_ = computation.types.get(name)
    return [join(name, at) for at in range(len(type_.arrays) if type_ and type_.arrays else 1)]


def _own_value(found: Parts) -> dict[str, Any]:
    if found.op == "constant":
        return {"value": one_line(found.inside, _VALUE)}
    return {"parameter_number": int(found.inside)} if re.fullmatch(r"\d{1,9}", found.inside) else {}


def _bodies(op: str, attributes: Mapping[str, Any]) -> tuple[Body, ...]:
    """Returns the computations that an instruction runs, in the order in which XLA writes them."""
    bodies = []
    for key, value in attributes.items():
        label = _OWN_LABELS.get((op, key), _LABELS.get(key))
        if label is None or not isinstance(value, str):
            continue
        names = _names(value)
        numbered = value.startswith("{") and label
        bodies += [Body(f"{label}{index}" if numbered else label, name) for index, name in enumerate(names)]
    return tuple(bodies)


def _names(text: str) -> tuple[str, ...]:
    return tuple(operand(piece) for piece in split(text.strip().removeprefix("{").removesuffix("}")))


def _function(computation: _Computation) -> Function:
    parameters = [name for _, name in sorted(computation.parameters.items())]
    return Function(
        name=computation.name,
        arguments=tuple(text for name in parameters for text in _arrays(computation, name)),
        nodes=Nodes.of(computation.nodes),
        returns=tuple(_arrays(computation, computation.root or next(reversed(computation.types)))),
        attributes={"parameter_types": tuple(computation.types[name].arrays for name in parameters)},
    )
