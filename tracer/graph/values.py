"""Which nodes of a graph compute the same, and which have a value that is known before it runs."""

from __future__ import annotations

from tracer.graph.classes import Ids, Order
from tracer.graph.edges import Edges
from tracer.graph.grappler import SHAPE_OPS, is_impure
from tracer.graph.inline import Inlined
from tracer.graph.labels import plain_attributes
from tracer.graph.model import Kind
from tracer.graph.op_sets import PASSING_ON
from tracer.graph.references import CONTROL


def values_of(graph: Inlined, edges: Edges) -> list[int]:
    """Returns a number for each node that is equal for nodes of one op, with equal attributes, that read equal values.

    A node that only hands on has the number of what it reads. A node that reads nothing is like no other, but for
    constants, and so is one that gives something else each time.
    """
    ids = Ids()
    kinds: dict[Kind, int] = {}
    impure = {kind for kind in set(graph.nodes.kinds) if is_impure(kind.op)}
    found = [ids["node", number] for number in range(len(graph.nodes))]
    for number in Order(graph, edges).sequence:
        kind, data = graph.nodes.kinds[number], edges.data[number]
        if kind in impure or any(producer < 0 for producer, _ in data) or not (data or kind.op == "Const"):
            continue
        if kind.op in PASSING_ON and len(data) == 1 and data[0][1] == 0:
            found[number] = found[data[0][0]]
            continue
        if kind not in kinds:
            kinds[kind] = ids[kind.op, repr(sorted(plain_attributes(kind).items()))]
        found[number] = ids[kinds[kind], tuple([(found[producer], port) for producer, port in data])]
    return found


def foldable(graph: Inlined, edges: Edges) -> frozenset[int]:
    """Returns the nodes whose value may be known before the graph runs: that only constants and shapes go into."""
    kinds = graph.nodes.kinds
    never = {kind for kind in set(kinds) if is_impure(kind.op) or _gives_handles(kind) or kind.bodies}
    known = [number for number, kind in enumerate(kinds) if kind.op == "Const" or kind.op in SHAPE_OPS]
    missing = [len(data) for data in edges.data]
    for number in known:  # grows while it is walked
        for reader, position in edges.readers[number]:
            if position != CONTROL:
                missing[reader] -= 1
                if not missing[reader] and kinds[reader] not in never and kinds[reader].op not in SHAPE_OPS:
                    known.append(reader)
    return frozenset(known)


def _gives_handles(kind: Kind) -> bool:
    return any(output.dtype in ("resource", "variant") for output in kind.outputs)
