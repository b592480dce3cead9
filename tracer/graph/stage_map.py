"""What became of each node of a traced graph in the optimised one.

Most nodes are found by their node path. For the others the edges tell: where a node that is still there reads something
else now, at the same input, that stands for what it read before.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from tracer.graph.edges import CONTROL, Edges, edges_of
from tracer.graph.grappler import LOOP_OPS, PASSING_ON, folded_from, fused_main, maker, optimizer
from tracer.graph.inline import Inlined
from tracer.graph.labels import plain_attributes
from tracer.graph.model import Kind
from tracer.graph.names import node_path
from tracer.graph.tally import ScopeTally, tally_scopes
from tracer.graph.values import values_of

KEPT, FUSED, FOLDED, REPLACED, REMOVED = "kept", "fused", "folded", "replaced", "removed"
FATES = (KEPT, FUSED, FOLDED, REPLACED, REMOVED)
ADDED = "added"
LOWERED = "lowered"  # into XLA's instructions: `tracer.graph.hlo_map`

_FUSED_NODES = 32  # how far behind a fused op its parts are looked for; the longest pattern, Gelu, has 12
_HOPS = 8  # of lowering nodes between a reader and what it reads: switch, merge, enter for each loop around it
_ARGUMENTS = ("Placeholder", "_Arg")


@dataclasses.dataclass(frozen=True, slots=True)
class Fate:
    """What became of a traced node."""

    path: str
    op: str
    fate: str  # one of `FATES`, or `LOWERED`
    into: str  # the path of the optimised node that has its work now; empty if none has
    became: str  # that node's op
    reason: str = ""  # as far as it is certain: "op", "duplicate of a/b", "nothing reads it"
    also: tuple[str, ...] = ()  # other nodes that have parts of its work: XLA makes several instructions of one node


@dataclasses.dataclass(frozen=True, slots=True)
class Added:
    """An optimised node that no traced node became."""

    path: str
    op: str
    by: str  # who made it, if its name or op tells: an optimizer, "lowering", "function boundary"


@dataclasses.dataclass(frozen=True, slots=True)
class StageMap:
    """What became of each node between two stages."""

    fates: tuple[Fate, ...]  # of every node of the first stage, in its order
    added: tuple[Added, ...]  # in the order of the second stage
    totals: Mapping[str, int]  # by fate, and `added`; 0 where there is none
    scopes: tuple[ScopeTally, ...]  # the same for each scope, parents first


def stage_map(before: Inlined, after: Inlined) -> StageMap:
    """Returns what became of each node of the traced graph in the optimised graph of the same trace.

    Every node before has one fate, and every node after is either what a fate leads into or added.
    """
    fates = _Mapper(before, after).fates()
    reached = {fate.into for fate in fates if fate.into}
    paths = map(node_path, after.nodes.names)
    added = tuple(
        Added(path, kind.op, maker(path, kind.op))
        for path, kind in zip(paths, after.nodes.kinds, strict=True)
        if path not in reached
    )
    rows = [(fate.path, fate.fate) for fate in fates] + [(node.path, ADDED) for node in added]
    totals = Counter(sort for _, sort in rows)
    return StageMap(fates, added, {sort: totals[sort] for sort in (*FATES, ADDED)}, tally_scopes(rows))


class _Mapper:
    """The two graphs, and what is known so far."""

    def __init__(self, before: Inlined, after: Inlined) -> None:
        self._before = before
        self._after = after
        self._edges: Edges = edges_of(before.nodes)
        self._new_edges: Edges = edges_of(after.nodes)
        self._paths = [node_path(name) for name in after.nodes.names]
        self._index: dict[str, int] = {}  # of optimised nodes, by path
        self._old_index: dict[str, int] = {}
        for number, path in enumerate(self._paths):
            self._index.setdefault(path, number)
        for number, path in enumerate(before.nodes.names):
            self._old_index.setdefault(path, number)
        self._found: list[Fate | None] = [None] * len(before.nodes)
        self._constants = _constants(before, self._edges)
        self._values: list[int] = []  # of each traced node, once it is asked for: equal for what computes the same

    def fates(self) -> tuple[Fate, ...]:
        """Returns the fate of each traced node."""
        self._map_by_path()
        self._map_arguments()
        self._map_fused()
        self._map_folded_names()
        self._map_by_readers()
        self._map_by_what_reads_it()
        for number, fate in enumerate(self._found):
            if fate is None:
                self._set(number, REMOVED)
        return tuple(fate for fate in self._found if fate)

    def _set(self, number: int, fate: str, into: int = -1, reason: str = "") -> None:
        nodes = self._before.nodes
        path, op = (self._paths[into], self._after.nodes.kinds[into].op) if into >= 0 else ("", "")
        self._found[number] = Fate(nodes.names[number], nodes.kinds[number].op, fate, path, op, reason)

    def _map_by_path(self) -> None:
        for number, (path, kind) in enumerate(zip(self._before.nodes.names, self._before.nodes.kinds, strict=True)):
            new = self._index.get(path, -1)
            if new < 0:
                if kind.bodies:
                    self._set(number, REPLACED, reason=_opened(kind.op))
                continue
            now = self._after.nodes.kinds[new]
            if kind.bodies and not now.bodies:
                self._set(number, REPLACED, new, _opened(kind.op))
            elif now.op == "Const" != kind.op:
                self._set(number, FOLDED, new, "its value is known")
            elif fused_main(now) and not fused_main(kind):
                self._set(number, FUSED, new)
            else:
                self._set(number, KEPT, new, self._changed(kind, now))

    def _changed(self, before: Kind, after: Kind) -> str:
        """Returns in what a kept node differs."""
        if before.op != after.op:
            return "" if (before.op, after.op) == _ARGUMENTS else "op"
        if before is after:
            return ""
        old, new = plain_attributes(before), plain_attributes(after)
        # Names that begin with "_" are notes that TensorFlow's passes leave for each other.
        names = [name for name in sorted(old.keys() & new.keys()) if name[:1] != "_" and old[name] != new[name]]
        return ", ".join(names)

    def _map_arguments(self) -> None:
        """Finds the function's arguments, which the runtime names anew, by their positions."""
        nodes = self._before.nodes
        own = [
            number
            for number, kind in enumerate(nodes.kinds)
            if kind.op == "Placeholder" and not self._before.place_of[number]
        ]
        for new, kind in enumerate(self._after.nodes.kinds):
            position = kind.attributes.get("index") if kind.op == "_Arg" else None
            if isinstance(position, int) and position < len(own) and self._found[own[position]] is None:
                self._set(own[position], KEPT, new)

    def _map_fused(self) -> None:
        """Finds what a fused op absorbed: from the node whose name it has back to the op that it began with."""
        fused = [(number, fate) for number, fate in enumerate(self._found) if fate and fate.fate == FUSED]
        for number, fate in fused:
            new = self._index[fate.into]
            for part in self._parts(number, fused_main(self._after.nodes.kinds[new])):
                self._set(part, FUSED, new)

    def _parts(self, last: int, main: str) -> list[int]:
        kinds = self._before.nodes.kinds
        seen, order = {last}, [last]
        for number in order:  # grows while it is walked
            if kinds[number].op == main or len(order) > _FUSED_NODES:
                continue
            for producer, _ in self._edges.data[number]:
                if producer >= 0 and producer not in seen and self._found[producer] is None:
                    seen.add(producer)
                    order.append(producer)
        leads = {number for number in order if kinds[number].op == main}
        for number in reversed(order):
            if any(producer in leads for producer, _ in self._edges.data[number]):
                leads.add(number)
        # Constants of a pattern, such as Gelu's, are read by its parts only.
        inner = {
            number
            for number in order
            if kinds[number].op == "Const" and all(reader in leads for reader, _ in self._edges.readers[number])
        }
        return [number for number in order[1:] if last in leads and number in leads | inner]

    def _map_folded_names(self) -> None:
        """Finds what constants are named after that constant folding made."""
        for new, path in enumerate(self._paths):
            if "ConstantFolding/" not in path or self._after.nodes.kinds[new].op != "Const":
                continue
            number = self._old_index.get(folded_from(path, self._old_index), -1)
            fate = self._found[number] if number >= 0 else None
            if number >= 0 and fate is None:
                self._set(number, FOLDED, new, "its value is known")
            elif fate and fate.fate == KEPT and fate.op != fate.became:  # x / 4 became x * 0.25
                for producer, _ in self._edges.data[number]:
                    if producer >= 0 and self._found[producer] is None:
                        self._set(producer, FOLDED, new, f"with {fate.path}")

    def _map_by_readers(self) -> None:
        """Finds what stands at the inputs of nodes that are still there."""
        kinds = self._before.nodes.kinds
        parts: dict[str, list[int]] = {}
        for number, fate in enumerate(tuple(self._found)):
            if fate and fate.fate == FUSED:
                parts.setdefault(fate.into, []).append(number)
            elif fate and fate.fate == KEPT and kinds[number].op == fate.became:
                self._compare_inputs([at for at, _ in self._edges.data[number]], self._index[fate.into])
        for path, numbers in parts.items():
            read = [at for number in numbers for at, _ in self._edges.data[number] if at not in numbers]
            self._compare_inputs(read, self._index[path])

    def _compare_inputs(self, read: Sequence[int], reader: int) -> None:
        """Pairs what a node read that is gone with what it reads now and did not read before."""
        now = [self._behind_lowering(at) for at, _ in self._new_edges.data[reader] if at >= 0]
        gone = []
        for producer in read:
            fate = self._found[producer] if producer >= 0 else None
            new = self._index.get(fate.into, -1) if fate else -1
            if new in now:
                now.remove(new)
            elif producer >= 0 and fate is None:
                gone.append(producer)
        if len(gone) == len(now):
            for producer, new in zip(gone, now, strict=True):
                if self._found[producer] is None:
                    self._stands_for(producer, new)

    def _behind_lowering(self, number: int) -> int:
        """Returns what a value is before the nodes that hand it into a loop or a branch."""
        for _ in range(_HOPS):
            path, op = self._paths[number], self._after.nodes.kinds[number].op
            handed_on = op in LOOP_OPS or (op == "Identity" and path not in self._old_index)
            read = self._new_edges.data[number]
            if not handed_on or not read or read[0][0] < 0:
                break
            number = read[0][0]
        return number

    def _stands_for(self, number: int, new: int) -> None:
        """Sets the fate of a node that is gone, in whose place another is read."""
        kind, now = self._before.nodes.kinds[number], self._after.nodes.kinds[new]
        path = self._paths[new]
        other = self._old_index.get(path, -1)
        if number in self._constants and now.op != "Const":
            return  # it went into another constant that the reader has now
        if kind.op == "Placeholder" and (now.op == "_Arg" or path.startswith("caller/")):
            self._set(number, KEPT, new)
        elif kind.op in PASSING_ON:
            self._set(number, REMOVED, reason=f"it only hands on {self._source(number)}")
        elif other >= 0 and kind.op == now.op and not self._changed(kind, now) and self._same_value(number, other):
            self._set(number, REMOVED, reason=f"duplicate of {path}")
        elif now.op == "Const" and (other < 0 or kind.op != "Const"):
            self._set(number, FOLDED, new, "its value is known")
        elif other < 0:
            self._set(number, REPLACED, new, optimizer(path))
        else:
            self._set(number, REMOVED, reason=f"{path} is read in its place")

    def _same_value(self, one: int, other: int) -> bool:
        """Tells whether two traced nodes compute the same from the same, nodes that only hand on left aside."""
        self._values = self._values or values_of(self._before, self._edges)
        return self._values[one] == self._values[other]

    def _source(self, number: int) -> str:
        """Returns the path of what a node hands on."""
        producer = self._edges.data[number][0][0] if self._edges.data[number] else -1
        return self._before.nodes.names[producer] if producer >= 0 else "what it reads"

    def _map_by_what_reads_it(self) -> None:
        """Finds the fates of what only nodes read that are gone, from the readers back."""
        waiting = [number for number, fate in enumerate(self._found) if fate is None]
        open_readers = {
            number: sum(self._found[reader] is None for reader, _ in self._edges.readers[number]) for number in waiting
        }
        ready = [number for number in waiting if not open_readers[number]]
        for number in ready:  # grows while it is walked
            self._follow(number)
            for producer in (*(at for at, _ in self._edges.data[number]), *self._edges.control[number]):
                if producer in open_readers:
                    open_readers[producer] -= 1
                    if not open_readers[producer]:
                        ready.append(producer)

    def _follow(self, number: int) -> None:
        """Sets the fate of a node all of whose readers' fates are known."""
        kind = self._before.nodes.kinds[number]
        fates = [
            fate
            for reader, position in self._edges.readers[number]
            if (fate := self._found[reader]) is not None and position != CONTROL
        ]
        gone = [fate for fate in fates if fate.fate != KEPT]
        ended = next(
            (fate for sort in (FOLDED, FUSED, REPLACED) for fate in gone if fate.fate == sort and fate.into), None
        )
        if kind.op in PASSING_ON and self._edges.data[number]:
            self._set(number, REMOVED, reason=f"it only hands on {self._source(number)}")
        elif not self._edges.readers[number]:
            self._set(number, REMOVED, reason=_unread(kind.op))
        elif not fates:
            self._set(number, REMOVED, reason="nothing reads its result")
        elif ended and len(gone) == len(fates):
            sort = FOLDED if ended.fate == FOLDED or kind.op == "Const" else REPLACED
            self._set(number, sort, self._index[ended.into], f"with {ended.path}")
        elif gone and all(fate.fate == REMOVED and fate.reason in _DEAD for fate in fates):
            self._set(number, REMOVED, reason="nothing reads what it is for")
        elif number in self._constants:
            self._set_constant(number)

    def _set_constant(self, number: int) -> None:
        """Sets the fate of a value that is known while the graph is optimised, and has no name there any more."""
        for reader, _ in self._edges.readers[number]:
            fate = self._found[reader]
            if not fate or not fate.into:
                continue
            for new, _ in self._new_edges.data[self._index[fate.into]]:
                origin = self._old_index.get(self._paths[new], -1) if new >= 0 else -1
                other = self._found[origin] if origin >= 0 else None
                if other and other.fate == FOLDED:
                    self._set(number, FOLDED, new, f"with {other.path}")
                    return
        self._set(number, REMOVED, reason="its readers do without it")


def _constants(graph: Inlined, edges: Edges) -> frozenset[int]:
    """Returns the nodes that only constants go into."""
    known = [number for number, kind in enumerate(graph.nodes.kinds) if kind.op == "Const"]
    missing = [len(data) for data in edges.data]
    for number in known:  # grows while it is walked
        for reader, position in edges.readers[number]:
            if position != CONTROL:
                missing[reader] -= 1
                if not missing[reader] and graph.nodes.kinds[reader].op not in _NEVER_KNOWN:
                    known.append(reader)
    return frozenset(known)


_NEVER_KNOWN = frozenset({"Print", "PrintV2", "Assert", "RandomUniform", "RandomStandardNormal", "TruncatedNormal"})
_DEAD = frozenset({"nothing reads it", "nothing reads its result", "nothing reads what it is for"})


def _opened(op: str) -> str:
    return "lowered to the nodes of a loop" if "While" in op else "its function's nodes stand in its place"


def _unread(op: str) -> str:
    return "it only orders others" if op == "NoOp" else "nothing reads it"
