"""Names and values as text that a picture can hold: one line, printable, not too long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tracer.graph.model import FunctionName, Tensor, TensorType
from tracer.report.export import ViewNode
from tracer.text import shape as shape_text

LABEL = 80  # characters; longer labels make boxes that nobody can lay out, and Graphviz refuses tokens of 16 KiB


def visible(text: str, width: int = 0) -> str:
    r"""Returns `text` with what is not printable escaped as Python does, `\n` or `\u202e`, cut to `width` if not 0.

    A mark that turns the direction of text, or half of a surrogate pair, would change or break what is around it.
    """
    if width and len(text) > width:
        half = (width - 1) // 2
        text = f"{text[:half]}…{text[len(text) - half :]}"  # paths differ at their ends
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def type_text(kind: TensorType | None) -> str:
    """Returns what flows along an edge: `float32[2, 3]`; empty if nothing is known."""
    if kind is None or (not kind.dtype and kind.shape is None):
        return ""
    return f"{kind.dtype}{shape_text(kind.shape)}"


def source_text(node: ViewNode) -> str:
    """Returns the user's line that made a node: `train.py:12 in step`; empty if it is not known."""
    return f"{node.line.file}:{node.line.line} in {node.line.function}" if node.line else ""


def reads_text(node: ViewNode) -> str:
    """Returns the variables and constants that a node reads: `variable w:0, constant 2.0`."""
    return ", ".join(f"{read.kind} {read.text}".rstrip() for read in node.reads)


def plain(value: Any) -> Any:
    """Returns an attribute's value as what JSON can hold; a float that JSON has no word for as "nan", "inf", "-inf"."""
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, FunctionName):
        return {"function": value.name}
    if isinstance(value, Tensor):
        return _tensor(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return str(value)


def _tensor(value: Tensor) -> dict[str, Any]:
    return {
        "dtype": value.dtype,
        "shape": plain(value.shape),
        "bytes": value.nbytes,
        "values": plain(value.values),
    }
