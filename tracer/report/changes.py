"""What changed in a function's graph, row by row, from a comparison of graphs or from a map of stages."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tracer.graph.diff import GraphDiff
from tracer.graph.fates.model import (
    ADDED,
    CALL_OPENED,
    DUPLICATE,
    FOLDED,
    FUSED,
    HANDS_ON,
    KEPT,
    KNOWN_VALUE,
    LOWERED,
    REMOVED,
    REPLACED,
    Fate,
    StageMap,
)
from tracer.graph.scopes import ScopeTree
from tracer.graph.tally import ScopeTally


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed. A node that differs in two things has two of them."""

    kind: str  # "added", "removed", "changed", "renamed"
    function: str
    path: str  # of the node or the scope; empty for a whole function or trace
    before: str  # of the node: its op where it was removed, else what differs
    after: str
    what: str  # "node", "scope", "trace", a node's fate, or what differs: "op", "shape", "inputs", an attribute's name
    nodes: int = 1  # that it is about


@dataclasses.dataclass(frozen=True, slots=True)
class FateTotal:
    """How many nodes have one and the same fate between two stages, for one and the same reason."""

    fate: str  # "fused", "removed", ..., "added"; "kept" for nodes with another op or other attributes
    why: str  # of removed ones, why, in a word or two; of kept ones, the ops or the attributes; else empty
    nodes: int


# What the reasons of removed nodes begin with, in a word or two for many of them.
_WHY = {
    DUPLICATE: "duplicate",
    HANDS_ON: "only handing on",
    "nothing reads ": "unread",
    "it only orders ": "only ordering",
    "its readers do without it": "not needed by readers",
    "the values of its readers are known": "not needed by readers",
    KNOWN_VALUE: "of known value",
    CALL_OPENED: "opened",
    "a parameter ": "parameter",
}
_PASSED_OVER = " is read in its place"
_TELLING = {FUSED: 0, KEPT: 1, REPLACED: 2, LOWERED: 2, ADDED: 3, FOLDED: 4, REMOVED: 5}  # the most telling first


def fate_totals(stages: StageMap) -> tuple[FateTotal, ...]:
    """Returns how many nodes became what, most nodes first; without those that are as they were."""
    found = Counter((fate.fate, _why(fate)) for fate in stages.fates if fate.fate != KEPT or fate.reason)
    found += Counter({(ADDED, ""): len(stages.added)})
    ordered = sorted(found.items(), key=lambda item: (-item[1], _TELLING[item[0][0]], item[0]))
    return tuple(FateTotal(fate, why, nodes) for (fate, why), nodes in ordered)


def _why(fate: Fate) -> str:
    if fate.fate == KEPT:
        return f"{fate.op} → {fate.became}" if fate.op != fate.became else f"other {fate.reason}"
    if fate.fate != REMOVED:
        return ""
    if fate.reason.endswith(_PASSED_OVER):
        return "passed over"
    return next((why for beginning, why in _WHY.items() if fate.reason.startswith(beginning)), "")


def graph_changes(function: str, diff: GraphDiff) -> Iterator[Change]:
    """Yields what changed between two graphs of a function, scopes and nodes with other names first."""
    for renamed in diff.renamed:
        what = "node" if renamed.is_node else "scope"
        yield Change("renamed", function, renamed.after, renamed.before, renamed.after, what, renamed.nodes)
    for change in diff.changes:
        if change.kind == "added":
            yield Change("added", function, change.path, "", change.op, "node")
        elif change.kind == "removed":
            yield Change("removed", function, change.path, change.op, "", "node")
        for difference in change.differences:
            yield Change("changed", function, change.path, difference.before, difference.after, difference.what)


def stage_rows(function: str, stages: StageMap, *, forward: bool) -> Iterator[tuple[str, str, Change | None]]:
    """Yields for each node of two stages what it counts as, its path, and what there is to say of it.

    A node that several became counts as the heir of one of them: the one whose name it has, else the first.
    """
    heirs: dict[str, str] = {}
    for fate in stages.fates:
        if fate.into and (fate.path == fate.into or fate.into not in heirs):
            heirs[fate.into] = fate.path
    gone, come = ("removed", "added") if forward else ("added", "removed")
    for fate in stages.fates:
        is_heir = bool(fate.into) and heirs[fate.into] == fate.path
        what = fate.fate if fate.fate != KEPT else fate.reason
        now = ", ".join(
            part for part in (fate.became, fate.into if fate.into != fate.path else "", fate.reason) if part
        )
        sides = (fate.op, now if fate.fate != KEPT else fate.became) if forward else (now, fate.op)
        if is_heir and not what:
            yield "same", fate.path, None
        elif is_heir:
            yield "changed", fate.path, Change("changed", function, fate.path, *sides, what)
        else:
            yield gone, fate.path, Change(gone, function, fate.path, *sides, what)
        for path in fate.also:
            part = ("", f"from {fate.path}")
            yield come, path, Change(come, function, path, *(part if forward else part[::-1]), "node")
    for node in stages.added:
        sides = ("", f"{node.op}, {node.by}" if node.by else node.op)
        yield come, node.path, Change(come, function, node.path, *(sides if forward else sides[::-1]), "node")


def telling_first(changes: Iterable[Change]) -> list[Change]:
    """Returns the changes between two stages, those first that change what is computed, in their order else."""

    def rank(change: Change) -> int:
        return _TELLING.get(change.what, _TELLING[ADDED if change.kind == "added" else KEPT])

    return sorted(changes, key=rank)


def rolled_up(
    function: str, changes: Sequence[Change], before: Sequence[ScopeTally], after: Sequence[ScopeTally]
) -> Iterator[Change]:
    """Yields a trace's changes, with one row for each scope that came or went as a whole.

    Args:
      function: the function's name.
      changes: what changed in it.
      before: the scopes that it had, with how many nodes were "removed".
      after: the scopes that it has, with how many were "added".
    """
    whole = {"removed": _whole(before, "removed"), "added": _whole(after, "added")}
    trees = {"removed": before[0].tree, "added": after[0].tree}
    seen: set[tuple[str, int]] = set()
    for change in changes:
        found = change.what == "node" and change.kind in whole
        around = _around(change.path, trees[change.kind], whole[change.kind]) if found else None
        if around is None:
            yield change
        elif (change.kind, around.scope) not in seen:
            seen.add((change.kind, around.scope))
            nodes = sum(around.counts.values())
            yield Change(change.kind, function, around.path, "", "", "scope", nodes)


def _whole(scopes: Sequence[ScopeTally], sort: str) -> dict[int, ScopeTally]:
    """Returns for each scope, by number, the outermost one around it that has several nodes and all of this sort."""
    found: dict[int, ScopeTally] = {}
    for scope in scopes[1:]:
        above = found.get(scope.tree.parents[scope.scope])
        if above is not None:
            found[scope.scope] = above
        elif scope.counts.keys() == {sort} and scope.counts[sort] > 1:
            found[scope.scope] = scope
    return found


def _around(path: str, tree: ScopeTree, whole: Mapping[int, ScopeTally]) -> ScopeTally | None:
    """Returns the scope that a node lies in, or is itself, of those in `whole`."""
    scope = tree.find(path.rpartition("/")[0])
    own = tree.child(scope, path.rpartition("/")[2]) if scope is not None else None
    found = whole.get(own) if own is not None else None
    return found or (whole.get(scope) if scope is not None else None)
