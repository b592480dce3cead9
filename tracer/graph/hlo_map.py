"""What became of each node of a traced graph in XLA's HLO: by the `op_name` that instructions carry."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tracer.graph.edges import Edges, edges_of
from tracer.graph.fates.model import (
    ADDED,
    CALL_OPENED,
    DUPLICATE,
    HANDS_ON,
    KNOWN_VALUE,
    LOWERED,
    REMOVED,
    Added,
    Fate,
    StageMap,
)
from tracer.graph.hlo_origins import named_origins
from tracer.graph.inline import Inlined
from tracer.graph.model import Kind, TensorType
from tracer.graph.op_sets import PASSING_ON
from tracer.graph.tally import tally_scopes
from tracer.graph.values import foldable, values_of

_ARGUMENTS = frozenset({"Placeholder", "_Arg", "ReadVariableOp"})
_BOUNDARY = frozenset({"parameter", "tuple", "get-tuple-element"})

# How much of a node's work an instruction may be, the least first; one that is not here computes.
_WORK = {
    **dict.fromkeys(("constant", "iota", "parameter", "tuple", "get-tuple-element"), 0),
    **dict.fromkeys(("fusion", "call"), 1),  # what is in it has the work
    **dict.fromkeys(("bitcast", "reshape"), 2),
    **dict.fromkeys(("broadcast", "convert", "copy", "transpose"), 3),
}
_COMPUTES = 4
_BRANCH = re.compile(r"then|else|branch\d+")  # labels of what runs once
_APPLIED = frozenset({"to_apply", "comparator", "select", "scatter"})  # what an instruction does to pairs of elements


def hlo_map(before: Inlined, after: Inlined) -> StageMap:
    """Returns what became of each traced node in an HLO module, inlined.

    A node is lowered into the instructions that name it: above all into the one that computes what it gives, where
    others only move what it reads or are its constants. An instruction that names no node of the graph was added by
    XLA, or is a parameter or a result of the program.
    """
    parts: list[list[int]] = [[] for _ in before.nodes.names]
    added = []
    for number, nodes in enumerate(named_origins(before, after)):
        for node in nodes:
            parts[node].append(number)
        if not nodes:
            op = after.nodes.kinds[number].op
            added.append(Added(after.nodes.names[number], op, "function boundary" if op in _BOUNDARY else "XLA"))
    fates = tuple(_fates(before, after, parts))
    rows = [(fate.path, fate.fate) for fate in fates] + [(node.path, ADDED) for node in added]
    totals = Counter(sort for _, sort in rows)
    return StageMap(fates, tuple(added), {sort: totals[sort] for sort in (LOWERED, REMOVED, ADDED)}, tally_scopes(rows))


def _fates(before: Inlined, after: Inlined, parts: Sequence[Sequence[int]]) -> Iterator[Fate]:
    """Yields the fate of each node, where `parts` has the instructions that name it."""
    reasons = _Reasons(before, parts)
    for number, (path, kind) in enumerate(zip(before.nodes.names, before.nodes.kinds, strict=True)):
        if parts[number]:
            main = _main(kind, after, parts[number])
            also = tuple(after.nodes.names[part] for part in parts[number] if part != main)
            yield Fate(path, kind.op, LOWERED, after.nodes.names[main], after.nodes.kinds[main].op, also=also)
        else:
            yield Fate(path, kind.op, REMOVED, "", "", reasons.of(number))


def _main(kind: Kind, after: Inlined, parts: Sequence[int]) -> int:
    """Returns the instruction that does a node's work: the last of those that give as many elements as it does.

    What a node gives is not always known, of a list of tensors never; then the largest of them does its work, as the
    others compute where in the list.
    """
    wanted = {_elements(output) for output in kind.outputs if output.dtype not in ("variant", "resource")} - {-1}

    def key(part: int) -> tuple[int, bool, int, int]:
        elements = max(map(_elements, after.nodes.kinds[part].outputs), default=-1)
        return _work(after, part), elements in wanted, 0 if wanted else elements, part

    return max(parts, key=key)


def _elements(output: TensorType) -> int:
    """Returns how many elements a tensor has; -1 if that is not known."""
    if output.shape is None or None in output.shape:
        return -1
    return math.prod(size or 0 for size in output.shape)


def _work(after: Inlined, number: int) -> int:
    label = after.places[after.place_of[number]].label
    return 0 if label in _APPLIED else _WORK.get(after.nodes.kinds[number].op, _COMPUTES)


class _Reasons:
    """Why nodes have no instruction, as far as the graph tells."""

    def __init__(self, before: Inlined, parts: Sequence[Sequence[int]]) -> None:
        self._nodes = before.nodes
        self._edges = edges_of(before.nodes)
        same_turn = _within_turns(before, self._edges)
        self._constants = foldable(before, same_turn)
        self._values = values_of(before, same_turn)
        lowered = (number for number, part in enumerate(parts) if part)
        self._twins = {self._values[number]: number for number in reversed(list(lowered))}

    def of(self, number: int) -> str:
        """Returns the reason for a node."""
        kind = self._nodes.kinds[number]
        if kind.op in _ARGUMENTS:
            return "a parameter of the program"
        if kind.op == "NoOp":
            return "it only orders others"
        if kind.op in PASSING_ON:
            return self._hands_on(number)
        if kind.bodies:
            return CALL_OPENED
        if number in self._constants:
            return KNOWN_VALUE
        if not self._edges.readers[number]:
            return "nothing reads it"
        twin = self._twins.get(self._values[number], -1)
        return DUPLICATE + self._nodes.names[twin] if twin >= 0 else "its readers do without it"

    def _hands_on(self, number: int) -> str:
        producers = {producer for producer, _ in self._edges.data[number]}
        known = len(producers) == 1 and -1 not in producers
        return HANDS_ON + (self._nodes.names[producers.pop()] if known else "what it reads")


def _within_turns(graph: Inlined, edges: Edges) -> Edges:
    """Returns the edges without those into loops: what a body reads there is the start value in the first turn only."""
    loops: list[int] = []  # of each place the innermost loop around it
    for number, place in enumerate(graph.places):
        is_loop = bool(place.label) and not _BRANCH.fullmatch(place.label)
        loops.append(number if is_loop else loops[place.parent] if number else 0)
    if not any(loops):
        return edges

    def is_inside(producer: int, loop: int) -> bool:
        place = graph.place_of[producer]
        while loops[place] > loop:  # places stand behind those that they are in
            place = graph.places[loops[place]].parent
        return loops[place] == loop

    data = [
        [(at if at < 0 or is_inside(at, loops[place]) else -1, port) for at, port in inputs]
        for place, inputs in zip(graph.place_of, edges.data, strict=True)
    ]
    readers: list[list[tuple[int, int]]] = [[] for _ in data]
    for reader, inputs in enumerate(data):
        for position, (producer, _) in enumerate(inputs):
            if producer >= 0:
                readers[producer].append((reader, position))
    return Edges(data, edges.control, readers)
