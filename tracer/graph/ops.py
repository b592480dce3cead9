"""What TensorFlow's registry says of each op's outputs, for readers that have no TensorFlow.

The table is `ops.txt`, made from the registry by `tests/op_table.py`, which says how to read it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# tensorflow/core/framework/types.proto: number, name, bytes for each element. 0: an element has no fixed size.
DTYPES = {
    1: ("float32", 4),
    2: ("float64", 8),
    3: ("int32", 4),
    4: ("uint8", 1),
    5: ("int16", 2),
    6: ("int8", 1),
    7: ("string", 0),
    8: ("complex64", 8),
    9: ("int64", 8),
    10: ("bool", 1),
    11: ("qint8", 1),
    12: ("quint8", 1),
    13: ("qint32", 4),
    14: ("bfloat16", 2),
    15: ("qint16", 2),
    16: ("quint16", 2),
    17: ("uint16", 2),
    18: ("complex128", 16),
    19: ("float16", 2),
    20: ("resource", 0),
    21: ("variant", 0),
    22: ("uint32", 4),
    23: ("uint64", 8),
    24: ("float8_e5m2", 1),
    25: ("float8_e4m3fn", 1),
    26: ("float8_e4m3fnuz", 1),
    27: ("float8_e4m3b11fnuz", 1),
    28: ("float8_e5m2fnuz", 1),
    29: ("int4", 1),
    30: ("uint4", 1),
    31: ("int2", 1),
    32: ("uint2", 1),
    33: ("float4_e2m1fn", 1),
}
_SIZES = dict(DTYPES.values())
_MOST_OUTPUTS = 100_000  # of one node: a damaged number may ask for more than any memory holds
_REFERENCE = 100  # DT_FLOAT_REF is DT_FLOAT + 100: an output that can be assigned to, of TensorFlow 1's variables


def dtype_name(number: int) -> str:
    """Returns the name of a DataType; of one that this version does not know its number, of DT_INVALID nothing."""
    if number - _REFERENCE in DTYPES:
        return f"{DTYPES[number - _REFERENCE][0]}_ref"
    return DTYPES[number][0] if number in DTYPES else f"dtype{number}" if number else ""


def dtype_size(name: str) -> int:
    """Returns the bytes of one element; 0 where elements have no fixed size (string, resource), or it is unknown."""
    return _SIZES.get(name.removesuffix("_ref"), 0)


def output_types(op: str, attributes: Mapping[str, Any]) -> list[tuple[str, tuple[int | None, ...] | None]]:
    """Returns dtype and shape of each output, as far as the attributes and the table tell."""
    dtypes = [dtype for _, dtype in _outputs(op, attributes)]
    shapes = _shapes(attributes)
    count = max(len(dtypes), len(shapes))
    dtypes += [""] * (count - len(dtypes))
    shapes += [None] * (count - len(shapes))
    return list(zip(dtypes, shapes, strict=True))


def output_names(op: str, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns how a reference inside a function writes each output: `y:0`, `outputs:1`. Empty for an unknown op."""
    return tuple(name for name, _ in _outputs(op, attributes))


def is_known(op: str) -> bool:
    """Tells an op of TensorFlow's own from a custom one."""
    return op in _table()


def _shapes(attributes: Mapping[str, Any]) -> list[tuple[int | None, ...] | None]:
    recorded = attributes.get("_output_shapes")
    if isinstance(recorded, tuple):
        return [item if is_shape(item) else None for item in recorded]
    value = attributes.get("value")
    if hasattr(value, "nbytes"):  # a Const says its shape by its value
        return [value.shape]  # type: ignore[union-attr]
    if "shape" in attributes and "shared_name" not in attributes and is_shape(attributes["shape"]):
        return [attributes["shape"]]  # a Placeholder; the shape of a VarHandleOp is its variable's, not the handle's
    return []


def is_shape(value: Any) -> bool:
    """Tells a shape from what a damaged file may have in its place."""
    return value is None or (isinstance(value, tuple) and all(isinstance(dim, int | None) for dim in value))


def _outputs(op: str, attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns reference name and dtype of each output."""
    found = []
    for name, kind in _table().get(op, ()):
        if kind.startswith("*"):
            listed = attributes.get(kind[1:])
            found += [(f"{name}:{index}", _dtype(dtype)) for index, dtype in enumerate(_as_tuple(listed))]
            continue
        one, _, number = kind.partition("*")
        attribute, _, default = one.partition("=")
        dtype = attribute if attribute in _SIZES else _dtype(attributes.get(attribute)) or default
        count = attributes.get(number, 0) if number else 1
        known = isinstance(count, int) and count <= _MOST_OUTPUTS
        found += [(f"{name}:{index}", dtype) for index in range(count if known else 0)]
    return found


def _dtype(value: Any) -> str:
    """Returns the dtype in an attribute; nothing where a damaged file has something else in its place."""
    return value if isinstance(value, str) and value.isidentifier() and value.isascii() else ""


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


@functools.cache
def _table() -> dict[str, tuple[tuple[str, str], ...]]:
    rows = (line.split() for line in (Path(__file__).parent / "ops.txt").read_text("ascii").splitlines())
    return {op: tuple((part.partition(":")[0], part.partition(":")[2]) for part in outputs) for op, *outputs in rows}
