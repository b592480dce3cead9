"""Which node of one graph is which of another: by what nodes are and how they hang together, names are hints.

TensorFlow numbers names in the order of their making, so one more `MatMul` renames those behind it. Nodes are therefore
told by their *classes*: a node's class is its op, its path without numbers, and the classes of all that it is made
from; or, looking the other way, of all that is made from it. Where neither is equal in both graphs something changed on
both sides of a node, and its neighbours tell, if they are known already. Every step costs in proportion to the graph.

That the classes of two graphs are equal does not make the graphs equal. What does is the matching: that the producers
of a node's inputs are the partners of those of its partner's.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from tracer.graph.classes import Ids, Order
from tracer.graph.edges import Edges, edges_of
from tracer.graph.exchange import Exchange
from tracer.graph.inline import Inlined
from tracer.graph.labels import Labels, Pair, without_numbers
from tracer.graph.positions import positions_of
from tracer.graph.references import CONTROL


@dataclasses.dataclass(frozen=True, slots=True)
class _Level:
    """The classes of all nodes of both graphs, after one way to label them."""

    forward: Pair  # by what they are made from
    backward: Pair  # by what is made from them
    both: Pair

    @property
    def open(self) -> int:
        """How many nodes find no partner in their class."""
        before, after = Counter(self.both[0]), Counter(self.both[1])
        return (before - after).total() + (after - before).total()


class Matching:
    """The pairs of nodes of two graphs.

    Attributes:
      partner: for each node before, its node after; -1 if it has none.
      origin: for each node after, its node before; -1 if it has none.
      edges: the edges of both graphs.
      positions: the arguments and results of both graphs.
      labels: what the nodes of both are by themselves.
    """

    def __init__(self, before: Inlined, after: Inlined) -> None:
        self._graphs = (before, after)
        self._ids = Ids()
        self.edges: tuple[Edges, Edges] = (edges_of(before.nodes), edges_of(after.nodes))
        self.positions = (positions_of(before, self.edges[0]), positions_of(after, self.edges[1]))
        self.labels = Labels(self._graphs, self.positions, self._ids)
        self.partner = [-1] * len(before.nodes)
        self.origin = [-1] * len(after.nodes)
        self._fresh: list[tuple[int, int]] = []
        if not self._identical():
            self._loose = self._near = self.labels.loose()
            self._orders = (Order(before, self.edges[0]), Order(after, self.edges[1]))
            self._match()

    def same_input(self, before: tuple[int, int], after: tuple[int, int]) -> bool:
        """Tells whether two data inputs, given as producer and port, bring the same."""
        producer, other = before[0], after[0]
        if producer < 0 or other < 0:
            return before[1] == after[1] and producer == other
        return before[1] == after[1] and self.partner[producer] == other

    def _identical(self) -> bool:
        """Pairs graphs that are equal node by node, but for numbers in names."""
        before, after = self.edges
        if before.data != after.data or not self.labels.same_in_order():
            return False
        if any(set(own) != set(other) for own, other in zip(before.control, after.control, strict=True)):
            return False
        self.partner = list(range(len(self.partner)))
        self.origin = list(range(len(self.origin)))
        return True

    def _match(self) -> None:
        one_way: list[Pair] = []
        classes_of_both: list[Pair] = []
        for level in self._levels():
            classes_of_both.append(level.both)
            self._pair(self._without_constants(level.both) if level.open else level.both, spread=False)
            one_way += (level.forward, level.backward)
        for classes in one_way:  # before neighbours, who know nothing of what lies two steps away
            self._pair(self._without_constants(classes), unique=True, spread=False)
        self._spread()
        self._pair(self._without_constants(self._loose), unique=True)
        for classes in classes_of_both:
            self._pair(classes)
        for classes in one_way[::2]:
            self._pair(classes)
        self._pair(self.labels.exact())
        for classes in one_way[1::2]:
            self._pair(classes)
        self._pair(self._loose)
        if self._open():
            self._pair((self._graphs[0].nodes.names, self._graphs[1].nodes.names))
            self._match_renamed()
            self._pair(self._slots(), unique=True)
        names = self._graphs[0].nodes.names, self._graphs[1].nodes.names
        Exchange((self.partner, self.origin), self.edges, classes_of_both, names).run()

    def _without_constants(self, keys: Pair) -> tuple[list[int | None], list[int | None]]:
        """Returns the keys with None for constants, so that those are paired as inputs of nodes that are.

        A constant is made from nothing, so that it is told by its readers only, not by what they read besides it.
        """
        both = [
            [None if kind.op == "Const" else key for key, kind in zip(own, graph.nodes.kinds, strict=True)]
            for own, graph in zip(keys, self._graphs, strict=True)
        ]
        return both[0], both[1]

    def _levels(self) -> Iterator[_Level]:
        """Yields the classes to pair nodes by, the strictest first, as long as nodes are open.

        Numbers inside a name (`block_2_conv`) are somebody's own more often than TensorFlow's, so that names without
        them come second; but first where that leaves less than half as many nodes open.
        """
        full = self._level(self.labels.full())
        if full.open:
            numberless = self._level(self.labels.numberless())
            if 2 * numberless.open < full.open:
                full, numberless = numberless, full
            yield full
            if self._open():
                yield numberless
            if self._open():
                yield self._level(self._loose)
        else:
            yield full

    def _match_renamed(self) -> None:
        """Pairs nodes whose scopes have other names now."""
        nameless, self._near = self.labels.nameless(), self.labels.loose_nameless()
        forward, backward = self._forward(nameless), self._backward(nameless)
        self._pair(_zipped(forward, backward))
        self._pair(forward, unique=True)
        self._pair(backward, unique=True)

    def _open(self) -> bool:
        return -1 in self.partner and -1 in self.origin

    def _slots(self) -> tuple[list[Hashable], list[Hashable]]:
        """Returns for each open node its place: its scope and what it reads, as nodes before. None: not a place."""
        sides: list[list[Hashable]] = []
        for side, graph in enumerate(self._graphs):
            own = self.partner if side == 0 else self.origin
            slots: list[Hashable] = []
            for number, name in enumerate(graph.nodes.names):
                read = self.edges[side].data[number] if own[number] < 0 else []
                known = [(producer if side == 0 else self.origin[producer], port) for producer, port in read]
                whole = all(producer >= 0 and own[producer] >= 0 for producer, _ in read)
                scope = without_numbers(name.rpartition("/")[0])
                slots.append((scope, tuple(known)) if read and whole else None)
            sides.append(slots)
        return sides[0], sides[1]

    # Classes: what a node is together with all that it is made from, or that is made from it.

    def _level(self, labels: Pair) -> _Level:
        forward, backward = self._forward(labels), self._backward(labels)
        keys, ids = _zipped(forward, backward), self._ids
        return _Level(forward, backward, ([ids[key] for key in keys[0]], [ids[key] for key in keys[1]]))

    def _forward(self, labels: Pair) -> Pair:
        both = [self._orders[side].forward(labels[side], self._ids) for side in (0, 1)]
        return both[0], both[1]

    def _backward(self, labels: Pair) -> Pair:
        both = [self._orders[side].backward(labels[side], self._ids) for side in (0, 1)]
        return both[0], both[1]

    # Pairs.

    def _pair(
        self, keys: tuple[Sequence[Hashable], Sequence[Hashable]], *, unique: bool = False, spread: bool = True
    ) -> None:
        """Pairs open nodes with equal keys, those of one path first, the others in their order.

        Args:
          keys: for each node of both graphs; None for a node that is not to be paired.
          unique: only where one node of each graph has the key.
          spread: whether the neighbours of these pairs are paired, too.
        """
        if not self._open():
            return
        before, after = _groups(keys[0], self.partner), _groups(keys[1], self.origin)
        for key, own in before.items():
            others = after.get(key, ())
            if len(own) == len(others) == 1:
                self._link(own[0], others[0])
            elif others and not unique:
                self._link_all(own, others)
        if spread:
            self._spread()

    def _link_all(self, own: Sequence[int], others: Sequence[int]) -> None:
        names, other_names = self._graphs[0].nodes.names, self._graphs[1].nodes.names
        by_name: dict[str, int] = {}
        for number in others:
            by_name.setdefault(other_names[number], number)
        rest = []
        for number in own:
            other = by_name.pop(names[number], -1)
            if other >= 0:
                self._link(number, other)
            else:
                rest.append(number)
        for number, other in zip(rest, [other for other in others if self.origin[other] < 0], strict=False):
            self._link(number, other)

    def _link(self, before: int, after: int) -> None:
        self.partner[before] = after
        self.origin[after] = before
        self._fresh.append((before, after))

    def _spread(self) -> None:
        """Pairs the neighbours of pairs, round by round, where one stands against one."""
        while self._fresh and self._open():
            wanted = {pair for known in self._fresh for pair in self._neighbours(*known)}
            self._fresh = []
            own, others = Counter(before for before, _ in wanted), Counter(after for _, after in wanted)
            for before, after in sorted(wanted):
                if own[before] == others[after] == 1:
                    self._link(before, after)
        self._fresh = []

    def _neighbours(self, before: int, after: int) -> Iterable[tuple[int, int]]:
        data, other_data = self.edges[0].data[before], self.edges[1].data[after]
        for (producer, _), (other, _) in zip(data, other_data, strict=False):
            if producer >= 0 and other >= 0 and self._alike(producer, other):
                yield producer, other
        readers = self._open_readers(0, before)
        if readers:
            others = self._open_readers(1, after)
            for key, number in readers.items():
                other = others.get(key, -1)
                if number >= 0 and other >= 0:
                    yield number, other

    def _alike(self, before: int, after: int) -> bool:
        open_nodes = self.partner[before] < 0 and self.origin[after] < 0
        return open_nodes and self._near[0][before] == self._near[1][after]

    def _open_readers(self, side: int, number: int) -> dict[tuple[int, int], int]:
        """Returns the open readers of a node by what they are and where they read it; -1 if several are alike."""
        paired, labels = (self.partner, self.origin)[side], self._near[side]
        found: dict[tuple[int, int], int] = {}
        for reader, position in self.edges[side].readers[number]:
            if paired[reader] < 0 and position != CONTROL:
                key = (labels[reader], position)
                found[key] = -1 if key in found else reader
        return found


def _zipped(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[list[Hashable], list[Hashable]]:
    return list(zip(one[0], other[0], strict=True)), list(zip(one[1], other[1], strict=True))


def _groups(keys: Sequence[Hashable], paired: Sequence[int]) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = {}
    for number, key in enumerate(keys):
        if paired[number] < 0 and key is not None:
            found.setdefault(key, []).append(number)
    return found
