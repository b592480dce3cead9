"""The clean view of a graph: what computes, with what only feeds or orders it put aside.

Constants and variables become badges on the nodes that read them, `Identity` a plain edge, `NoOp` and control edges
go. Nothing is lost: each node either stays or is named among those put aside, with the reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from tracer.graph.inline import Inlined
from tracer.graph.model import Kind, Nodes, Unread

CONSTANT = "constant"
VARIABLE = "variable"
READ = "read of a variable"
IDENTITY = "identity"
NO_OP = "no-op"

_REASONS = {
    **dict.fromkeys(("Const", "HostConst"), CONSTANT),
    **dict.fromkeys(("VarHandleOp", "_VarHandlesOp", "VariableV2", "Variable"), VARIABLE),
    "ReadVariableOp": READ,
    **dict.fromkeys(("Identity", "Snapshot"), IDENTITY),
    "NoOp": NO_OP,
}
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
        self._index = dict(zip(self._names, range(len(self._names)), strict=True))
        candidates = self._candidates()
        self._aside = self._by_name(candidates)  # those that may be put aside, then those that are
        read = self._read_by_others(candidates)
        self._reasons = {at: reason for at, reason in candidates.items() if at in read or reason == NO_OP}
        self._aside = {name: at for name, at in self._aside.items() if at in self._reasons}
        self._behind: dict[int, list[int]] = {}
        self._ends: dict[int, tuple[str, int | None, tuple[int, ...]]] = {}  # by identity: what stands behind it

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

    def _by_name(self, reasons: Iterable[int]) -> dict[str, int]:
        """Returns those of the nodes that an input can mean, by name: a colon in it comes before an output's number."""
        names, index = self._names, self._index
        return {
            name: at
            for name, at in zip(map(names.__getitem__, reasons), reasons, strict=True)
            if index[name] == at and ":" not in name and not name.startswith("^")
        }

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
        names.update([text.partition(":")[0] for text in names if ":" in text])
        return {self._aside[name] for name in self._aside.keys() & names}

    def _source(self, reference: str) -> int | None:
        """Returns the node that an input means, if it is one of those put aside; None for a control edge too."""
        return self._aside.get(reference.partition(":")[0] if ":" in reference else reference)

    def _follow(self, references: tuple[str, ...]) -> tuple[tuple[str, ...], list[int]]:
        """Returns the edges that stay of a node's inputs, and the nodes put aside behind the others."""
        kept: list[str] = []
        read: list[int] = []
        for reference in references:
            at = self._aside.get(reference)
            if at is None and ":" in reference:
                at = self._source(reference)
            if at is not None:
                source, at = self._through_identities(reference, at, read)
                if at is not None:
                    read += self._with_behind(at)
                elif source:
                    kept.append(source)
            elif reference and reference[0] != "^":
                kept.append(reference)
        return tuple(kept), read

    def _through_identities(self, reference: str, at: int | None, passed: list[int]) -> tuple[str, int | None]:
        """Returns what stands behind the identities that an edge comes from, and adds the first of these to `passed`.

        With it its number, if it is put aside too.
        """
        row: list[int] = []
        seen: set[int] = set()
        first = at
        while at is not None and self._reasons[at] == IDENTITY and at not in seen and at not in self._ends:
            seen.add(at)
            row.append(at)
            reference = next((text for text in self._inputs[at] if not text.startswith("^")), "")
            at = self._source(reference)
        end = (reference, at, ()) if at is None or at not in self._ends else self._ends[at]
        for number in reversed(row):  # kept, as a long row may have many readers
            end = self._ends[number] = (end[0], end[1], (number, *end[2])[:_PASSED])
        passed += self._ends[first][2] if first in self._ends else ()
        return end[0], end[1]

    def _with_behind(self, at: int) -> list[int]:
        """Returns a node that is put aside, and what it reads of the others: a variable's read has the variable."""
        known = self._behind.get(at)
        if known is None:
            behind = map(self._source, self._inputs[at])
            known = self._behind[at] = [at, *(other for other in behind if other is not None)]
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
