"""Which nodes of a graph compute the same: value numbering."""

from __future__ import annotations

from tracer.graph.classes import Ids, Order
from tracer.graph.edges import Edges
from tracer.graph.grappler import PASSING_ON
from tracer.graph.inline import Inlined
from tracer.graph.labels import plain_attributes
from tracer.graph.model import Kind


def values_of(graph: Inlined, edges: Edges) -> list[int]:
    """Returns a number for each node that is equal for nodes of one op, with equal attributes, that read equal values.

    A node that only hands on has the number of what it reads. A node that reads nothing is like no other, but for
    constants.
    """
    ids = Ids()
    kinds: dict[Kind, int] = {}
    found = [ids["node", number] for number in range(len(graph.nodes))]
    for number in Order(graph, edges).sequence:
        kind, data = graph.nodes.kinds[number], edges.data[number]
        if any(producer < 0 for producer, _ in data) or not (data or kind.op == "Const"):
            continue
        if kind.op in PASSING_ON and len(data) == 1 and data[0][1] == 0:
            found[number] = found[data[0][0]]
            continue
        if kind not in kinds:
            kinds[kind] = ids[kind.op, repr(sorted(plain_attributes(kind).items()))]
        found[number] = ids[kinds[kind], tuple([(found[producer], port) for producer, port in data])]
    return found
