"""The clean view of a graph: what computes, with what only feeds or orders it put aside.

Constants and variables become badges on the nodes that read them, `Identity` a plain edge, `NoOp` and control edges
go. Nothing is lost: each node either stays or is named among those put aside, with the reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from tracer.graph.inline import Inlined
from tracer.graph.model import Kind, Nodes

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
        self._index = dict(zip(graph.nodes.names, range(len(graph.nodes)), strict=True))
        self._reasons = self._aside()

    def clean(self) -> Clean:
        """Returns the clean view."""
        stays: list[int] = []
        inputs: list[tuple[str, ...]] = []
        badges: dict[str, tuple[str, ...]] = {}
        names = self._nodes.names
        for index, references in enumerate(self._inputs):
            if index in self._reasons:
                continue
            kept, read = self._follow(references)
            stays.append(index)
            inputs.append(kept)
            if read:
                badges[names[index]] = tuple(dict.fromkeys(names[at] for at in read))
        nodes = Nodes(
            [names[index] for index in stays],
            [self._nodes.kinds[index] for index in stays],
            (inputs, [self._nodes.devices[index] for index in stays]),
        )
        view = dataclasses.replace(self._graph, nodes=nodes, place_of=[self._graph.place_of[index] for index in stays])
        return Clean(view, stays, {names[index]: reason for index, reason in self._reasons.items()}, badges)

    def _aside(self) -> dict[int, str]:
        """Returns which nodes go, and why: those of the table that somebody reads."""
        by_kind: dict[Kind, str] = {kind: _REASONS.get(kind.op, "") for kind in set(self._nodes.kinds)}
        reasons = {index: by_kind[kind] for index, kind in enumerate(self._nodes.kinds) if by_kind[kind]}
        for name, variable in self._graph.captures.items():
            if variable.kind == "variable" and name in self._index:
                reasons[self._index[name]] = VARIABLE
        read = self._read_by_others(reasons)
        return {index: reason for index, reason in reasons.items() if index in read or reason == NO_OP}

    def _read_by_others(self, reasons: Mapping[int, str]) -> set[int]:
        """Returns the nodes that a node which stays reads, directly or through others."""
        reads: set[int] = set()
        waiting = [index for index in range(len(self._nodes)) if index not in reasons]
        # An `Identity` that nothing reads stays, so what it reads is read too.
        data = self._data_inputs
        consumed = {at for index in reasons for at in data(index)}
        waiting += [index for index in reasons if index not in consumed]
        while waiting:
            for at in data(waiting.pop()):
                if at in reasons and at not in reads:
                    reads.add(at)
                    waiting.append(at)
        return reads

    def _data_inputs(self, index: int) -> list[int]:
        found = []
        for reference in self._inputs[index]:
            if not reference.startswith("^"):
                at = self._index.get(reference.partition(":")[0])
                if at is not None:
                    found.append(at)
        return found

    def _follow(self, references: tuple[str, ...]) -> tuple[tuple[str, ...], list[int]]:
        """Returns the edges that stay of a node's inputs, and the nodes put aside behind the others."""
        kept: list[str] = []
        read: list[int] = []
        for reference in references:
            if reference.startswith("^"):
                continue
            source = self._through_identities(reference, read)
            at = self._index.get(source.partition(":")[0])
            if at is not None and at in self._reasons:
                read += [at, *(behind for behind in self._data_inputs(at) if behind in self._reasons)]
            elif source:
                kept.append(source)
        return tuple(kept), read

    def _through_identities(self, reference: str, passed: list[int]) -> str:
        """Returns what stands behind the identities that an edge comes from, and adds these to `passed`."""
        seen: set[int] = set()
        at = self._index.get(reference.partition(":")[0])
        while at is not None and self._reasons.get(at) == IDENTITY and at not in seen:
            seen.add(at)
            passed.append(at)
            reference = next((text for text in self._inputs[at] if not text.startswith("^")), "")
            at = self._index.get(reference.partition(":")[0])
        return reference
