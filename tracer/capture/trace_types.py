"""What TensorFlow traced a function for, as one reads it: `float32[2, ?]`, `Literal[3]`, `Iterator[float32[2]]`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tracer.capture import tf_private

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
# A tensor's type as TensorFlow writes it inside of other types.
_TENSOR_SPEC = re.compile(
    r"(?:Bounded)?TensorSpec\(shape=(?P<shape>\([^()]*\)|<unknown>), dtype=tf\.(?P<dtype>\w+), name=(?:None|'[^']*')\)"
)
# Other types that begin with shape and dtype: `IndexedSlicesSpec(TensorShape([3, 2]), tf.float32, ...)`.
_SPEC = re.compile(
    r"(?P<name>[A-Z][A-Za-z]*?)(?:Tensor)?Spec\(TensorShape\((?P<shape>\[[^\[\]]*\]|None)\), tf\.(?P<dtype>\w+)"
    r"(?:[^()]|\([^()]*\))*\)"
)
_TENSORS = {
    "TensorSpec": "",
    "BoundedTensorSpec": "",
    "VariableSpec": "Variable ",
    "RaggedTensorSpec": "Ragged ",
    "SparseTensorSpec": "Sparse ",
}


def type_text(kind: Any) -> str:
    """Returns a trace type, or a nest of them, as one reads it.

    Tensors of other sorts say which: `Variable float32[2]`, `Ragged int64[2, ?]`, `Sparse float32[3, 3]`; what has
    elements names their types: `Dataset[(float32[?, 3], int32[?])]`. Where an object lies is left out: it is another
    place each time.
    """
    name = type(kind).__name__
    if name in _TENSORS:
        return f"{_TENSORS[name]}{kind.dtype.name}{shape_text(kind.shape)}{_ragged(kind) if name[0] == 'R' else ''}"
    element = tf_private.element_spec(kind)
    if element is not None:
        return f"{name.removesuffix('Spec')}[{type_text(element)}]"
    if name == "Literal":
        return _literal(getattr(kind, "value", None))
    if name == "TensorArrayTraceType":
        array = tf_private.traced_array(kind)
        return "TensorArray" if array is None else f"TensorArray {array.dtype.name}{shape_text(array.element_shape)}"
    inside = nest(kind)
    return _other(str(kind)) if inside is None else str(inside)


def shape_text(shape: Any) -> str:
    """Returns a TensorShape: `[2, ?]`; `[...]` where not even the number of axes is known."""
    if shape.rank is None:
        return "[...]"
    return "[" + ", ".join("?" if dim is None else str(dim) for dim in shape.as_list()) + "]"


class Nest(NamedTuple):
    """A type that is made of others: a tuple, a list, a mapping, an object of named fields."""

    begin: str  # as it is written: "[", "Point("
    end: str
    items: tuple[tuple[str, str, Any], ...]  # how Python gets at each ("['x']"), what stands before it ("'x': "), type

    def __str__(self) -> str:
        return f"{self.begin}{', '.join(f'{label}{type_text(kind)}' for _, label, kind in self.items)}{self.end}"


def nest(kind: Any) -> Nest | None:
    """Returns what a type is made of, if it is a nest of TensorFlow's kinds or of Python's."""
    name = type(kind).__name__
    if name == "List" and hasattr(kind, "components_tuple"):
        return _sequence("[]", kind.components_tuple.components)
    if name == "Tuple" and hasattr(kind, "components"):
        return _sequence("()", kind.components)
    if name == "Attrs" and hasattr(kind, "named_attributes"):
        kind = kind.named_attributes
    if hasattr(kind, "attribute_names") and hasattr(kind, "type_name"):
        return _fields(kind.type_name, dict(zip(kind.attribute_names, kind.attributes.components, strict=True)))
    if isinstance(kind, tuple) and hasattr(kind, "_asdict"):
        return _fields(name, kind._asdict())
    if isinstance(kind, (tuple, list)):
        return _sequence("()" if isinstance(kind, tuple) else "[]", kind)
    parts = kind.mapping if name == "Dict" and hasattr(kind, "mapping") else kind
    if isinstance(parts, Mapping):
        return Nest("{", "}", tuple((f"[{key!r}]", f"{key!r}: ", part) for key, part in parts.items()))
    return None


def _sequence(brackets: str, kinds: Iterable[Any]) -> Nest:
    return Nest(brackets[0], brackets[1], tuple((f"[{index}]", "", kind) for index, kind in enumerate(kinds)))


def _fields(name: str, fields: Mapping[str, Any]) -> Nest:
    return Nest(f"{name}(", ")", tuple((f".{field}", f"{field}=", part) for field, part in fields.items()))


def _literal(value: Any) -> str:
    if type(value) is object:
        return "Literal[nan]"  # TensorFlow's marker: to Python NaN is not even itself
    return f"Literal[{value!r}]" if isinstance(value, str) else f"Literal[{_ADDRESS.sub('', repr(value))}]"


def _ragged(kind: Any) -> str:
    """Returns what sets a ragged tensor apart from the usual one: one ragged axis, whose rows are split by int64."""
    said = [f"{kind.ragged_rank} ragged axes"] if kind.ragged_rank != 1 else []
    said += [f"{kind.row_splits_dtype.name} splits"] if kind.row_splits_dtype.name != "int64" else []
    return f" with {' and '.join(said)}" if said else ""


def _other(text: str) -> str:
    """Returns a type that only its class knows, with the tensors in it as they are written elsewhere."""
    text = _SPEC.sub(_tensor, _TENSOR_SPEC.sub(_tensor, _ADDRESS.sub("", text)))
    return text.removesuffix(")") if text.endswith("])") and text.count("(") < text.count(")") else text


def _tensor(match: re.Match[str]) -> str:
    name = match.groupdict().get("name")
    dims = [dim.strip() for dim in match["shape"].strip("()[]").split(",") if dim.strip()]
    unknown = match["shape"] in ("<unknown>", "None")
    shown = "..." if unknown else ", ".join("?" if dim == "None" else dim for dim in dims)
    return f"{name + ' ' if name else ''}{match['dtype']}[{shown}]"
