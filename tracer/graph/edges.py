"""The edges of a graph as numbers: who reads whom."""

from __future__ import annotations

import dataclasses

from tracer.graph.model import Nodes
from tracer.graph.names import port_number

CONTROL = -1  # the port of a control edge


@dataclasses.dataclass(frozen=True, slots=True)
class Edges:
    """The inputs and the readers of each node, by index into the nodes."""

    data: list[list[tuple[int, int]]]  # for each node its data inputs in order: producer and port; producer -1: unknown
    control: list[list[int]]  # for each node the nodes that it waits for
    readers: list[list[tuple[int, int]]]  # for each node who reads it, and at which input; `CONTROL` for who waits


def edges_of(nodes: Nodes) -> Edges:
    """Returns the edges of an inlined graph; of two nodes of one name the first is meant."""
    index: dict[str, int] = {}
    for number, name in enumerate(nodes.names):
        index.setdefault(name, number)
    data: list[list[tuple[int, int]]] = []
    control: list[list[int]] = []
    readers: list[list[tuple[int, int]]] = [[] for _ in nodes.names]
    for reader, references in enumerate(nodes.inputs):
        produced: list[tuple[int, int]] = []
        awaited: list[int] = []
        for text in references:
            producer = index.get(text, -1)
            if producer >= 0:
                readers[producer].append((reader, len(produced)))
                produced.append((producer, 0))
            elif text.startswith("^"):
                producer = index.get(text[1:], -1)
                awaited.append(producer)
                if producer >= 0:
                    readers[producer].append((reader, CONTROL))
            else:
                name, _, port = text.rpartition(":")
                producer = index.get(name, -1)
                if producer >= 0:
                    readers[producer].append((reader, len(produced)))
                produced.append((producer, port_number(port)))
        data.append(produced)
        control.append(awaited)
    return Edges(data, control, readers)
