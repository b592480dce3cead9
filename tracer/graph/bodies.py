"""The functions that a node runs, and the labels under which their nodes stand in a node path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer.graph.model import Body, FunctionName

# What TensorFlow puts in executed names between a node and the nodes of the function that it runs, by op and attribute
# (tensorflow/core/common_runtime/lower_{if,while,case}_op.cc). A plain call puts nothing. In the order of running.
_LABELS = {
    ("If", "then_branch"): "then",
    ("If", "else_branch"): "else",
    ("StatelessIf", "then_branch"): "then",
    ("StatelessIf", "else_branch"): "else",
    ("While", "cond"): "cond",
    ("While", "body"): "body",
    ("StatelessWhile", "cond"): "cond",
    ("StatelessWhile", "body"): "body",
}
_ORDER = {key: number for number, key in enumerate(_LABELS)}


def bodies_of(op: str, attributes: Mapping[str, Any]) -> tuple[Body, ...]:
    """Returns the functions that a node of this op and these attributes runs, in the order of their running."""
    names = [name for name, value in attributes.items() if _holds_functions(value)]
    names.sort(key=lambda name: (_ORDER.get((op, name), len(_ORDER)), name))
    return tuple(body for name in names for body in _bodies(op, name, attributes[name]))


def _holds_functions(value: Any) -> bool:
    return isinstance(value, FunctionName) or (
        isinstance(value, tuple) and bool(value) and isinstance(value[0], FunctionName)
    )


def _bodies(op: str, attribute: str, value: Any) -> list[Body]:
    if isinstance(value, FunctionName):
        default = "" if attribute == "f" else attribute
        return [Body(_LABELS.get((op, attribute), default), value.name)] if value.name else []
    label = "branch" if attribute == "branches" else f"{attribute}_"  # a Case's are lowered to "branch0", "branch1"
    return [Body(f"{label}{index}", function.name) for index, function in enumerate(value)]
