"""Which arguments and which results a graph has, in order: exchanged, they make another function of the same nodes."""

from __future__ import annotations

from collections.abc import Mapping

from tracer.graph.edges import Edges
from tracer.graph.inline import Inlined
from tracer.graph.references import CONTROL

Positions = Mapping[int, tuple[str, str]]  # by node, in order: "argument" or "result", and the scope that it is one of

_ARGUMENTS = frozenset({"Placeholder", "_Arg"})
_RESULTS = frozenset({"Identity", "IdentityN"})  # so TensorFlow hands a function's results out, outside of all scopes


def positions_of(graph: Inlined, edges: Edges) -> Positions:
    """Returns the nodes whose order among each other has a meaning.

    Captures are told by what they capture; nodes with an `index` say themselves which they are.
    """
    found: dict[int, tuple[str, str]] = {}
    nodes = graph.nodes
    for number, (name, kind) in enumerate(zip(nodes.names, nodes.kinds, strict=True)):
        if kind.op in _ARGUMENTS and name not in graph.captures and "index" not in kind.attributes:
            found[number] = "argument", name.rpartition("/")[0]
        elif (
            kind.op in _RESULTS
            and "/" not in name
            and all(position == CONTROL for _, position in edges.readers[number])
        ):
            found[number] = "result", ""
    return found


def moved(before: Positions, after: Positions, origin: list[int]) -> dict[int, tuple[str, str]]:
    """Returns which nodes after have another place than before, among the arguments or results that both sides have.

    Args:
      before: the arguments and results of the graph before.
      after: those of the graph after.
      origin: for each node after, its node before; -1 if it has none.

    Returns:
      By node after: "argument 1" and "argument 2".
    """
    groups: dict[tuple[tuple[str, str], tuple[str, str]], list[int]] = {}
    for number, group in after.items():
        own = before.get(origin[number])
        if own and own[0] == group[0]:
            groups.setdefault((own, group), []).append(number)
    found: dict[int, tuple[str, str]] = {}
    for (_, (sort, _)), numbers in groups.items():
        ranks = {own: rank for rank, own in enumerate(sorted(origin[number] for number in numbers), 1)}
        for rank, number in enumerate(numbers, 1):
            if ranks[origin[number]] != rank:
                found[number] = f"{sort} {ranks[origin[number]]}", f"{sort} {rank}"
    return found
