"""The parts of one HLO instruction: its type, its operands, its attributes.

%name = f32[32,10]{1,0} dot(%a, %b), lhs_contracting_dims={1}, metadata={op_type="MatMul" op_name="mlp/MatMul"}
        type            op  operands  attributes
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tracer.graph.model import Shape, TensorType

# xla/primitive_util.h: its names for TensorFlow's; those that are not here are the same, or TensorFlow has none.
_DTYPES = {
    "pred": "bool",
    "bf16": "bfloat16",
    **{f"f{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"s{bits}": f"int{bits}" for bits in (2, 4, 8, 16, 32, 64)},
    **{f"u{bits}": f"uint{bits}" for bits in (2, 4, 8, 16, 32, 64)},
    **{f"c{bits}": f"complex{bits}" for bits in (64, 128)},
    **{f"f8{kind}": f"float8_{kind}" for kind in ("e5m2", "e4m3fn", "e4m3fnuz", "e4m3b11fnuz", "e5m2fnuz")},
    "f4e2m1fn": "float4_e2m1fn",
}

# A string, a comment (`/*index=5*/` before every fifth element), or what opens, closes and parts a list. A quote alone
# is a string that does not end. None of the patterns here goes back over what it has read: lines may be megabytes long.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|/\*[^*]{0,40}\*/|[][(){},"]', re.DOTALL)
_COMMENT = re.compile(r"/\*[^*]{0,40}\*/")
_OPCODE = re.compile(r"\s*(?P<op>[A-Za-z][\w\-]*)\(")
_ARRAY = re.compile(r"(?P<dtype>[a-z]\w*)\[(?P<dims>[^\]\[]*)\](?:\{[^{}]*\})?")
_TYPE_TOKEN = re.compile(rf"{_ARRAY.pattern}|[(),]|\s+")
_DIM = re.compile(r"\s*(?:(?P<size>\d{1,18})|\?|<=\d{1,18})\s*")
_KEY = re.compile(r"\s*([\w.\-]+)=(.*)", re.DOTALL)
_PAIR = re.compile(r'\b(\w+)=("[^"\\]*(?:\\.[^"\\]*)*"|\{[^{}]*\}|[^\s,{}"]+)', re.DOTALL)
_INTEGER = re.compile(r"-?\d{1,18}")
_INTEGERS = re.compile(r"\{(?:-?\d{1,18}(?:,\s*-?\d{1,18})*)?\}")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}


class Unclosed(Exception):
    """The text ends inside a bracket or a string."""


class NoPart(Exception):
    """The text is no instruction; the message says what it is not."""


class Parts(NamedTuple):
    """An instruction behind its `=`."""

    type: str  # "f32[32,10]{1,0}"
    op: str  # "dot"
    inside: str  # what its parentheses hold: operands, a constant, the number of a parameter
    behind: str  # the attributes


class TypeOf(NamedTuple):
    """What an instruction gives."""

    arrays: tuple[TensorType, ...]  # a tuple's, also those of tuples in it, in order
    elements: tuple[int, ...]  # where in `arrays` each element of a tuple begins; empty if it is no tuple


def parts(text: str, start: int) -> Parts:
    """Returns the parts of the instruction whose type begins at `start`.

    Raises:
      Unclosed: the text ends too early; it may go on in the next line.
      NoPart: there is no type and opcode.
    """
    end = _closing(text, start) if text.startswith("(", start) else text.find(" ", start)
    opcode = _OPCODE.match(text, end) if end >= 0 else None
    if not opcode:
        raise NoPart("a type and an opcode")
    close = _closing(text, opcode.end() - 1)
    behind = text[close:].strip()
    if behind and not behind.startswith(","):
        raise NoPart("a list of attributes")
    return Parts(text[start:end].strip(), opcode["op"], text[opcode.end() : close - 1].strip(), behind[1:].strip())


def split(text: str) -> list[str]:
    """Returns what stands between commas outside of brackets and strings, without comments; nothing for blank text.

    Raises:
      Unclosed: a bracket or a string does not end.
    """
    pieces, depth, start = [], 0, 0
    for match in _TOKEN.finditer(text):
        mark = match[0]
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif mark == "," and depth == 0:
            pieces.append(text[start : match.start()])
            start = match.end()
        elif mark == '"':
            raise Unclosed
    if depth > 0:
        raise Unclosed
    pieces.append(text[start:])
    clean = [_COMMENT.sub("", piece).strip() if "/*" in piece else piece.strip() for piece in pieces]
    return clean if len(clean) > 1 or clean[0] else []


def operand(piece: str) -> str:
    """Returns the name of an operand: `f32[8]{0} %x` and `x` are both `x`."""
    return piece.rpartition(" ")[2].removeprefix("%")


def type_of(text: str) -> TypeOf:
    """Returns the arrays in a type: `f32[2,3]{1,0}`, `(s32[], (f32[2], pred[]))`. A size with a bound is not known.

    Raises:
      NoPart: it is no type.
    """
    clean = _COMMENT.sub("", text)
    array = _ARRAY.fullmatch(clean)
    if array:
        return TypeOf((_tensor(array),), ())
    if not clean.startswith("("):
        raise NoPart("a type")
    arrays: list[TensorType] = []
    elements: list[int] = []
    depth, is_new = 0, False
    for match in _type_marks(clean):
        mark = match[0]
        if is_new and mark != ")":
            elements.append(len(arrays))
        is_new = mark == ("," if depth else "(") and depth < 2
        depth += (mark == "(") - (mark == ")")
        if match["dtype"]:
            arrays.append(_tensor(match))
    return TypeOf(tuple(arrays), tuple(elements))


def attributes_of(text: str) -> dict[str, Any]:
    """Returns the attributes behind the operands; those in `metadata` stand beside the others, by their own names.

    Values: int, bool, tuple of int (`{0,1}`), and text: a string without its quotes, the rest as it is written.

    Raises:
      Unclosed: a bracket or a string does not end.
    """
    found: dict[str, Any] = {}
    for piece in split(text):
        pair = _KEY.fullmatch(piece)
        if not pair:
            found[piece] = True
        elif pair[1] == "metadata" and pair[2].startswith("{"):
            found.update((key, _value(value)) for key, value in _PAIR.findall(pair[2]))
        else:
            found[pair[1]] = _value(pair[2])
    return found


def unquoted(text: str) -> str:
    """Returns what a string in quotes stands for: XLA escapes quotes, line ends and bytes beyond ASCII as C does."""
    if "\\" not in text:
        return text[1:-1]
    content = text[1:-1].encode("utf-8", "surrogatepass")
    return _ESCAPE.sub(_unescaped, content).decode("utf-8", "backslashreplace")


def _closing(text: str, start: int) -> int:
    """Returns the position behind the bracket that closes the one at `start`."""
    depth = 0
    for match in _TOKEN.finditer(text, start):
        mark = match[0]
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
            if depth == 0:
                return match.end()
        elif mark == '"':
            break
    raise Unclosed


def _type_marks(text: str) -> Iterator[re.Match[str]]:
    """Yields the arrays, brackets and commas of a tuple's type."""
    position = 0
    while position < len(text):
        match = _TYPE_TOKEN.match(text, position)
        if not match:
            raise NoPart("a type")
        position = match.end()
        if not match[0].isspace():
            yield match


def _tensor(array: re.Match[str]) -> TensorType:
    return TensorType(_DTYPES.get(array["dtype"], array["dtype"]), _shape(array["dims"]))


def _shape(text: str) -> Shape:
    if not text.strip():
        return ()
    dims = [_DIM.fullmatch(dim) for dim in text.split(",")]
    if not all(dims):
        raise NoPart("a shape")
    return tuple(int(dim["size"]) if dim and dim["size"] else None for dim in dims)


def _value(text: str) -> Any:
    if text.startswith('"'):
        return unquoted(text)
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _INTEGERS.fullmatch(text):
        return tuple(int(number) for number in text[1:-1].split(",") if number)
    return text


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8) & 255]) if len(code) == 3 else _ESCAPED.get(code, code)
