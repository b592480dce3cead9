"""Which inputs of a node become which arguments of the functions that it runs.

The orders are those of the ops' definitions (tensorflow/core/ops/*.cc) and of the kernels that call the functions.
"""

from __future__ import annotations

from collections.abc import Sequence

from tracer.graph.model import Kind, Node
from tracer.graph.references import data_of, is_control

# Nodes that hand their inputs to their functions, and how many of them they keep for themselves: a branch's predicate.
_KEPT_INPUTS = {
    **dict.fromkeys(("If", "StatelessIf", "_If", "XlaIf", "Case", "StatelessCase", "RemoteCall", "conditional"), 1),
    **dict.fromkeys(("PartitionedCall", "StatefulPartitionedCall", "SymbolicGradient", "MapDefun", "BatchFunction"), 0),
    **dict.fromkeys(("While", "StatelessWhile", "_While", "XlaWhile", "XlaLaunch", "XlaLaunchV2", "TPUReplicate"), 0),
    "For": 3,  # start, limit and delta; its body takes the index, which no input is, before the rest
}
_UNKNOWN = Kind("Placeholder")
# Ops with several functions, in the order in which what each captured follows in the inputs.
_FUNCTIONS = (
    *("key_func", "init_func", "next_func", "reduce_func", "window_size_func", "finalize_func"),
    *("map_func", "index_map_func", "reader_func", "shard_func"),
)


def given(node: Node, label: str, position: int, names: Sequence[str], data: Sequence[str]) -> list[str]:
    """Returns which input stands for each argument of one of a node's functions; empty where none does.

    Args:
      node: the node.
      label: the function's label, which is the name of its attribute where TensorFlow has no other.
      position: which of the node's functions it is.
      names: its arguments.
      data: the node's inputs without control edges.
    """
    if node.op == "conditional":  # of HLO: behind the predicate what each branch takes, see `hlo`
        start = 1 + sum(node.attributes.get("operand_arrays", (1,) * position)[:position])
        found = list(data[start : start + len(names)])
    elif node.op == "For":
        found = ["", *data[3:]]
    elif node.op in _KEPT_INPUTS:
        found = list(data[_KEPT_INPUTS[node.op] :])
    elif "Dataset" in node.op:
        found = _of_dataset(node, label, names, data)
    else:
        found = list(data) if len(names) == len(data) else list(data[:1]) * len(names)
    return (found + [""] * len(names))[: len(names)]


def kept(node: Node, inputs: Sequence[str]) -> list[str]:
    """Returns the inputs that a node itself reads: what it hands to its functions they read."""
    number = _KEPT_INPUTS.get(node.op, len(inputs))
    return data_of(inputs)[:number] + [text for text in inputs if is_control(text)]


def _of_dataset(node: Node, label: str, names: Sequence[str], data: Sequence[str]) -> list[str]:
    """Returns a dataset function's arguments: states, then the parts of an element, then what the function captured.

    No input stands for the parts of an element: what the node reads is a dataset of them.
    """
    first = 0 if node.op.startswith("Generator") else 1
    states = list(data[first:][: _length(node, "Tstate")])
    start = first + len(states)
    for function in _FUNCTIONS:
        if function == label:
            break
        start += _captured(node, function)
    captured = list(data[start : start + _captured(node, label)])
    elements = max(len(names) - len(states) - len(captured), 0)
    return [*states, *[""] * elements, *captured]


def element_kinds(dataset: Kind | None, number: int) -> list[Kind]:
    """Returns a node's kind for each part of an element of the dataset that a node of this kind makes."""
    dtypes = dataset.attributes.get("output_types") if dataset else None
    shapes = dataset.attributes.get("output_shapes") if dataset else None
    if not isinstance(dtypes, tuple) or not isinstance(shapes, tuple) or not len(dtypes) == len(shapes) == number:
        return [_UNKNOWN] * number
    return [
        Kind("Placeholder", {"dtype": dtype, "shape": shape, "_output_shapes": (shape,)})
        for dtype, shape in zip(dtypes, shapes, strict=True)
    ]


def _captured(node: Node, function: str) -> int:
    """Returns how many tensors a function of a dataset captured."""
    if function not in _FUNCTIONS:
        return _length(node, "Targuments")
    return _length(node, f"T{function}_other_arguments") or _length(node, f"T{function}_args")


def _length(node: Node, attribute: str) -> int:
    value = node.attributes.get(attribute)
    return len(value) if isinstance(value, tuple) else 0
