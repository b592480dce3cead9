"""Pairs of nodes that are alike, exchanged until those that hang together are paired with those that hang together.

Of two equal towers of nodes each node finds two partners that are as good as each other, but not in every combination:
the top of the first tower and the bottom of the second are no tower.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence

from tracer.graph.edges import Edges
from tracer.graph.references import CONTROL

_Key = tuple[int, int]  # a class of nodes, and the input at which they read
_Choice = tuple[Iterator[int], Iterator[int], frozenset[int]]  # nodes before, nodes after, and all of the latter


class Exchange:
    """The pairs, and which of them are settled."""

    def __init__(
        self,
        pairs: tuple[list[int], list[int]],
        edges: tuple[Edges, Edges],
        classes: Iterable[tuple[Sequence[int], Sequence[int]]],
        names: tuple[Sequence[str], Sequence[str]],
    ) -> None:
        """Prepares the exchange.

        Args:
          pairs: for each node before its partner after, and the other way round; -1 for none. They are changed.
          edges: of both graphs.
          classes: numbers of nodes that may stand for each other if they are equal, the strictest first.
          names: of the nodes; they decide where nothing else does.
        """
        self._partner, self._origin = pairs
        self._edges = edges
        self._names = names
        self._alike = _first_shared(classes, len(self._partner), len(self._origin))
        self._settled = ([False] * len(self._partner), [False] * len(self._origin))
        self._forced: deque[tuple[int, int]] = deque()
        self._choices: deque[_Choice] = deque()

    def run(self) -> None:
        """Exchanges partners where that makes the inputs of a pair pairs."""
        if not any(self._crossed(own, other) for own, other in enumerate(self._partner) if other >= 0):
            return
        twins = self._twins()
        pairs = sorted(
            ((own, other) for own, other in enumerate(self._partner) if other >= 0),
            key=lambda pair: sorted((self._names[0][pair[0]], self._names[1][pair[1]])),
        )
        for own, other in pairs:
            if self._alike[0][own] not in twins or self._alike[0][own] != self._alike[1][other]:
                self._settle(own, other)
        self._follow()
        for own, _ in pairs:
            other = self._partner[own]
            if other >= 0 and not self._settled[0][own] and not self._settled[1][other]:
                self._settle(own, other)
                self._follow()

    def _crossed(self, own: int, other: int) -> bool:
        """Tells whether two partners read nodes that could be partners, and are not."""
        partner = self._partner
        for (producer, port), (new, new_port) in zip(
            self._edges[0].data[own], self._edges[1].data[other], strict=False
        ):
            if producer >= 0 and partner[producer] != new and port == new_port and self._same_class(producer, new):
                return True
        waits = self._edges[0].control[own]
        new_waits = self._edges[1].control[other] if waits else []
        return bool(new_waits) and {partner[at] for at in waits if at >= 0} != {at for at in new_waits if at >= 0}

    def _same_class(self, own: int, other: int) -> bool:
        return other >= 0 and self._alike[0][own] == self._alike[1][other] != -1

    def _twins(self) -> frozenset[int]:
        """Returns the classes that have several nodes on a side: only their nodes have a choice."""
        return frozenset(
            number for side in self._alike for number, nodes in Counter(side).items() if nodes > 1 and number != -1
        )

    def _settle(self, own: int, other: int) -> None:
        self._settled[0][own] = self._settled[1][other] = True
        self._forced.append((own, other))

    def _pair(self, own: int, other: int) -> bool:
        """Makes partners of two nodes, and of those that they leave behind; False if one of them is settled."""
        if self._settled[0][own] or self._settled[1][other]:
            return False
        left, right = self._partner[own], self._origin[other]
        if left != other:
            if (left >= 0 and not self._same_class(own, left)) or (right >= 0 and not self._same_class(right, other)):
                return False
            self._partner[own], self._origin[other] = other, own
            if left >= 0:
                self._origin[left] = right
            if right >= 0:
                self._partner[right] = left
        self._settle(own, other)
        return True

    def _follow(self) -> None:
        """Settles what the settled pairs leave no choice in, and then one choice after the other."""
        while self._forced or self._choices:
            if self._forced:
                self._neighbours(*self._forced.popleft())
            else:
                self._choose(self._choices.popleft())

    def _neighbours(self, own: int, other: int) -> None:
        data, new_data = self._edges[0].data[own], self._edges[1].data[other]
        for (producer, port), (new, new_port) in zip(data, new_data, strict=False):
            if producer >= 0 and port == new_port and self._same_class(producer, new):
                self._pair(producer, new)
        for groups, new_groups in (
            (self._readers(0, own), self._readers(1, other)),
            (self._waits(0, own), self._waits(1, other)),
        ):
            for key, nodes in groups.items():
                new_nodes = new_groups.get(key, [])
                if len(nodes) == len(new_nodes) == 1:
                    self._pair(nodes[0], new_nodes[0])
                elif new_nodes:
                    self._choices.append((self._by_name(0, nodes), self._by_name(1, new_nodes), frozenset(new_nodes)))

    def _by_name(self, side: int, nodes: Sequence[int]) -> Iterator[int]:
        names = self._names[side]
        return iter(sorted(nodes, key=lambda number: (names[number], number)))

    def _readers(self, side: int, number: int) -> dict[_Key, list[int]]:
        return self._grouped(side, self._edges[side].readers[number])

    def _waits(self, side: int, number: int) -> dict[_Key, list[int]]:
        return self._grouped(side, [(at, CONTROL) for at in self._edges[side].control[number] if at >= 0])

    def _grouped(self, side: int, nodes: Iterable[tuple[int, int]]) -> dict[_Key, list[int]]:
        alike, settled = self._alike[side], self._settled[side]
        found: dict[_Key, list[int]] = {}
        for number, position in nodes:
            if not settled[number] and alike[number] != -1:
                found.setdefault((alike[number], position), []).append(number)
        return found

    def _choose(self, choice: _Choice) -> None:
        """Settles the first pair of a choice, and puts the rest of it back."""
        nodes, new_nodes, all_new = choice
        own = next((at for at in nodes if not self._settled[0][at]), -1)
        if own < 0:
            return
        other = self._partner[own]
        if other not in all_new or self._settled[1][other]:
            other = next((at for at in new_nodes if not self._settled[1][at]), -1)
            if other < 0:
                return
        self._pair(own, other)
        self._choices.appendleft(choice)


def _first_shared(
    classes: Iterable[tuple[Sequence[int], Sequence[int]]], before: int, after: int
) -> tuple[list[int], list[int]]:
    """Returns for each node the first of its classes that both graphs have; -1 if there is none."""
    found = [-1] * before, [-1] * after
    for level in classes:
        shared = set(level[0]) & set(level[1])
        for side in (0, 1):
            own = found[side]
            for number, known in enumerate(level[side]):
                if own[number] == -1 and known in shared:
                    own[number] = known
    return found
