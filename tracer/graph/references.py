"""What the inputs of nodes refer to.

TensorFlow writes an input as `a` or `a:1`, the first and the second output of node `a`, or as `^a`, a control edge from
a node that is only waited for (tensorflow/core/framework/node_def.proto, read in tensorflow/core/graph/tensor_id.cc).
Inside a function it writes `a:z:1`, the second tensor of the output that the op's definition calls `z`, and `x`, or
`x:1` of a list of tensors, for an argument (tensorflow/core/framework/function.proto).

TensorFlow imports no graph in which two nodes have one name ("Node 'a' is not unique"), and none with a colon in one.
There are such files, and inlining may make such paths: then the *first* of the nodes is meant, everywhere, and an input
that is written as a node is named means that node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from tracer.graph.model import Kind

CONTROL = -1  # the output that a control edge comes from: nothing flows along it

_PORT_DIGITS = 9  # of the number of an output; Python refuses to read thousands of them
_T = TypeVar("_T")


def is_control(reference: str) -> bool:
    """Tells whether a reference is a control edge."""
    return reference[:1] == "^"


def data_of(references: Iterable[str]) -> list[str]:
    """Returns the references along which tensors flow: all but control edges."""
    return [text for text in references if text[:1] != "^"]


def split(reference: str) -> tuple[str, int]:
    """Returns the name of the node in a graph's reference and the number of its output: of a control edge `CONTROL`."""
    if reference[:1] == "^":
        return reference[1:], CONTROL
    name, colon, number = reference.rpartition(":")
    return (name, port_number(number)) if colon else (reference, 0)


def producer_of(reference: str) -> str:
    """Returns the name of the node in a graph's reference."""
    return split(reference)[0]


def join(name: str, port: int) -> str:
    """Returns a graph's reference to an output of a node, or the control edge from it."""
    if port == CONTROL:
        return f"^{name}"
    return f"{name}:{port}" if port else name


def find(reference: str, known: Mapping[str, _T]) -> tuple[_T | None, int]:
    """Returns what is known by the name of the node that a graph's reference means, and the number of its output.

    Args:
      reference: as a graph writes it; of a control edge the output is `CONTROL`.
      known: what is asked for, by the names of nodes; None is returned for a name that is not there.
    """
    if reference[:1] == "^":
        return known.get(reference[1:]), CONTROL
    found = known.get(reference)
    if found is not None or ":" not in reference:
        return found, 0
    name, port = split(reference)
    return known.get(name), port


def renamed(reference: str, names: Mapping[str, str]) -> str:
    """Returns a graph's reference with the new name of its node; a name that is not in `names` stays."""
    if reference in names and reference[:1] != "^":
        return names[reference]
    name, port = split(reference)
    return join(names[name], port) if name in names else reference


def by_name(names: Sequence[str], values: Sequence[_T]) -> dict[str, _T]:
    """Returns the value of each name; of two that are the same, the first one's."""
    return dict(zip(reversed(names), reversed(values), strict=True))


def index_by_name(names: Sequence[str]) -> dict[str, int]:
    """Returns the index of each name; of two that are the same, the first."""
    return by_name(names, range(len(names)))


def in_graph(reference: str, kinds: Mapping[str, Kind]) -> str:
    """Returns a function's reference as graphs write it: `add` for `add:z:0`, `split:1` for `split:output:1`.

    Args:
      reference: as a function writes it, and no control edge.
      kinds: the function's nodes by name; where an op's outputs are not known by their names, the number counts.
    """
    name, colon, output = reference.partition(":")
    if not colon or reference in kinds:
        return reference
    outputs = kinds[name].output_names if name in kinds else ()
    return join(name, outputs.index(output) if output in outputs else port_number(output.rpartition(":")[2]))


def port_number(text: str) -> int:
    """Returns the number in a reference to an output, `1` of `split:1`; 0 for what no output has as its number."""
    return int(text) if len(text) <= _PORT_DIGITS and text.isdecimal() and text.isascii() else 0
