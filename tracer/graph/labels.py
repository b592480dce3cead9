"""What a node is by itself, as a number that it shares with the nodes of both graphs that are the same in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from tracer.graph.classes import Ids
from tracer.graph.inline import Inlined
from tracer.graph.model import FunctionName, Kind, Tensor
from tracer.graph.names import function_name
from tracer.graph.positions import Positions

Pair = tuple[list[int], list[int]]  # for each node before, and for each node after

_LAST_NUMBERS = re.compile(r"(?:[_.]\d+)+(?=/|$)|(?<![^/])\d+(?=/|$)")  # `dense_3/MatMul_1`, placeholders such as `832`
_NUMBERS = re.compile(r"[_.]\d+(?=[_./]|$)|(?<![^/])\d+(?=/|$)")  # also the `1` of `sequential_1_dense_resource`
_TEXT_NUMBERS = re.compile(r"[_-]\d+(?![A-Za-z0-9])")  # "PartitionedCall-832", "pyfunc_3"
_NAME_ATTRIBUTES = frozenset({"shared_name", "debug_name", "token", "cont_name"})  # and those that begin with "_"
# TensorFlow names the functions that these run after the scope in which they stand.
_BRANCHING = frozenset({"If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase"})
_NOT_OWN = frozenset({"_output_shapes", "_user_specified_name"})  # the outputs and the path say it
_VALUE_ENTRY = b"\n\x05value"  # how the attribute `value` of a Const begins in the file


def without_numbers(path: str) -> str:
    """Returns a path without the numbers that TensorFlow and Keras put into names."""
    return _NUMBERS.sub("", path)


def plain_attributes(kind: Kind) -> dict[str, str]:
    """Returns a node's own attributes as texts that are equal where the values are, whatever runtime names say."""
    return {
        name: _tensor(kind, value) if isinstance(value, Tensor) else repr(plain_value(name, value))
        for name, value in kind.attributes.items()
        if name not in _NOT_OWN and not (kind.op in _BRANCHING and _is_functions(value))
    }


def _is_functions(value: Any) -> bool:
    return isinstance(value, FunctionName) or (
        isinstance(value, tuple) and bool(value) and isinstance(value[0], FunctionName)
    )


def plain_value(name: str, value: Any) -> Any:
    """Returns an attribute's value without the numbers that runtime names have."""
    if isinstance(value, FunctionName):
        return "function", _TEXT_NUMBERS.sub("", function_name(value.name)[0])
    if isinstance(value, str) and (name.startswith("_") or name in _NAME_ATTRIBUTES):
        return _TEXT_NUMBERS.sub("", value)
    if isinstance(value, tuple) and not isinstance(value, Tensor):
        return tuple(plain_value(name, item) for item in value)
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


class Labels:
    """The labels of two graphs' nodes, each a list with a number for each node, for both graphs."""

    def __init__(self, graphs: tuple[Inlined, Inlined], positions: tuple[Positions, Positions], ids: Ids) -> None:
        self._graphs = graphs
        self._ids = ids
        self._kinds: dict[Kind, int] = {}
        self._known_paths: dict[re.Pattern[str], dict[str, int]] = {_LAST_NUMBERS: {}, _NUMBERS: {}}
        self._occurrences = _occurrences(graphs, positions)

    def kind_id(self, kind: Kind) -> int:
        """Returns a number that two kinds share if their op, attributes and outputs are equal."""
        number = self._kinds.get(kind)
        if number is None:
            key = (kind.op, repr(sorted(plain_attributes(kind).items())), repr(kind.outputs))
            number = self._kinds[kind] = self._ids[key]
        return number

    def same_in_order(self) -> bool:
        """Tells whether each node of the one graph is the same by itself as that of the same number in the other."""
        one, other = self._graphs
        if len(one.nodes) != len(other.nodes):
            return False
        kinds = zip(one.nodes.kinds, other.nodes.kinds, strict=True)
        if any(before is not after and self.kind_id(before) != self.kind_id(after) for before, after in kinds):
            return False
        names = zip(one.nodes.names, other.nodes.names, strict=True)
        if any(before != after and without_numbers(before) != without_numbers(after) for before, after in names):
            return False
        captured = (
            [
                without_numbers(graph.captures[name].name) if name in graph.captures else None
                for name in graph.nodes.names
            ]
            for graph in (one, other)
            if one.captures or other.captures
        )
        return len({tuple(column) for column in captured}) <= 1

    def full(self) -> Pair:
        """By path without the numbers at the ends of its parts, op, attributes, outputs."""
        return self._by_path(_LAST_NUMBERS, self.kind_id)

    def numberless(self) -> Pair:
        """The same without the numbers inside of the path's parts."""
        return self._by_path(_NUMBERS, self.kind_id)

    def loose(self) -> Pair:
        """By path without numbers, and op."""
        return self._by_path(_NUMBERS, _op_of)

    def exact(self) -> Pair:
        """By path and op."""
        return self._by(str, _op_of, str)

    def nameless(self) -> Pair:
        """By the last part of the path or of the variable's name, op, attributes, outputs: scopes may be renamed."""
        return self._by(_last_part, self.kind_id, _last_part)

    def loose_nameless(self) -> Pair:
        """The same without attributes and outputs."""
        return self._by(_last_part, _op_of, _last_part)

    def _by_path(self, numbers: re.Pattern[str], what: Callable[[Kind], Hashable]) -> Pair:
        ids, known = self._ids, self._known_paths[numbers]

        def path_of(name: str) -> int:
            if name not in known:
                known[name] = ids[numbers.sub("", name)]
            return known[name]

        both = self._by(path_of, what, path_of)
        for labels, occurrences in zip(both, self._occurrences, strict=True):
            for number, occurrence in occurrences.items():
                labels[number] = ids[labels[number], "occurrence", occurrence]
        return both

    def _by(
        self,
        path_of: Callable[[str], Hashable],
        what: Callable[[Kind], Hashable],
        variable_of: Callable[[str], Hashable],
    ) -> Pair:
        """Returns labels by path and kind; a captured variable's by its own name, as its path is its first reader's.

        Args:
          path_of: what of a path counts.
          what: what of a kind counts.
          variable_of: what of a variable's name counts.
        """
        ids = self._ids
        both = []
        for graph in self._graphs:
            nodes, captures = graph.nodes, graph.captures
            labels = [ids[path_of(name), what(kind)] for name, kind in zip(nodes.names, nodes.kinds, strict=True)]
            for number, name in enumerate(nodes.names if captures else ()):
                if name in captures:
                    labels[number] = ids["captured", variable_of(captures[name].name), what(nodes.kinds[number])]
            both.append(labels)
        return both[0], both[1]


def _op_of(kind: Kind) -> str:
    return kind.op


def _last_part(path: str) -> str:
    return without_numbers(path.rpartition("/")[2])


def _occurrences(
    graphs: tuple[Inlined, Inlined], positions: tuple[Positions, Positions]
) -> tuple[dict[int, int], dict[int, int]]:
    """Returns which of those of its name an argument or a result is: `x_1` is the second of `x` and `x_1`.

    Only where both graphs have as many of a name: where one more came, how they are used tells them better.
    """
    found: list[dict[tuple[str, str], list[tuple[int, int]]]] = []
    for graph, known in zip(graphs, positions, strict=True):
        seen: Counter[tuple[str, str, str]] = Counter()
        by_name: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for number, (sort, scope) in known.items():
            path = without_numbers(graph.nodes.names[number])
            by_name.setdefault((sort, path), []).append((number, seen[sort, scope, path]))
            seen[sort, scope, path] += 1
        found.append(by_name)
    agreed = [
        name
        for name, own in found[0].items()
        if sorted(rank for _, rank in own) == sorted(rank for _, rank in found[1].get(name, ()))
    ]
    both = [dict(row for name in agreed for row in by_name[name]) for by_name in found]
    return both[0], both[1]
