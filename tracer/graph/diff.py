"""What changed between two graphs: nodes added, removed and changed, whatever numbers their names have.

Nodes are paired by `tracer.graph.matching`. A node that has a partner is *changed* where one of these differs: op,
attributes, shape and dtype of an output, device, inputs, its position among the arguments or results. That what it
reads was changed itself does not change it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from tracer import text
from tracer.graph.inline import Inlined
from tracer.graph.labels import plain_attributes, without_numbers
from tracer.graph.matching import Matching
from tracer.graph.model import FunctionName, Kind, Tensor
from tracer.graph.ops import DTYPES
from tracer.graph.positions import moved
from tracer.graph.references import data_of
from tracer.graph.renames import Renamed, differing, renamed
from tracer.graph.tally import ScopeTally, tally_scopes

_DTYPE_NAMES = frozenset(name for name, _ in DTYPES.values())
_SHAPE_ATTRIBUTES = frozenset({"shape", "_output_shapes", "output_shapes"})  # they say what the outputs say
_ELEMENTS = 6  # of a constant that are shown
_UNKNOWN = -2  # a node that the graph does not have; -1 is one that has no partner


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two nodes differ."""

    # "op", "outputs", "dtype", "shape", "device", "position", "inputs", "control inputs", "variable", or the name of an
    # attribute.
    what: str
    before: str
    after: str


@dataclasses.dataclass(frozen=True, slots=True)
class NodeChange:
    """A node that was added, removed or changed."""

    kind: str  # "added", "removed", "changed"
    before: str  # its path before; empty for an added one
    after: str  # its path after; empty for a removed one
    op: str  # after; of a removed node, before
    differences: tuple[Difference, ...] = ()

    @property
    def path(self) -> str:
        """Where it stands, or stood."""
        return self.after or self.before


@dataclasses.dataclass(frozen=True, slots=True)
class GraphDiff:
    """What changed between two graphs. `same + changed + removed` are the nodes before, with `added` those after."""

    changes: tuple[NodeChange, ...]  # as the nodes stand in the graphs; those that were removed last
    same: int
    renamed: tuple[Renamed, ...]  # most nodes first; renamed nodes count as same
    scopes: tuple[ScopeTally, ...]  # of "added", "removed", "changed" and "same" nodes; parents first
    sides: tuple[tuple[ScopeTally, ...], ...]  # before and after: of "removed" or "added", and "kept" nodes
    paths: Mapping[str, str]  # of nodes with another path than before, if only another number: before to after

    @property
    def equal(self) -> bool:
        """Whether nothing changed but the numbers in names."""
        return not self.changes and not self.renamed

    @property
    def added(self) -> int:
        """Nodes that only the second graph has."""
        return self._count("added")

    @property
    def removed(self) -> int:
        """Nodes that only the first graph has."""
        return self._count("removed")

    @property
    def changed(self) -> int:
        """Nodes of both graphs that differ in more than a name."""
        return self._count("changed")

    def _count(self, kind: str) -> int:
        return sum(change.kind == kind for change in self.changes)


def diff_graphs(before: Inlined, after: Inlined) -> GraphDiff:
    """Returns what changed between two inlined graphs."""
    comparison = _Comparison(before, after)
    changes: list[NodeChange] = []
    sorts: list[tuple[str, str]] = []
    for number, path in enumerate(after.nodes.names):
        change = comparison.change(number)
        if change:
            changes.append(change)
        sorts.append((path, change.kind if change else "same"))
    origin = comparison.matching.origin
    for number, other in enumerate(comparison.matching.partner):
        if other < 0:
            path = before.nodes.names[number]
            changes.append(NodeChange("removed", path, "", before.nodes.kinds[number].op))
            sorts.append((path, "removed"))
    pairs = [(own, number) for number, own in enumerate(origin) if own >= 0]
    same = sum(sort == "same" for _, sort in sorts)
    moves = renamed(before, after, pairs, comparison.fixed())
    old, new = before.nodes.names, after.nodes.names
    paths = {old[own]: new[number] for own, number in pairs if old[own] != new[number]}
    sides = _tally(old, comparison.matching.partner, "removed"), _tally(new, origin, "added")
    return GraphDiff(tuple(changes), same, moves, tally_scopes(sorts), sides, paths)


def _tally(names: Sequence[str], partner: Sequence[int], alone: str) -> tuple[ScopeTally, ...]:
    """Returns the scopes of one side with how many of their nodes are `alone`; none but the graph itself if none is."""
    if -1 not in partner:
        return tally_scopes(())
    return tally_scopes((name, alone if own < 0 else "kept") for name, own in zip(names, partner, strict=True))


class _Comparison:
    """Two graphs whose nodes are paired."""

    def __init__(self, before: Inlined, after: Inlined) -> None:
        self._before = before
        self._after = after
        self.matching = Matching(before, after)
        self._moved = moved(*self.matching.positions, self.matching.origin)
        self._kinds: dict[tuple[int, int], tuple[Difference, ...]] = {}

    def fixed(self) -> list[int]:
        """Returns the nodes before that hand in and out what the function takes and gives."""
        ends = self.matching.positions[0]
        return [number for number, kind in enumerate(self._before.nodes.kinds) if number in ends or kind.op == "NoOp"]

    def change(self, number: int) -> NodeChange | None:
        """Returns what became of the node that is number `number` after; None if it is the same."""
        own = self.matching.origin[number]
        nodes = self._after.nodes
        path, kind = nodes.names[number], nodes.kinds[number]
        if own < 0:
            return NodeChange("added", "", path, kind.op)
        found = (*self._of_kinds(self._before.nodes.kinds[own], kind), *self._of_places(own, number))
        return NodeChange("changed", self._before.nodes.names[own], path, kind.op, found) if found else None

    def _of_kinds(self, before: Kind, after: Kind) -> tuple[Difference, ...]:
        key = self.matching.labels.kind_id(before), self.matching.labels.kind_id(after)
        if key[0] == key[1]:
            return ()
        if key not in self._kinds:
            self._kinds[key] = tuple(_kind_differences(before, after))
        return self._kinds[key]

    def _of_places(self, own: int, number: int) -> Iterable[Difference]:
        before, after = self._before, self._after
        devices = before.nodes.devices[own], after.nodes.devices[number]
        if devices[0] != devices[1]:
            yield Difference("device", *devices)
        if number in self._moved:
            yield Difference("position", *self._moved[number])
        edges, other_edges = self.matching.edges
        yield from self._of_inputs(own, number, edges.data[own], other_edges.data[number])
        if edges.control[own] or other_edges.control[number]:
            yield from self._of_waits(edges.control[own], other_edges.control[number])
        if before.captures or after.captures:
            names = [_captured(graph, at) for graph, at in ((before, own), (after, number))]
            scopes = differing(before.nodes.names[own], after.nodes.names[number])
            if without_numbers(names[0].replace(*scopes, 1)) != without_numbers(names[1]):  # a renamed scope is no news
                yield Difference("variable", *names)

    def _of_inputs(
        self, own: int, number: int, read: Sequence[tuple[int, int]], other_read: Sequence[tuple[int, int]]
    ) -> Iterable[Difference]:
        """Yields the data inputs that differ, without those at both ends that do not."""
        start, end, other_end = 0, len(read), len(other_read)
        while start < min(end, other_end) and self.matching.same_input(read[start], other_read[start]):
            start += 1
        while min(end, other_end) > start and self.matching.same_input(read[end - 1], other_read[other_end - 1]):
            end, other_end = end - 1, other_end - 1
        if start < end or start < other_end:
            old, new = _data(self._before, own)[start:end], _data(self._after, number)[start:other_end]
            if old == new:  # what has the name now is not what had it
                new = [f"{text}{self._was(at)}" for text, (at, _) in zip(new, other_read[start:], strict=False)]
            yield Difference("inputs", ", ".join(old), ", ".join(new))

    def _was(self, number: int) -> str:
        own = self.matching.origin[number] if number >= 0 else _UNKNOWN
        names = self._before.nodes.names
        if own == _UNKNOWN or (own >= 0 and names[own] == self._after.nodes.names[number]):
            return ""
        return f" (was {names[own]})" if own >= 0 else " (added)"

    def _of_waits(self, own: Sequence[int], other: Sequence[int]) -> Iterable[Difference]:
        """Yields the control inputs that differ, in whatever order they are written."""
        waits = {self.matching.partner[at] if at >= 0 else _UNKNOWN for at in own}
        new_waits = {self.matching.origin[at] if at >= 0 else _UNKNOWN for at in other}
        gone = [at for at in dict.fromkeys(own) if (at if at >= 0 else _UNKNOWN) not in new_waits]
        new = [at for at in dict.fromkeys(other) if (at if at >= 0 else _UNKNOWN) not in waits]
        if gone or new:
            names, other_names = self._before.nodes.names, self._after.nodes.names
            old = [names[at] for at in gone if at >= 0]
            yield Difference("control inputs", ", ".join(old), ", ".join(other_names[at] for at in new if at >= 0))


def _kind_differences(before: Kind, after: Kind) -> Iterable[Difference]:
    if before.op != after.op:
        yield Difference("op", before.op, after.op)
    old, new = before.outputs, after.outputs
    if len(old) != len(new):
        yield Difference("outputs", str(len(old)), str(len(new)))
    dtypes = [(one.dtype, other.dtype) for one, other in zip(old, new, strict=False)]
    shapes = [(text.shape(one.shape), text.shape(other.shape)) for one, other in zip(old, new, strict=False)]
    yield from _listed("dtype", dtypes)
    yield from _listed("shape", shapes)
    told = any(one != other for one, other in dtypes), any(one != other for one, other in shapes)
    yield from _attribute_differences(before, after, *told)


def _listed(what: str, pairs: Sequence[tuple[str, str]]) -> Iterable[Difference]:
    if any(one != other for one, other in pairs):
        yield Difference(what, ", ".join(one for one, _ in pairs), ", ".join(other for _, other in pairs))


def _attribute_differences(before: Kind, after: Kind, dtype: bool, shape: bool) -> Iterable[Difference]:
    """Yields the attributes that differ, without those that say again what the outputs say."""
    old, new = plain_attributes(before), plain_attributes(after)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        values = [kind.attributes.get(name, _ABSENT) for kind in (before, after)]
        if dtype and all(value is _ABSENT or _is_dtypes(value) for value in values):
            continue
        if shape and name in _SHAPE_ATTRIBUTES:
            continue
        if before.op != after.op and _ABSENT in values:
            continue  # another op has other attributes: that is no news
        shown = [_shown(value) for value in values]
        yield Difference(name, shown[0], shown[1] if shown[0] != shown[1] else f"{shown[1]} (other content)")


_ABSENT = "\0absent"  # no attribute has this value


def _is_dtypes(value: object) -> bool:
    values = value if isinstance(value, tuple) and not isinstance(value, Tensor) else (value,)
    return all(isinstance(item, str) and item in _DTYPE_NAMES for item in values)


def _shown(value: object) -> str:
    if value is _ABSENT:
        return ""
    if isinstance(value, FunctionName):
        return value.name
    if isinstance(value, Tensor):
        return _shown_tensor(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value)


def _shown_tensor(tensor: Tensor) -> str:
    kind = f"{tensor.dtype}{text.shape(tensor.shape)}"
    if tensor.values is None:
        return f"{kind}, {text.byte_size(tensor.nbytes)}"
    listed = ", ".join(map(str, tensor.values[:_ELEMENTS])) + (", ..." if len(tensor.values) > _ELEMENTS else "")
    return listed if tensor.shape == () else f"{kind} {listed}"


def _data(graph: Inlined, number: int) -> list[str]:
    return data_of(graph.nodes.inputs[number])


def _captured(graph: Inlined, number: int) -> str:
    variable = graph.captures.get(graph.nodes.names[number])
    return variable.name if variable else ""
