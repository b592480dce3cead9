"""The edges of a graph as numbers: who reads whom."""

from __future__ import annotations

import dataclasses

from tracer.graph.model import Nodes
from tracer.graph.references import find, index_by_name


@dataclasses.dataclass(frozen=True, slots=True)
class Edges:
    """The inputs and the readers of each node, by index into the nodes."""

    data: list[list[tuple[int, int]]]  # for each node its data inputs in order: producer and port; producer -1: unknown
    control: list[list[int]]  # for each node the nodes that it waits for
    readers: list[list[tuple[int, int]]]  # for each node who reads it, and at which input; `CONTROL` for who waits


def edges_of(nodes: Nodes) -> Edges:
    """Returns the edges of an inlined graph; of two nodes of one name the first is meant."""
    index = index_by_name(nodes.names)
    data: list[list[tuple[int, int]]] = []
    control: list[list[int]] = []
    readers: list[list[tuple[int, int]]] = [[] for _ in nodes.names]
    find_plain = index.get  # most references are plain names
    for reader, references in enumerate(nodes.inputs):
        produced: list[tuple[int, int]] = []
        awaited: list[int] = []
        for text in references:
            producer, port = find_plain(text), 0
            if producer is None or text[:1] == "^":
                producer, port = find(text, index)
            if producer is not None:
                readers[producer].append((reader, port if port < 0 else len(produced)))
            if port < 0:
                awaited.append(-1 if producer is None else producer)
            else:
                produced.append((-1 if producer is None else producer, port))
        data.append(produced)
        control.append(awaited)
    return Edges(data, control, readers)
