"""Instructions of an XLA program to the TensorFlow nodes that they were made from."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tracer.graph.model import Graph, Nodes
from tracer.graph.names import node_path

_UNSAFE = re.compile(r"[^\w.]")


def hlo_nodes(program: Graph) -> dict[str, tuple[str, ...]]:
    """Returns the node paths behind each instruction of an optimised HLO module, as `read_hlo` reads it.

    A fusion is made from all nodes that the instructions in it name; any other instruction from the one that it names.
    Paths are those of the function that was compiled. An instruction that names none is not in the result.
    """
    inside = {name: _named(function.nodes) for name, function in program.functions.items()}
    found: dict[str, tuple[str, ...]] = {}
    for nodes in (program.nodes, *(function.nodes for function in program.functions.values())):
        for name, kind in zip(nodes.names, nodes.kinds, strict=True):
            own = node_path(str(kind.attributes.get("op_name") or ""))
            fused = [inside.get(body.function, ()) for body in kind.bodies] if kind.op == "fusion" else []
            paths = tuple(dict.fromkeys(path for paths in fused for path in paths)) or ((own,) if own else ())
            if paths:
                found[name] = paths
    return found


def is_program_of(module: str, function: str) -> bool:
    """Returns whether an HLO module is the function of that runtime name: `a_inference_f_7__.3`, `__inference_f_7`.

    XLA writes `_` for what a name may not have, and `a` for the first of two underscores, which are its own
    (xla/service/name_uniquer.cc). Behind the name stand attributes and numbers.
    """
    name = _UNSAFE.sub("_", function)
    if name.startswith("__"):
        name = f"a{name[1:]}"
    return bool(name) and re.match(rf"{re.escape(name)}(?:[_.]|$)", module) is not None


def module_owner(module: str, functions: Mapping[str, int]) -> int:
    """Returns what the function that a module was compiled from is mapped to; -1 if it is none of them."""
    return next((index for function, index in functions.items() if is_program_of(module, function)), -1)


def _named(nodes: Nodes) -> tuple[str, ...]:
    names = (node_path(str(kind.attributes.get("op_name") or "")) for kind in nodes.kinds)
    return tuple(dict.fromkeys(filter(None, names)))
