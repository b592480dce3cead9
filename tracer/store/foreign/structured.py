"""Types in a SavedModel's object graph, as one reads them: `float32[2, ?]`, `Literal[3]`, nests of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tracer.graph.model import TensorType
from tracer.graph.ops import dtype_name
from tracer.recorded import Argument
from tracer.store.graph_def import shape_of
from tracer.text import shape


def tensor_type(message: Any) -> TensorType:
    """Returns dtype and shape of a message that has both: a TensorSpecProto, a SavedVariable."""
    return TensorType(dtype_name(message.dtype), shape_of(message.shape))


def type_text(kind: TensorType) -> str:
    """Returns the type of a tensor: `float32[2, ?]`."""
    return f"{kind.dtype}{shape(kind.shape)}"


def structure_text(message: Any) -> str:
    """Returns what a StructuredValue tells of an argument's or a result's type."""
    kind = message.WhichOneof("kind")
    return _TEXTS[kind](getattr(message, kind)) if kind in _TEXTS else f"Literal[{kind}]"


def arguments(concrete: Any, function_spec: Any) -> tuple[Argument, ...]:
    """Returns the arguments of a SavedConcreteFunction, named after the Python function's parameters.

    The signature is a pair: a tuple of positional arguments, a dict of those by keyword.
    """
    pair = concrete.canonicalized_input_signature.tuple_value.values
    positional = list(pair[0].tuple_value.values) if pair else []
    keywords = pair[1].dict_value.fields if len(pair) > 1 else {}
    names = _parameters(function_spec)
    found = [
        Argument(names[index] if index < len(names) else _spec_name(value) or f"args[{index}]", structure_text(value))
        for index, value in enumerate(positional)
    ]
    return (*found, *(Argument(key, structure_text(keywords[key])) for key in sorted(keywords)))


def _parameters(function_spec: Any) -> list[str]:
    fields = {pair.key: pair.value for pair in function_spec.fullargspec.named_tuple_value.values}
    if "args" not in fields:
        return []
    names = [value.string_value for value in fields["args"].list_value.values]
    return names[1:] if function_spec.is_method and names[:1] == ["self"] else names


def _spec_name(message: Any) -> str:
    return str(message.tensor_spec_value.name)


def _all(messages: Iterable[Any]) -> str:
    return ", ".join(map(structure_text, messages))


def _fields(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{key!r}: {structure_text(fields[key])}" for key in sorted(fields))


def _literal(value: Any) -> str:
    return f"Literal[{value!r}]"


def _named(message: Any) -> str:
    return f"{message.name}({', '.join(f'{pair.key}={structure_text(pair.value)}' for pair in message.values)})"


def _spec(message: Any) -> str:
    return type_text(tensor_type(message))


_TEXTS: dict[str, Callable[[Any], str]] = {
    "none_value": lambda _: "Literal[None]",
    "float64_value": _literal,
    "int64_value": _literal,
    "string_value": _literal,
    "bool_value": _literal,
    "tensor_shape_value": lambda value: f"Literal[{shape(shape_of(value))}]",
    "tensor_dtype_value": lambda value: f"Literal[{dtype_name(value)}]",
    "tensor_spec_value": _spec,
    "bounded_tensor_spec_value": _spec,
    "type_spec_value": lambda value: value.type_spec_class_name.rpartition(".")[2] or "TypeSpec",
    "list_value": lambda value: f"[{_all(value.values)}]",
    "tuple_value": lambda value: f"({_all(value.values)}{',' if len(value.values) == 1 else ''})",
    "dict_value": lambda value: f"{{{_fields(value.fields)}}}",
    "named_tuple_value": _named,
}
