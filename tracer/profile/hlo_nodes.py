"""Instructions of an XLA program to the TensorFlow nodes that they were made from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tracer.graph.hlo_origins import hlo_origins
from tracer.graph.inline import LIMIT, Inlined, inline
from tracer.graph.model import Graph
from tracer.graph.references import data_of, producer_of

Paths = tuple[str, ...]

_UNSAFE = re.compile(r"[^\w.]")


def hlo_nodes(program: Graph, traced: Inlined, *, limit: int = LIMIT) -> dict[str, tuple[str, ...]]:
    """Returns the node paths behind each instruction of an optimised HLO module, as `read_hlo` reads it.

    Those are the nodes that it was made from: see `hlo_origins`. What XLA added itself, as the copies of what a loop
    changes, names none: it stands with the instructions that read it, at the end of a loop's body with the loop, and
    what only the caller reads with what it reads itself.

    Args:
      program: the module.
      traced: the graph of the function that was compiled; the paths are its nodes'.
      limit: how many instructions there may be with all computations in their places.

    Returns:
      Paths by the instruction's name; those without any are not in it.

    Raises:
      TooLarge: there are more instructions than `limit`.
    """
    inlined = inline(program, limit=limit)
    named: dict[str, Paths] = {}
    for number, nodes in enumerate(hlo_origins(traced, inlined)):
        if nodes:
            paths = [traced.nodes.names[node] for node in nodes]
            name = inlined.local_name(number)
            named[name] = tuple(dict.fromkeys((*named.get(name, ()), *paths)))
    return _with_nameless(program, named)


def is_program_of(module: str, function: str) -> bool:
    """Returns whether an HLO module is the function of that runtime name: `a_inference_f_7__.3`, `__inference_f_7`.

    XLA writes `_` for what a name may not have, and `a` for the first of two underscores, which are its own
    (xla/service/name_uniquer.cc). Behind the name stand attributes and numbers.
    """
    name = _UNSAFE.sub("_", function)
    if name.startswith("__"):
        name = f"a{name[1:]}"
    return bool(name) and re.match(rf"{re.escape(name)}(?:[_.]|$)", module) is not None


def _with_nameless(program: Graph, named: Mapping[str, Paths]) -> dict[str, Paths]:
    """Returns the paths of all instructions, where `named` has those of the ones that name a node."""
    found = dict(named)
    callers: dict[str, list[str]] = {}
    computations = [("", program.nodes), *((each.name, each.nodes) for each in reversed([*program.functions.values()]))]
    for _, nodes in computations:
        for node in nodes:
            for body in node.bodies:
                callers.setdefault(body.function, []).append(node.name)
    for function, nodes in computations:
        readers: dict[str, list[str]] = {}
        for node in reversed(list(nodes)):  # who reads comes behind what it reads, and who calls before what it calls
            root = callers.get(function, ()) if node.kind.attributes.get("root") else ()
            _add(found, node.name, [*reversed(readers.get(node.name, ())), *root])
            for text in data_of(node.inputs):
                readers.setdefault(producer_of(text), []).append(node.name)
        for node in nodes:
            _add(found, node.name, map(producer_of, data_of(node.inputs)))
    return found


def _add(found: dict[str, Paths], name: str, others: Iterable[str]) -> None:
    """Gives an instruction that has no path yet those of others."""
    if name not in found:
        paths = tuple(dict.fromkeys(path for other in others for path in found.get(other, ())))
        if paths:
            found[name] = paths
