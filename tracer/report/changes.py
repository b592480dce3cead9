"""What changed in a function's graph, row by row, from a comparison of graphs or from a map of stages."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from tracer.graph.diff import GraphDiff
from tracer.graph.fates.model import KEPT, StageMap
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


def rolled_up(function: str, changes: Sequence[Change], scopes: Sequence[ScopeTally]) -> Iterator[Change]:
    """Yields a trace's changes, with one row for each scope that came or went as a whole."""
    whole: dict[int, ScopeTally] = {}  # by number: the scope around it that came or went as a whole
    for scope in scopes[1:]:
        sorts = list(scope.counts.items())
        above = whole.get(scope.tree.parents[scope.scope])
        if above is not None:
            whole[scope.scope] = above
        elif len(sorts) == 1 and sorts[0][0] in ("added", "removed") and sorts[0][1] > 1:
            whole[scope.scope] = scope
    seen: set[int] = set()
    for change in changes:
        around = _around(change.path, scopes[0].tree, whole) if change.what == "node" else None
        if around is None:
            yield change
        elif around.scope not in seen:
            seen.add(around.scope)
            nodes = sum(around.counts.values())
            yield Change(change.kind, function, around.path, "", "", "scope", nodes)


def _around(path: str, tree: ScopeTree, whole: Mapping[int, ScopeTally]) -> ScopeTally | None:
    """Returns the scope that a node lies in, or is itself, of those in `whole`."""
    scope = tree.find(path.rpartition("/")[0])
    own = tree.child(scope, path.rpartition("/")[2]) if scope is not None else None
    found = whole.get(own) if own is not None else None
    return found or (whole.get(scope) if scope is not None else None)
