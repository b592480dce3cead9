"""Which node of one graph is which of another: by what nodes are and how they hang together, names are hints.

TensorFlow numbers names in the order of their making, so one more `MatMul` renames those behind it. Nodes are therefore
told by their *classes*: a node's class is its op, its path without numbers, and the classes of all that it is made
from; or, looking the other way, of all that is made from it. Where neither is equal in both graphs something changed on
both sides of a node, and its neighbours tell, if they are known already. Every step costs in proportion to the graph.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from tracer.graph.classes import Ids, Order
from tracer.graph.edges import CONTROL, Edges, edges_of
from tracer.graph.inline import Inlined
from tracer.graph.model import FunctionName, Kind, Tensor
from tracer.graph.names import function_name

_LAST_NUMBERS = re.compile(r"(?:[_.]\d+)+(?=/|$)|(?<![^/])\d+(?=/|$)")  # `dense_3/MatMul_1`, placeholders such as `832`
_NUMBERS = re.compile(r"[_.]\d+(?=[_./]|$)|(?<![^/])\d+(?=/|$)")  # also the `1` of `sequential_1_dense_resource`
_TEXT_NUMBERS = re.compile(r"[_-]\d+(?![A-Za-z0-9])")  # "PartitionedCall-832", "pyfunc_3"
_NAME_ATTRIBUTES = frozenset({"shared_name", "debug_name", "token", "cont_name"})  # and those that begin with "_"
_VALUE_ENTRY = b"\n\x05value"  # how the attribute `value` of a Const begins in the file


def without_numbers(path: str) -> str:
    """Returns a path without the numbers that TensorFlow and Keras put into names."""
    return _NUMBERS.sub("", path)


def plain_attributes(kind: Kind) -> dict[str, str]:
    """Returns a node's own attributes as texts that are equal where the values are, whatever runtime names say."""
    return {
        name: _tensor(kind, value) if isinstance(value, Tensor) else repr(_plain(name, value))
        for name, value in kind.attributes.items()
        if name != "_output_shapes"
    }


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, FunctionName):
        return "function", _TEXT_NUMBERS.sub("", function_name(value.name)[0])
    if isinstance(value, str) and (name.startswith("_") or name in _NAME_ATTRIBUTES):
        return _TEXT_NUMBERS.sub("", value)
    if isinstance(value, tuple) and not isinstance(value, Tensor):
        return tuple(_plain(name, item) for item in value)
    return value


def _tensor(kind: Kind, tensor: Tensor) -> str:
    """Returns a constant as a text; files write one and the same constant in several ways."""
    if tensor.values is None:  # too large to be kept: its content stands in the file only
        content = [entry for entry in kind.encoded if entry.startswith(_VALUE_ENTRY)]
        return f"{tensor!r} {hash(tuple(content)) if content else ''}"
    values = tensor.values
    while len(values) > 1 and repr(values[-1]) == repr(values[-2]):
        values = values[:-1]  # the last one stands for all that follow
    return repr((tensor.dtype, tensor.shape, values))


@dataclasses.dataclass(frozen=True, slots=True)
class _Level:
    """The classes of all nodes of both graphs, after one way to label them."""

    forward: tuple[list[int], list[int]]  # by what they are made from
    backward: tuple[list[int], list[int]]  # by what is made from them
    both: tuple[list[int], list[int]]

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
    """

    def __init__(self, before: Inlined, after: Inlined) -> None:
        self._graphs = (before, after)
        self._ids = Ids()
        self._kinds: dict[Kind, int] = {}
        self._known_paths: dict[re.Pattern[str], dict[str, int]] = {_LAST_NUMBERS: {}, _NUMBERS: {}}
        self.edges: tuple[Edges, Edges] = (edges_of(before.nodes), edges_of(after.nodes))
        self.partner = [-1] * len(before.nodes)
        self.origin = [-1] * len(after.nodes)
        self._fresh: list[tuple[int, int]] = []
        self._classes: list[tuple[list[int], list[int]]] = []  # by strictness: of nodes that may stand for each other
        self._full = self._both(self._full_labels)
        if not self._identical():
            self._loose = self._both(self._loose_labels)
            self._orders = (Order(before, self.edges[0]), Order(after, self.edges[1]))
            self._match()

    def same_input(self, before: tuple[int, int], after: tuple[int, int]) -> bool:
        """Tells whether two data inputs, given as producer and port, bring the same."""
        producer, other = before[0], after[0]
        if before[1] != after[1] or producer < 0 or other < 0:
            return before[1] == after[1] and producer == other
        return self.same(producer, other)

    def same(self, before: int, after: int) -> bool:
        """Tells whether two nodes are one pair, or cannot be told from one: two zeros, one as good as the other."""
        if self.partner[before] == after:
            return True
        return any(classes[0][before] == classes[1][after] for classes in self._classes)

    def same_sets(self, before: Sequence[int], after: Sequence[int]) -> bool:
        """Tells whether nodes that are not each other's partners cannot be told from each other, in some order."""
        if len(before) != len(after):
            return False
        return any(
            Counter(own[at] if at >= 0 else -1 for at in before)
            == Counter(other[at] if at >= 0 else -1 for at in after)
            for own, other in self._classes
        )

    def kind_id(self, kind: Kind) -> int:
        """Returns a number that two kinds share if their op, attributes and outputs are equal."""
        number = self._kinds.get(kind)
        if number is None:
            key = (kind.op, repr(sorted(plain_attributes(kind).items())), repr(kind.outputs))
            number = self._kinds[kind] = self._ids[key]
        return number

    def _identical(self) -> bool:
        """Pairs graphs that are equal to the letter."""
        before, after = self._graphs[0].nodes, self._graphs[1].nodes
        if before.names != after.names or self._full[0] != self._full[1] or before.inputs != after.inputs:
            return False
        self.partner = list(range(len(before)))
        self.origin = list(range(len(after)))
        return True

    def _match(self) -> None:
        one_way: list[tuple[list[int], list[int]]] = []
        for level in self._levels():
            self._classes.append(level.both)
            self._pair(level.both)
            one_way += (level.forward, level.backward)
        for classes in (*one_way, self._loose):
            self._pair(classes, unique=True)
        for classes in one_way[::2]:
            self._pair(classes)
        self._pair(self._both(self._exact_labels))
        for classes in one_way[1::2]:
            self._pair(classes)
        self._pair(self._loose)
        if self._open():
            self._pair((self._graphs[0].nodes.names, self._graphs[1].nodes.names))
            self._match_renamed()
            self._pair(self._slots(), unique=True)

    def _levels(self) -> Iterator[_Level]:
        """Yields the classes to pair nodes by, the strictest first, as long as nodes are open.

        Numbers inside a name (`block_2_conv`) are somebody's own more often than TensorFlow's, so that names without
        them come second; but first where that leaves less than half as many nodes open.
        """
        full = self._level(self._full)
        if full.open:
            numberless = self._level(self._both(self._numberless_labels))
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
        nameless = self._both(self._nameless_labels)
        forward, backward = self._forward(nameless), self._backward(nameless)
        self._pair(_zipped(forward, backward))
        self._pair(forward, unique=True)
        self._pair(backward, unique=True)

    def _open(self) -> bool:
        return -1 in self.partner and -1 in self.origin

    # Labels: what a node is by itself.

    def _both(self, labels: Any) -> tuple[list[int], list[int]]:
        return labels(self._graphs[0]), labels(self._graphs[1])

    def _paths(self, graph: Inlined, numbers: re.Pattern[str]) -> list[int]:
        """Returns for each node its path without numbers, with that of the variable that it stands for."""
        ids, known = self._ids, self._known_paths[numbers]
        for name in graph.nodes.names:
            if name not in known:
                known[name] = ids[numbers.sub("", name)]
        captures = {name: numbers.sub("", variable.name) for name, variable in graph.captures.items()}
        return [ids[known[name], captures[name]] if name in captures else known[name] for name in graph.nodes.names]

    def _full_labels(self, graph: Inlined) -> list[int]:
        return self._kind_labels(graph, _LAST_NUMBERS)

    def _numberless_labels(self, graph: Inlined) -> list[int]:
        return self._kind_labels(graph, _NUMBERS)

    def _kind_labels(self, graph: Inlined, numbers: re.Pattern[str]) -> list[int]:
        ids = self._ids
        kinds = map(self.kind_id, graph.nodes.kinds)
        return [ids[path, kind] for path, kind in zip(self._paths(graph, numbers), kinds, strict=True)]

    def _loose_labels(self, graph: Inlined) -> list[int]:
        ids = self._ids
        paths = self._paths(graph, _NUMBERS)
        return [ids[path, kind.op] for path, kind in zip(paths, graph.nodes.kinds, strict=True)]

    def _exact_labels(self, graph: Inlined) -> list[int]:
        ids = self._ids
        return [ids[name, kind.op, "exact"] for name, kind in zip(graph.nodes.names, graph.nodes.kinds, strict=True)]

    def _nameless_labels(self, graph: Inlined) -> list[int]:
        ids, names = self._ids, graph.nodes.names
        last = [without_numbers(name.rpartition("/")[2]) for name in names]
        return [ids[name, self.kind_id(kind), "nameless"] for name, kind in zip(last, graph.nodes.kinds, strict=True)]

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

    def _level(self, labels: tuple[list[int], list[int]]) -> _Level:
        forward, backward = self._forward(labels), self._backward(labels)
        keys, ids = _zipped(forward, backward), self._ids
        return _Level(forward, backward, ([ids[key] for key in keys[0]], [ids[key] for key in keys[1]]))

    def _forward(self, labels: tuple[list[int], list[int]]) -> tuple[list[int], list[int]]:
        both = [self._orders[side].forward(labels[side], self._ids) for side in (0, 1)]
        return both[0], both[1]

    def _backward(self, labels: tuple[list[int], list[int]]) -> tuple[list[int], list[int]]:
        both = [self._orders[side].backward(labels[side], self._ids) for side in (0, 1)]
        return both[0], both[1]

    # Pairs.

    def _pair(self, keys: tuple[Sequence[Hashable], Sequence[Hashable]], *, unique: bool = False) -> None:
        """Pairs open nodes with equal keys, those of one path first, the others in their order.

        Args:
          keys: for each node of both graphs; None for a node that is not to be paired.
          unique: only where one node of each graph has the key.
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
        return open_nodes and self._loose[0][before] == self._loose[1][after]

    def _open_readers(self, side: int, number: int) -> dict[tuple[int, int], int]:
        """Returns the open readers of a node by what they are and where they read it; -1 if several are alike."""
        paired, labels = (self.partner, self.origin)[side], self._loose[side]
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
