"""What TensorFlow would not import: nodes of one name, and edges that lead back to where they begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tracer.graph.model import Nodes
from tracer.graph.references import find, index_by_name

# The one edge along which TensorFlow 1 led what a loop computed back to its beginning.
_BACK = frozenset({"NextIteration", "RefNextIteration"})


def repeated_names(nodes: Nodes) -> Mapping[str, int]:
    """Returns the names that several nodes have, and how many."""
    if len(set(nodes.names)) == len(nodes.names):
        return {}
    return {name: number for name, number in Counter(nodes.names).items() if number > 1}


def cycle(nodes: Nodes) -> tuple[str, ...]:
    """Returns the names of nodes of which each reads the one before it, and the first the last; empty for none.

    Args:
      nodes: inlined. The loops of TensorFlow 1 are no cycles.
    """
    left = _left(nodes)
    if not left:
        return ()
    index = min(left)
    seen: dict[int, None] = {}
    while index not in seen:  # each of those left reads another of them
        seen[index] = None
        index = min(left[index])
    row = list(seen)
    return tuple(nodes.names[at] for at in reversed(row[row.index(index) :]))


def _left(nodes: Nodes) -> dict[int, set[int]]:
    """Returns the nodes that wait for themselves, or for such nodes, by index, and what they wait for."""
    waiting = _waiting(nodes)
    readers: dict[int, list[int]] = {at: [] for at in waiting}
    for at, producers in waiting.items():
        producers.difference_update([one for one in producers if one not in waiting])
        for producer in producers:
            readers[producer].append(at)
    ready = [at for at, producers in waiting.items() if not producers]
    for at in ready:  # grows while it is walked
        del waiting[at]
        for reader in readers[at]:
            waiting[reader].remove(at)
            if not waiting[reader]:
                ready.append(reader)
    return waiting


def _waiting(nodes: Nodes) -> dict[int, set[int]]:
    """Returns the nodes that read one further down, or such a node, by index, and what they wait for: few."""
    index = index_by_name(nodes.names)
    back = {at for at, kind in enumerate(nodes.kinds) if kind.op in _BACK}
    done: set[str] = set()
    waiting = {}
    for at, (name, inputs) in enumerate(zip(nodes.names, nodes.inputs, strict=True)):
        if not done.issuperset(inputs):
            producers = {find(text, index)[0] for text in inputs}
            left = {one for one in producers if one is not None and one not in back and nodes.names[one] not in done}
            if left:
                waiting[at] = left
                continue
        done.add(name)
        done.add(f"^{name}")
    return waiting
