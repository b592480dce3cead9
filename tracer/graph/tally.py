"""Counts of something over scopes, as flat rows with parents first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class ScopeTally:
    """How many nodes of each sort a scope has."""

    path: str  # "net/layer"; "" is the whole graph
    depth: int  # 0 for the whole graph
    counts: Mapping[str, int]  # by sort, in the scope and in those below it; sorts that it has none of are left out


def tally_scopes(rows: Iterable[tuple[str, str]]) -> tuple[ScopeTally, ...]:
    """Returns the scopes of nodes, given as path and sort: parents first, siblings as their nodes come.

    A node whose path is itself a scope (a call, a loop) counts as part of that scope.
    """
    listed = list(rows)
    counts: dict[str, dict[str, int]] = {"": {}}
    children: dict[str, list[str]] = {"": []}
    for path, _ in listed:
        _open(path.rpartition("/")[0], counts, children)
    for path, sort in listed:
        own = counts[path if path in counts else path.rpartition("/")[0]]
        own[sort] = own.get(sort, 0) + 1
    order = _parents_first(children)
    for path, _ in reversed(order[1:]):
        above = counts[path.rpartition("/")[0]]
        for sort, number in counts[path].items():
            above[sort] = above.get(sort, 0) + number
    return tuple(ScopeTally(path, depth, counts[path]) for path, depth in order)


def _open(scope: str, counts: dict[str, dict[str, int]], children: dict[str, list[str]]) -> None:
    """Adds a scope and those above it, each the first time only: so that the cost does not grow with the depth."""
    while scope not in counts:
        counts[scope] = {}
        above = scope.rpartition("/")[0]
        children.setdefault(above, []).append(scope)
        children.setdefault(scope, [])
        scope = above


def _parents_first(children: Mapping[str, list[str]]) -> list[tuple[str, int]]:
    order, waiting = [], [("", 0)]
    while waiting:
        path, depth = waiting.pop()
        order.append((path, depth))
        waiting += [(child, depth + 1) for child in reversed(children[path])]
    return order
