"""What became of a node, as values."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping

from tracer.graph.tally import ScopeTally, tally_scopes

KEPT, FUSED, FOLDED, REPLACED, REMOVED = "kept", "fused", "folded", "replaced", "removed"
FATES = (KEPT, FUSED, FOLDED, REPLACED, REMOVED)
ADDED = "added"
LOWERED = "lowered"  # into XLA's instructions: `tracer.graph.hlo_map`

# Reasons that others are told from.
KNOWN_VALUE = "its value is known"
LOOP_OPENED = "lowered to the nodes of a loop"
CALL_OPENED = "its function's nodes stand in its place"
HANDS_ON = "it only hands on "  # and what
DUPLICATE = "duplicate of "  # and of what


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


def counted(fates: tuple[Fate, ...], added: tuple[Added, ...], sorts: Iterable[str]) -> StageMap:
    """Returns what became of the nodes, with how many they are of each of these sorts, in all and in each scope."""
    rows = [(fate.path, fate.fate) for fate in fates] + [(node.path, ADDED) for node in added]
    totals = Counter(sort for _, sort in rows)
    return StageMap(fates, added, {sort: totals[sort] for sort in sorts}, tally_scopes(rows))
