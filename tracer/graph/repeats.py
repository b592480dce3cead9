"""Repeated blocks: siblings with the same structure, such as `block_1 ... block_16`, that read better as one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

from tracer.graph.scopes import ScopeTree

_NUMBERS = re.compile(r"\d+")
AT_LEAST = 4  # members of a group: of fewer one wants to see the numbers of each


@dataclasses.dataclass(frozen=True, slots=True)
class Repeats:
    """Which scopes of a tree repeat others."""

    shown_as: Sequence[int]  # for each scope, the one that stands for it: itself, if it repeats none
    groups: Mapping[int, tuple[int, ...]]  # by the scope that stands for them: all members, itself the first
    spans: Mapping[int, int]  # of each group: siblings of such a name from its first to its last, members or not

    def total(self, totals: Sequence[int]) -> list[int]:
        """Returns the totals of scopes with those of the scopes that each stands for."""
        sums = [0] * len(totals)
        for scope, value in zip(self.shown_as, totals, strict=True):
            sums[scope] += value
        return sums

    def most(self, values: Sequence[int]) -> list[int]:
        """Returns the most that one of the scopes has that each stands for."""
        most = [0] * len(values)
        for scope, value in zip(self.shown_as, values, strict=True):
            most[scope] = max(most[scope], value)
        return most


def find_repeats(tree: ScopeTree, ops: Iterable[str], *, scope: int = 0) -> Repeats:
    """Returns which siblings have the same structure: the same names but for numbers, the same ops, and so all below.

    Args:
      tree: the scopes.
      ops: the op of each node, in the order of the graph.
      scope: look only below this one.
    """
    below = tree.children()
    known = {name: _pattern(name) for name in set(tree.names)}
    patterns = [known[name] for name in tree.names]
    structures = _structures(tree, ops, below, patterns)
    shown_as = list(range(len(tree)))
    groups: dict[int, tuple[int, ...]] = {}
    spans: dict[int, int] = {}
    for parent in tree.walk(scope):
        if shown_as[parent] != parent:
            continue
        alike: dict[tuple[str, int], list[int]] = {}
        named: dict[str, int] = {}  # siblings of such a name up to here
        order: dict[int, int] = {}  # of each child: its place among those
        for child in below[parent]:
            alike.setdefault((patterns[child], structures[child]), []).append(child)
            order[child] = named[patterns[child]] = named.get(patterns[child], 0) + 1
        for members in alike.values():
            if len(members) >= AT_LEAST:
                groups[members[0]] = tuple(members)
                spans[members[0]] = order[members[-1]] - order[members[0]] + 1
                for member in members[1:]:
                    _map(member, members[0], below, shown_as)
    return Repeats([_root(shown_as, scope) for scope in shown_as], groups, spans)


def _structures(
    tree: ScopeTree, ops: Iterable[str], below: Sequence[Sequence[int]], patterns: Sequence[str]
) -> list[int]:
    """Returns a number for each scope that is the same for scopes of the same structure."""
    own: list[list[str]] = [[] for _ in range(len(tree))]
    for owner, op in zip(tree.owners, ops, strict=True):
        own[owner].append(op)
    known: dict[tuple[tuple[str, ...], tuple[tuple[str, int], ...]], int] = {}
    structures = [0] * len(tree)
    for scope in range(len(tree) - 1, -1, -1):  # children have higher numbers than their parents
        inner = tuple([(patterns[child], structures[child]) for child in below[scope]])
        structures[scope] = known.setdefault((tuple(own[scope]), inner), len(known))
    return structures


def _pattern(name: str) -> str:
    """Returns a name without its numbers: `dense` and `dense_1` are the same to Keras."""
    return _NUMBERS.sub("#", name).removesuffix("_#")


def _map(member: int, stands: int, below: Sequence[Sequence[int]], shown_as: list[int]) -> None:
    """Maps a scope and all below it to one of the same structure."""
    waiting = [(member, stands)]
    while waiting:
        inner, other = waiting.pop()
        shown_as[inner] = other
        waiting += zip(below[inner], below[other], strict=True)


def _root(shown_as: Sequence[int], scope: int) -> int:
    while shown_as[scope] != scope:
        scope = shown_as[scope]
    return scope
