"""How much memory tensors take, as far as a graph says.

What is not known is None and never 0: a size of a shape that is not known, a string, a variant. A resource is 0: what
flows is a handle, and the variable, table or iterator behind it is no output of the node.
"""

from __future__ import annotations

import math
import weakref

from tracer.graph.model import Kind, Shape, TensorType
from tracer.graph.ops import dtype_size, is_known


def elements(shape: Shape) -> int | None:
    """Returns how many elements a tensor of this shape has; 1 for a scalar, None where a size is not known."""
    if shape is None or None in shape:
        return None
    return math.prod(shape)  # type: ignore[arg-type]  # no None is left in it


def tensor_bytes(type_: TensorType) -> int | None:
    """Returns the bytes of a tensor's elements: elements times the bytes of one (`ops.DTYPES`).

    None where the shape or the dtype is not known, and for elements without a fixed size: string, variant; 0 for a
    resource, which is a handle.
    Types of less than a byte count as TensorFlow keeps them, with a byte for each element.
    """
    if type_.dtype == "resource":
        return 0
    number, size = elements(type_.shape), dtype_size(type_.dtype)
    return None if number is None or not size else number * size


def variable_bytes(type_: TensorType) -> int | None:
    """Returns the bytes of a variable's value; None as in `tensor_bytes`. `type_` is the value's, not the handle's."""
    return tensor_bytes(type_)


def output_bytes(kind: Kind) -> int | None:
    """Returns the bytes of all outputs of a node; None if those of one are not known, 0 for a node without outputs.

    Which outputs a custom op has is not known either: it gives None, unless its shapes were recorded. Counted once for
    each kind.
    """
    if kind not in _output_bytes:
        _output_bytes[kind] = _sum(kind)
    return _output_bytes[kind]


# Weak, as a kind may hold a constant's content, which is to go when its graph goes.
_output_bytes: weakref.WeakKeyDictionary[Kind, int | None] = weakref.WeakKeyDictionary()


def _sum(kind: Kind) -> int | None:
    if not kind.outputs and not is_known(kind.op):
        return None
    total = 0
    for output in kind.outputs:
        size = tensor_bytes(output)
        if size is None:
            return None
        total += size
    return total
