"""Which scopes have another name now, and not only another number: told once for all that lies below them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from tracer.graph.inline import Inlined
from tracer.graph.labels import without_numbers

_Scopes = tuple[str, str]  # before and after; empty for the whole graph
_Piece = tuple[str, str]  # a function's label, "body", and a node's name in that function


@dataclasses.dataclass(frozen=True, slots=True)
class Renamed:
    """A scope, or a node, that has another name now, and not only another number."""

    before: str  # empty where all that was the whole graph lies in a scope now
    after: str  # empty where all that lay in a scope is the whole graph now
    nodes: int
    is_node: bool = False  # whether it is one node, and no scope


def renamed(
    before: Inlined, after: Inlined, pairs: Iterable[tuple[int, int]], fixed: Iterable[int]
) -> tuple[Renamed, ...]:
    """Returns the scopes whose names differ in more than numbers, most nodes first.

    Args:
      before: the graph before.
      after: the graph after.
      pairs: the nodes that are the same, by number before and after.
      fixed: nodes before that stand where they stand whatever scope the code is in, as arguments and results do.
    """
    fixed = frozenset(fixed)
    moves: list[tuple[_Scopes, _Scopes, _Scopes]] = []  # as scopes, from the whole graph, and the paths
    stayed = False
    for own, other in pairs:
        paths = before.nodes.names[own], after.nodes.names[other]
        if _same_variable(before, after, paths):
            continue
        if _same(*paths):
            stayed = stayed or own not in fixed
            continue
        moves.append((*_scopes(_pieces(before, own), _pieces(after, other), paths), paths))
    wholes = {whole for _, whole, _ in moves}
    is_whole = len(wholes) == 1 and not all(next(iter(wholes))) and not stayed
    found: dict[_Scopes, int] = {}
    nodes: set[_Scopes] = set()
    for scopes, whole, paths in moves:
        key = whole if is_whole else scopes
        found[key] = found.get(key, 0) + 1
        if key == paths:
            nodes.add(key)
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Renamed(*scopes, number, number == 1 and scopes in nodes) for scopes, number in ordered)


def differing(before: str, after: str) -> _Scopes:
    """Returns two paths without the levels at their ends that are equal but for numbers; the first levels stay."""
    return _without_common_end(before, after, least=1)


def _same(before: str, after: str) -> bool:
    return before == after or without_numbers(before) == without_numbers(after)


def _same_variable(before: Inlined, after: Inlined, paths: _Scopes) -> bool:
    """Tells whether two nodes stand for one captured variable; those are called after whoever reads it first."""
    own, other = before.captures.get(paths[0]), after.captures.get(paths[1])
    return own is not None and other is not None and _same(own.name, other.name)


def _without_common_end(before: str, after: str, *, least: int) -> _Scopes:
    own, other = before.split("/"), after.split("/")
    while len(own) > least and len(other) > least and _same(own[-1], other[-1]):
        own.pop()
        other.pop()
    return "/".join(own), "/".join(other)


def _scopes(own: Sequence[_Piece], other: Sequence[_Piece], paths: _Scopes) -> tuple[_Scopes, _Scopes]:
    """Returns what was renamed of a node's path, as the smallest scopes, and as the whole graph if that is possible.

    The functions of a loop repeat the scope that the loop stands in; that they do in the new scope is no other news.
    """
    whole = _without_common_end(*paths, least=0)
    if [label for label, _ in own] == [label for label, _ in other]:
        renames = [_without_common_end(one, new, least=0) for (_, one), (_, new) in zip(own, other, strict=True)]
        told = [number for number, (one, new) in enumerate(renames) if not _same(one, new)]
        if told and len({renames[number] for number in told}) == 1:
            first = told[0]
            scopes = _without_common_end(own[first][1], other[first][1], least=1)
            above = _joined(own[:first]), _joined(other[:first])
            if first == 0:
                whole = renames[0]
            return (_below(above[0], own[first][0], scopes[0]), _below(above[1], other[first][0], scopes[1])), whole
    return differing(*paths), whole


def _joined(pieces: Iterable[_Piece]) -> str:
    return "/".join(part for piece in pieces for part in piece if part)


def _below(above: str, label: str, scope: str) -> str:
    return "/".join(part for part in (above, label, scope) if part)


def _pieces(graph: Inlined, number: int) -> list[_Piece]:
    """Returns a node's path by the functions that it leads through, outermost first."""
    return list(_inside_out(graph, number))[::-1]


def _inside_out(graph: Inlined, number: int) -> Iterator[_Piece]:
    place, name = graph.places[graph.place_of[number]], graph.local_name(number)
    while place.parent >= 0:
        yield place.label, name
        place, name = graph.places[place.parent], place.call
    yield "", name
