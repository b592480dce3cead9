"""Classes of nodes: a number for each node that it shares with all nodes that are made in the same way."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tracer.graph.edges import Edges
from tracer.graph.inline import Inlined

_CYCLE_ROUNDS = 3  # how far nodes on a cycle look around


class Ids(dict[Hashable, int]):
    """A number for each thing that is asked for, the same one for equal things."""

    def __missing__(self, key: Hashable) -> int:
        self[key] = number = len(self)
        return number


class Order:
    """An order in which producers come before their readers, as far as there is one.

    Attributes:
      sequence: the nodes in that order; those on a cycle, and those that read them, are not among them.
    """

    def __init__(self, graph: Inlined, edges: Edges) -> None:
        self._edges = edges
        kinds = graph.nodes.kinds
        # A loop's way back would make a cycle of every loop, so it is not followed.
        back = {number for number, kind in enumerate(kinds) if kind.op in ("NextIteration", "RefNextIteration")}
        waiting = [
            sum(1 for producer, _ in data if producer >= 0 and producer not in back)
            + sum(1 for producer in control if producer >= 0 and producer not in back)
            for data, control in zip(edges.data, edges.control, strict=True)
        ]
        self.sequence = [number for number, count in enumerate(waiting) if not count]
        for number in self.sequence:  # grows while it is walked
            if number in back:
                continue
            for reader, _ in edges.readers[number]:
                waiting[reader] -= 1
                if not waiting[reader]:
                    self.sequence.append(reader)
        done = set(self.sequence)
        self._cyclic = [number for number in range(len(kinds)) if number not in done]

    def forward(self, labels: Sequence[int], ids: Ids) -> list[int]:
        """Returns the class of each node by its label and by the classes of what it reads."""
        found = [*labels, ids["unknown"]]  # a producer that is not known is number -1
        data, control = self._edges.data, self._edges.control

        def class_of(number: int) -> int:
            waits = tuple(sorted([found[at] for at in control[number]])) if control[number] else ()
            return ids[labels[number], tuple([(found[at], port) for at, port in data[number]]), waits]

        for number in self.sequence:
            found[number] = class_of(number)
        for _ in range(_CYCLE_ROUNDS if self._cyclic else 0):
            for number, new in [(number, class_of(number)) for number in self._cyclic]:
                found[number] = new
        return found[:-1]

    def backward(self, labels: Sequence[int], ids: Ids) -> list[int]:
        """Returns the class of each node by its label and by the classes of what reads it."""
        found = list(labels)
        readers = self._edges.readers

        def class_of(number: int) -> int:
            return ids[labels[number], tuple(sorted([(found[at], position) for at, position in readers[number]]))]

        for _ in range(_CYCLE_ROUNDS if self._cyclic else 0):
            for number, new in [(number, class_of(number)) for number in self._cyclic]:
                found[number] = new
        for number in reversed(self.sequence):
            found[number] = class_of(number)
        return found
