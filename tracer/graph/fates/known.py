"""The two graphs, and what is known so far of what became of the traced nodes. Nodes are meant by their numbers."""

from __future__ import annotations

import re

from tracer.graph.edges import edges_of
from tracer.graph.fates.model import FOLDED, HANDS_ON, KEPT, KNOWN_VALUE, REMOVED, REPLACED, Fate
from tracer.graph.grappler import optimizer
from tracer.graph.inline import Inlined
from tracer.graph.labels import plain_attributes
from tracer.graph.model import Kind
from tracer.graph.names import CALLER, node_path
from tracer.graph.references import index_by_name
from tracer.graph.values import foldable, values_of

NEAR = 32  # nodes behind one that are looked at for a pattern; the longest, Gelu's, has 12
_RESULT = re.compile(r"Identity(_\d+)?")


class Known:
    """The two graphs, and what is known so far."""

    def __init__(self, before: Inlined, after: Inlined) -> None:
        self.before = before
        self.names = before.nodes.names
        self.kinds = before.nodes.kinds
        self.new_kinds = after.nodes.kinds
        self.edges = edges_of(before.nodes)
        self.new_edges = edges_of(after.nodes)
        self.paths = [node_path(name) if "/_" in name else name for name in after.nodes.names]  # of the optimised nodes
        self.old_index = index_by_name(self.names)
        self.found: list[Fate | None] = [None] * len(before.nodes)
        self.now = [-1] * len(before.nodes)  # for each traced node, the optimised one that has its work
        self.was: dict[int, int] = {}  # by optimised node: the traced node that is still there in it
        self.constants = foldable(before, self.edges)
        self.results = self._result_pairs()
        self._plain: dict[Kind, dict[str, str]] = {}
        self._values: list[int] = []  # of each traced node, once it is asked for: equal for what computes the same

    def fates(self) -> tuple[Fate, ...]:
        """Returns the fate of each traced node; what nothing is known of was removed."""
        return tuple(fate or self._fate(number, REMOVED) for number, fate in enumerate(self.found))

    def tell(self, number: int, fate: str, into: int = -1, reason: str = "") -> None:
        """Says what became of a traced node, in which optimised one if in any, and why."""
        self.found[number] = self._fate(number, fate, into, reason)
        self.now[number] = into
        if into >= 0 and (fate == KEPT or self.names[number] == self.paths[into]):
            self.was.setdefault(into, number)

    def _fate(self, number: int, fate: str, into: int = -1, reason: str = "") -> Fate:
        path, op = (self.paths[into], self.new_kinds[into].op) if into >= 0 else ("", "")
        return Fate(self.names[number], self.kinds[number].op, fate, path, op, reason)

    def is_gone(self, number: int) -> bool:
        """Tells whether nothing is known yet of what became of a node: it is not there under its own name."""
        return self.found[number] is None

    def first(self, number: int) -> int:
        """Returns the node that a node reads first; -1 if it reads none."""
        return self.edges.data[number][0][0] if self.edges.data[number] else -1

    def attributes(self, kind: Kind) -> dict[str, str]:
        """Returns a kind's attributes as texts that can be compared."""
        if kind not in self._plain:
            self._plain[kind] = plain_attributes(kind)
        return self._plain[kind]

    def value(self, number: int) -> int:
        """Returns a number that traced nodes share which compute the same, nodes that only hand on left aside."""
        self._values = self._values or values_of(self.before, self.edges)
        return self._values[number]

    def hands_on(self, number: int) -> str:
        """Returns the reason of a node that only handed on what it read."""
        producers = {at for at, _ in self.edges.data[number]}
        known = len(producers) == 1 and -1 not in producers
        return HANDS_ON + (self.names[producers.pop()] if known else "what it reads")

    def near(self, start: int) -> list[int]:
        """Returns a node and those behind it that are gone, nearest first."""
        seen, order = {start}, [start]
        for number in order:  # grows while it is walked
            if len(order) > NEAR:
                break
            for producer, _ in self.edges.data[number]:
                if producer >= 0 and producer not in seen and self.is_gone(producer):
                    seen.add(producer)
                    order.append(producer)
        return order

    def between(self, start: int, ends: set[int]) -> list[int]:
        """Returns the nodes that are gone on the ways from `start` back to `ends`, with these if they are gone."""
        order = self.near(start)
        leads = set(ends)
        size = -1
        while size < len(leads):
            size = len(leads)
            leads.update(at for at in order if any(producer in leads for producer, _ in self.edges.data[at]))
        return [at for at in order if at in leads] if start in leads else []

    def stands_for(self, number: int, new: int, rewritten: int) -> None:
        """Sets the fate of a node that is gone, in whose place another is read, by one that is `rewritten` or -1."""
        kind, now = self.kinds[number], self.new_kinds[new]
        path = self.paths[new]
        other = self.old_index.get(path, -1)
        if number in self.constants and now.op != "Const":
            return  # it went into another constant that the reader has now
        if kind.op == "Placeholder" and (now.op == "_Arg" or path.startswith(CALLER)):
            self.tell(number, KEPT, new)
        elif now.op == "Const" and (other < 0 or kind.op != "Const"):
            self.tell(number, FOLDED, new, f"with {self.names[rewritten]}" if rewritten >= 0 else KNOWN_VALUE)
        elif other < 0:
            self.tell(number, REPLACED, new, optimizer(path))
        else:
            self.tell(number, REMOVED, reason=f"{path} is read in its place")

    def _result_pairs(self) -> dict[int, int]:
        """Returns the traced nodes that the function returns, with what returns them now; -1 if that is not there.

        The runtime names a `_Retval` after the node, in small letters. In a function that was cut out of its caller
        there is none; then results are told by the names that `tf.function` gives them.
        """
        own = [number for number, place in enumerate(self.before.place_of) if not place]
        names = self.names
        retvals = {
            path.removesuffix("_RetVal"): new
            for new, path in enumerate(self.paths)
            if self.new_kinds[new].op in ("_Retval", "_DeviceRetval")
        }
        if not retvals:
            unread = [number for number in own if not self.edges.readers[number]]
            return {number: -1 for number in unread if _RESULT.fullmatch(names[number])}
        plain = ((number, names[number].lower().replace("/", "_")) for number in own)
        return {number: retvals[name] for number, name in plain if name in retvals}
