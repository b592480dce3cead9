"""The scope tree: the tree of name scopes that people read a graph by, as flat rows with parents first."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

_RUNS = re.compile(r"([^0-9]*)([0-9]{0,18})")  # a stretch of other characters, and the number behind it


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """One prefix of node paths, and what lies below it."""

    path: str  # "net/layer"; "" is the whole graph
    depth: int  # 0 for the whole graph
    nodes: int  # in it and in the scopes below it


def scope_tree(paths: Iterable[str]) -> tuple[Scope, ...]:
    """Returns the scopes of `paths`, parents first, siblings by name, with numbers in names as numbers.

    A node whose path is itself a scope (a call, a loop) counts as part of that scope.
    """
    own: dict[str, int] = {"": 0}
    path_list = list(paths)
    for path in path_list:
        _open(own, path.rpartition("/")[0])
    for path in path_list:
        own[path if path in own else path.rpartition("/")[0]] += 1
    # "a" < "a/b" < "a.b" < "ab" only if "/" sorts before everything else that a name may hold.
    order = sorted(own, key=_natural)
    total = dict(own)
    for path in reversed(order):
        if path:
            total[path.rpartition("/")[0]] += total[path]
    return tuple(Scope(path, path.count("/") + 1 if path else 0, total[path]) for path in order)


def _natural(scope: str) -> list[tuple[list[tuple[str, int]], str]]:
    """Sorts level by level, with numbers as numbers: `block_2_conv` before `block_10_conv`."""
    levels = scope.split("/") if scope else []
    # The level itself too: `a1` and `a01` are the same numbers, and what lies below them must not mix.
    return [([(text, int(number or -1)) for text, number in _RUNS.findall(level)], level) for level in levels]


def _open(own: dict[str, int], scope: str) -> None:
    """Adds a scope and those above it, each the first time only: so that the cost does not grow with the depth."""
    while scope not in own:
        own[scope] = 0
        scope = scope.rpartition("/")[0]
