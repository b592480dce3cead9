"""What leaves a scope: the tensors that are made in it and read outside."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.graph.inline import Inlined
from tracer.graph.model import Kind, TensorType
from tracer.graph.references import CONTROL, find, index_by_name, join
from tracer.graph.scopes import ScopeTree

_NO_RESULTS = frozenset({"Const", "Placeholder", "PlaceholderWithDefault", "_Arg"})
_OUTSIDE = -1  # around the whole graph: where a function's results go
_Way = tuple[int, int, TensorType]  # what leaves a scope and those around it, up to and without another


def leaving(
    graph: Inlined, tree: ScopeTree, owners: Sequence[int], *, most: int
) -> list[tuple[tuple[TensorType, ...], int]]:
    """Returns, for each scope, the types of the tensors that leave it, and how many tensors that are.

    A function's results leave all scopes. They are what `_Retval` reads; else each `Identity` that nobody reads, as
    TensorFlow ends a function with, those outside of all scopes first; else whatever nobody reads, but for arguments
    and constants. Control edges carry nothing.

    Args:
      graph: the graph whose edges are followed; nodes that are not in it neither read nor are read.
      tree: its scopes, or those of a graph that it is a part of.
      owners: for each node of the graph, the scope that it lies in.
      most: how many types to name of each scope, in the order of their reading.
    """
    ways = _Ways(tree)
    names, kinds = graph.nodes.names, graph.nodes.kinds
    index = index_by_name(names)
    returning = {kind for kind in set(kinds) if kind.op == "_Retval"}
    read = bytearray(len(names))
    for kind, owner, inputs in zip(kinds, owners, graph.nodes.inputs, strict=True):
        reader = _OUTSIDE if kind in returning else owner
        for text in inputs:
            at, port = (index[text], 0) if text in index else find(text, index)
            if at is not None and port != CONTROL:
                read[at] = True
                if owners[at] != reader:
                    ways.add(text, owners[at], reader, kinds[at], port)
    for at in _results(graph, [at for at in range(len(names)) if not read[at]]):
        for number in range(len(kinds[at].outputs)):
            ways.add(join(names[at], number), owners[at], _OUTSIDE, kinds[at], number)
    return list(zip(ways.types(most), ways.numbers(), strict=True))


class _Ways:
    """The ways that tensors take out of scopes. Most take one that others take too, so each is walked only once."""

    def __init__(self, tree: ScopeTree) -> None:
        self.counts: dict[_Way, int] = {}  # tensors by way, in the order of their reading
        self._tree = tree
        self._parents = tree.parents
        self._depths = [*tree.depths, _OUTSIDE]  # the last is that of the scope -1
        self._reached: dict[str, int] = {}  # by tensor: the scope that it has come to
        self._common: dict[tuple[int, int], int] = {}

    def add(self, tensor: str, scope: int, reader: int, kind: Kind, output: int) -> None:
        """Lets a tensor leave the scopes from one upwards in which a reader is not, if it has not left them already."""
        common = self._common.get((scope, reader))
        if common is None:
            common = self._common[scope, reader] = self._around(scope, reader)
        begin = self._reached.get(tensor, scope)
        if self._depths[begin] > self._depths[common]:
            self._reached[tensor] = common
            outputs = kind.outputs
            way = begin, common, outputs[output] if output < len(outputs) else TensorType("", None)
            self.counts[way] = self.counts.get(way, 0) + 1

    def _around(self, scope: int, other: int) -> int:
        """Returns the innermost scope in which both lie."""
        parents, depths = self._parents, self._depths
        while scope != other:
            if depths[scope] >= depths[other]:
                scope = parents[scope]
            else:
                other = parents[other]
        return scope

    def types(self, most: int) -> list[tuple[TensorType, ...]]:
        """Returns the first few types that leave each scope."""
        # With each type the scope that it is known to come to, so that no stretch is walked twice for one type.
        found: list[dict[TensorType, int]] = [{} for _ in self._parents]
        depths = self._depths
        for begin, end, type_ in self.counts:
            scope = begin
            while depths[scope] > depths[end]:
                known = found[scope].get(type_)
                if len(found[scope]) < most if known is None else depths[end] < depths[known]:
                    found[scope][type_] = end
                scope = self._parents[scope] if known is None else known
        return [tuple(types) for types in found]

    def numbers(self) -> list[int]:
        """Returns how many tensors leave each scope: those that set out below, but for those that stay."""
        numbers = [0] * len(self._parents)
        for (begin, end, _), number in self.counts.items():
            numbers[begin] += number
            if end != _OUTSIDE:
                numbers[end] -= number
        return self._tree.total(numbers)


def _results(graph: Inlined, unread: Sequence[int]) -> list[int]:
    """Returns which of the nodes that nobody reads are the function's results."""
    names, kinds = graph.nodes.names, graph.nodes.kinds
    if any(kind.op == "_Retval" for kind in set(kinds)):
        return []
    ends = [at for at in unread if kinds[at].op == "Identity"]
    # TensorFlow puts them behind everything, outside of all scopes; others are left over, in gradients for example.
    return (
        [at for at in ends if "/" not in names[at]] or ends or [at for at in unread if kinds[at].op not in _NO_RESULTS]
    )
