"""Counts of something over scopes, as flat rows with parents first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from tracer.graph.scopes import ScopeTree


@dataclasses.dataclass(frozen=True, slots=True)
class ScopeTally:
    """How many nodes of each sort a scope has."""

    tree: ScopeTree = dataclasses.field(repr=False)
    scope: int  # its number there; 0 is the whole graph
    counts: Mapping[str, int]  # by sort, in the scope and in those below it; sorts that it has none of are left out

    @property
    def path(self) -> str:
        """The scope's path, `net/layer`; empty for the whole graph. Not kept: in a deep nest they are long."""
        return self.tree.path(self.scope)

    @property
    def depth(self) -> int:
        """How deep it lies; 0 for the whole graph."""
        return self.tree.depths[self.scope]


def tally_scopes(rows: Iterable[tuple[str, str]]) -> tuple[ScopeTally, ...]:
    """Returns the scopes of nodes, given as path and sort: parents first, siblings as their nodes come.

    A node whose path is itself a scope (a call, a loop) counts as part of that scope.
    """
    listed = list(rows)
    tree = ScopeTree()
    numbers = {"": 0}  # by prefix
    for path, _ in listed:
        prefix = path.rpartition("/")[0]
        if prefix not in numbers:
            numbers[prefix] = tree.add(prefix)
    counts: list[dict[str, int]] = [{} for _ in range(len(tree))]
    for path, sort in listed:
        prefix, _, name = path.rpartition("/")
        inner = tree.child(numbers[prefix], name)
        own = counts[numbers[prefix] if inner is None else inner]
        own[sort] = own.get(sort, 0) + 1
    for scope in range(len(tree) - 1, 0, -1):  # children have higher numbers than their parents
        above = counts[tree.parents[scope]]
        for sort, number in counts[scope].items():
            above[sort] = above.get(sort, 0) + number
    return tuple(ScopeTally(tree, scope, counts[scope]) for scope in tree.walk())
