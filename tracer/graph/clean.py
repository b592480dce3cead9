"""The clean view of a graph: what computes, with what only feeds or orders it put aside.

Constants and variables become badges on the nodes that read them, `Identity` a plain edge, `NoOp` and control edges
go. So does what loops and branches are lowered to: who reads a `Merge` reads all that comes together there. Nothing is
lost: each node either stays or is named among those put aside, with the reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import chain

from tracer.graph.grappler import maker
from tracer.graph.inline import Inlined
from tracer.graph.model import Kind, Nodes, Unread
from tracer.graph.op_sets import LOOP_OPS, VARIABLE_OPS
from tracer.graph.references import CONTROL, find, index_by_name, is_control, producer_of

CONSTANT = "constant"
VARIABLE = "variable"
READ = "read of a variable"
IDENTITY = "identity"
NO_OP = "no-op"
LOWERED = "lowering"  # `Switch` and `Merge`, `Enter` and `Exit`, and the nodes that order branches

_REASONS = {
    **dict.fromkeys(("Const", "HostConst"), CONSTANT),
    **dict.fromkeys((*VARIABLE_OPS, "_VarHandlesOp"), VARIABLE),
    "ReadVariableOp": READ,
    **dict.fromkeys(("Identity", "Snapshot"), IDENTITY),
    "NoOp": NO_OP,
    **dict.fromkeys(LOOP_OPS, LOWERED),
}
_MERGES = ("Merge", "RefMerge")
_MERGED = 64  # merges behind one; where more come together, as in a long row of branches, it stays
_LOWERING = ("lowering", "ConstantFolding")  # who makes an identity or a constant that is there for its order only
_PASSED = 8  # identities of a row that are among the badges of whoever reads its end


@dataclasses.dataclass(frozen=True, slots=True)
class Clean:
    """A graph in its clean view."""

    graph: Inlined  # the nodes that stay, without control edges
    stays: Sequence[int]  # which of the whole graph's nodes these are
    put_aside: Mapping[str, str]  # the others by path, with the reason
    badges: Mapping[str, tuple[str, ...]]  # by the path of a node that stays: which of those put aside it reads


def clean(graph: Inlined) -> Clean:
    """Returns the clean view. What nobody reads stays: a function's result is an `Identity` that nothing follows."""
    return _Cleaner(graph).clean()


class _Cleaner:
    def __init__(self, graph: Inlined) -> None:
        self._graph = graph
        self._nodes = graph.nodes
        self._inputs = graph.nodes.inputs
        self._names = graph.nodes.names
        self._index = index_by_name(self._names)
        candidates = self._candidates()
        self._aside = self._by_name(candidates)  # those that may be put aside, then those that are
        read = self._read_by_others(candidates)
        ordering = self._ordering(candidates, read)
        self._reasons = {at: reason for at, reason in candidates.items() if at in read or reason == NO_OP}
        self._reasons.update(ordering)
        self._aside = {name: at for name, at in self._aside.items() if at in self._reasons}
        self._behind: dict[int, list[int]] = {}
        self._ends: dict[int, tuple[str, int | None, tuple[int, ...]]] = {}  # by identity: what stands behind it
        self._merged: dict[int, tuple[tuple[str, int | None], ...]] = {}  # by merge: what comes together there
        for at in [at for at in ordering if self._is_merge(at) and self._merge(at, []) is None]:
            del self._reasons[at]
        self._aside = {name: at for name, at in self._aside.items() if at in self._reasons}
        self._ends.clear()

    def clean(self) -> Clean:
        """Returns the clean view."""
        names, kinds, places, reasons = self._names, self._nodes.kinds, self._graph.place_of, self._reasons
        stays = [index for index in range(len(names)) if index not in reasons]
        inputs: list[tuple[str, ...]] = []
        badges: dict[str, tuple[str, ...]] = {}
        for index in stays:
            kept, read = self._follow(self._inputs[index])
            inputs.append(kept)
            if read:
                badges[names[index]] = tuple(dict.fromkeys([names[at] for at in read]))
        nodes = Nodes([names[at] for at in stays], [kinds[at] for at in stays], _Staying(self._nodes, stays, inputs))
        view = dataclasses.replace(self._graph, nodes=nodes, place_of=[places[at] for at in stays])
        return Clean(view, stays, {names[index]: reason for index, reason in reasons.items()}, badges)

    def _candidates(self) -> dict[int, str]:
        """Returns which nodes go if somebody reads them, and why."""
        by_kind: dict[Kind, str] = {kind: _REASONS.get(kind.op, "") for kind in set(self._nodes.kinds)}
        reasons = {index: by_kind[kind] for index, kind in enumerate(self._nodes.kinds) if by_kind[kind]}
        for name, variable in self._graph.captures.items():
            if variable.kind == "variable" and name in self._index:
                reasons[self._index[name]] = VARIABLE
        return reasons

    def _ordering(self, candidates: Mapping[int, str], read: Container[int]) -> dict[int, str]:
        """Returns the nodes of lowered loops and branches that others name, if only to wait for them."""
        if LOWERED not in candidates.values():
            return {}
        named = set(chain.from_iterable(self._inputs))
        named |= {producer_of(text) for text in named if is_control(text) or ":" in text}
        return {
            at: LOWERED
            for at, reason in candidates.items()
            if self._names[at] in named
            and (reason == LOWERED or (at not in read and maker(self._names[at], "") in _LOWERING))
        }

    def _by_name(self, reasons: Iterable[int]) -> dict[str, int]:
        """Returns those of the nodes that an input can mean, by name."""
        names, index = self._names, self._index
        return {name: at for at in reasons if index[name := names[at]] == at and not is_control(name)}

    def _read_by_others(self, reasons: Mapping[int, str]) -> set[int]:
        """Returns the nodes that a node which stays reads, directly or through others."""
        # An `Identity` that nothing reads stays, so what it reads is read too.
        consumed = self._read_by(reasons)
        found = self._read_by([at for at in range(len(self._names)) if at not in reasons or at not in consumed])
        reads = set(found)
        while found:
            found = self._read_by(found) - reads
            reads |= found
        return reads

    def _read_by(self, readers: Iterable[int]) -> set[int]:
        """Returns the nodes of those put aside that some nodes read."""
        names = set(chain.from_iterable(map(self._inputs.__getitem__, readers)))
        names.update([producer_of(text) for text in names if ":" in text])
        return {self._aside[name] for name in self._aside.keys() & names}

    def _source(self, reference: str) -> int | None:
        """Returns the node that an input means, if it is one of those put aside; None for a control edge too."""
        at, port = find(reference, self._aside)
        return None if port == CONTROL else at

    def _follow(self, references: tuple[str, ...]) -> tuple[tuple[str, ...], list[int]]:
        """Returns the edges that stay of a node's inputs, and the nodes put aside behind the others."""
        kept: list[str] = []
        read: list[int] = []
        for reference in references:
            at = self._aside.get(reference)
            if at is None and ":" in reference:
                at = self._source(reference)
            if at is not None:
                for source, end in self._sources_of(reference, at, read):
                    if end is not None:
                        read += self._with_behind(end)
                    elif source:
                        kept.append(source)
            elif reference and not is_control(reference):
                kept.append(reference)
        return tuple(kept), read

    def _sources_of(self, reference: str, at: int, passed: list[int]) -> Sequence[tuple[str, int | None]]:
        """Returns what an edge comes from behind the nodes that hand on, each with its number if it is put aside too.

        Args:
          reference: the edge.
          at: the node that it names, which is put aside.
          passed: gets the first of the identities between.
        """
        source, end = self._through_identities(reference, at, passed)
        if end is None or not self._is_merge(end):
            return ((source, end),)
        if end not in self._merged:
            self._merged[end] = self._merge(end, passed) or ()
        return self._merged[end]

    def _merge(self, start: int, passed: list[int]) -> tuple[tuple[str, int | None], ...] | None:
        """Returns what comes together in a merge and in those behind it; None if these are too many."""
        found: dict[str, int | None] = {}
        seen = {start: None}
        for merge in (waiting := [start]):  # grows while it is walked
            for text in self._inputs[merge]:
                at = self._source(text)
                source, end = (text, None) if at is None else self._through_identities(text, at, passed)
                if end is None or not self._is_merge(end):
                    if not is_control(source):
                        found[source] = end
                elif end not in seen:
                    seen[end] = None
                    waiting.append(end)
            if len(waiting) > _MERGED:
                return None
        return tuple(found.items())

    def _is_merge(self, at: int) -> bool:
        return self._nodes.kinds[at].op in _MERGES and self._reasons.get(at) == LOWERED

    def _through_identities(self, reference: str, at: int | None, passed: list[int]) -> tuple[str, int | None]:
        """Returns what stands behind the nodes that hand on, and adds the first identities among them to `passed`.

        With it its number, if it is put aside too.
        """
        row: list[int] = []
        seen: set[int] = set()
        first = at
        while at is not None and self._hands_on(at) and at not in seen and at not in self._ends:
            seen.add(at)
            row.append(at)
            reference = next((text for text in self._inputs[at] if not is_control(text)), "")
            at = self._source(reference)
        end = (reference, at, ()) if at is None or at not in self._ends else self._ends[at]
        for number in reversed(row):  # kept, as a long row may have many readers
            own = (number,) if self._reasons[number] == IDENTITY else ()
            end = self._ends[number] = (end[0], end[1], (*own, *end[2])[:_PASSED])
        passed += self._ends[first][2] if first in self._ends else ()
        return end[0], end[1]

    def _hands_on(self, at: int) -> bool:
        return self._reasons[at] in (IDENTITY, LOWERED) and not self._is_merge(at)

    def _with_behind(self, at: int) -> list[int]:
        """Returns a node that is put aside, and what it reads of the others: a variable's read has the variable."""
        known = self._behind.get(at)
        if known is None:
            behind = [(text, source) for text in self._inputs[at] if (source := self._source(text)) is not None]
            ends = [end for text, source in behind for _, end in self._sources_of(text, source, [])]
            known = self._behind[at] = [at, *(other for other in ends if other is not None)]
        return known


class _Staying(Unread):
    """The inputs that stay, and the devices of the nodes that do, which are read when they are first asked for."""

    def __init__(self, nodes: Nodes, stays: Sequence[int], inputs: list[tuple[str, ...]]) -> None:
        self._nodes = nodes
        self._stays = stays
        self._inputs = inputs

    def inputs(self) -> list[tuple[str, ...]]:
        return self._inputs

    def inputs_of(self, index: int) -> tuple[str, ...]:
        return self._inputs[index]

    def devices(self) -> list[str]:
        devices = self._nodes.devices
        return [devices[at] for at in self._stays]
