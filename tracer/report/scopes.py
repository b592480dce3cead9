"""A graph to the rows of its scope tree."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence

from tracer.errors import NotFound, did_you_mean
from tracer.graph.boundary import leaving
from tracer.graph.clean import Clean, clean
from tracer.graph.flops import graph_flops
from tracer.graph.inline import Inlined
from tracer.graph.model import TensorType
from tracer.graph.names import call_text
from tracer.graph.repeats import Repeats, find_repeats
from tracer.graph.scopes import ScopeTree, place_scopes, scope_tree
from tracer.graph.sizes import elements, output_bytes, variable_bytes
from tracer.graph.variables import variable_homes

ALL = "(all)"  # what the whole graph is called
_NUMBERS = re.compile(r"(\d+)")
_TYPES = 8  # types of outputs that a row names: of a scope with more, one wants their number
_SUGGESTED = (
    5_000  # scopes that are looked through for one like the one that was asked for: it takes a millisecond each
)

Counts = tuple[tuple[str, int], ...]  # of each thing how many, most first
_Outputs = tuple[tuple[TensorType, ...], int]  # types, and the number of tensors


@dataclasses.dataclass(frozen=True, slots=True)
class ScopeRow:
    """One scope, with what lies in it and below it. A row may stand for several scopes of the same structure."""

    path: str  # "net/layer"; "" is the whole graph
    depth: int  # 0 for the whole graph
    label: str  # what to call it below its parent: "layer", "body/newton/while", "block_1 ... block_16"
    pattern: str  # the same, shorter: "block_*" for "block_1 ... block_16"
    runs: str  # the call that the scope is, `layer()`, of a Python function; empty where it is none
    scopes: int  # of how many scopes the row is the sum
    nodes: int
    variables: int  # that live there: used there first, or made there
    parameters: int  # elements of the variables, as far as known
    parameter_bytes: int
    bytes: int  # of all outputs of which the size is known
    flops: int  # of all nodes of which they are known; of a loop's body, of one turn
    unsized: int  # nodes whose output bytes are not known
    unsized_variables: int  # variables whose shape is not known
    unknown_flops: int  # nodes whose FLOPs are not known
    outputs: tuple[TensorType, ...]  # what leaves it, each type once, the first few of them
    leaving: int  # how many tensors leave it
    ops: Counts  # right in it: what computes
    aside: Counts  # right in it: what the clean view puts aside, by reason


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Rows that are made when they are asked for: of a deep nest, the paths of all together grow with the square."""

    depths: Sequence[int]  # of each row
    row: Callable[[int], ScopeRow]  # by its number


@dataclasses.dataclass(frozen=True, slots=True)
class Scopes:
    """The scope tree of a graph."""

    all: Rows  # every scope, parents first
    folded: Rows  # repeated blocks as one row, and scopes that hold nothing but one other joined to it
    not_followed: Mapping[str, str]  # calls that stay closed, by path: "recursive", "missing"
    without_formula: Counts  # ops whose FLOPs are not known, and of how many nodes
    unknown_shapes: Counts  # ops with a formula, but with shapes that are not known


def scope_rows(graph: Inlined, *, scope: str = "", raw: bool = False) -> Scopes:
    """Returns the scope tree of a graph with all that is known of each scope.

    Args:
      graph: the graph.
      scope: only this one and what is below it.
      raw: show what the clean view puts aside, and the scopes that TensorFlow makes for the inputs of a single node.

    Raises:
      NotFound: no such scope.
    """
    tree = scope_tree(graph, raw=raw)
    root = tree.find(scope)
    if root is None:
        raise _no_scope(scope, tree)
    flops = graph_flops(graph.nodes, not_followed=graph.not_followed)
    measures = _measures(graph, tree, flops.per_node)
    seen = None if raw else clean(graph)
    ops = _ops(graph, tree, seen)
    outputs = _outputs(graph, tree, seen)
    runs = _functions(graph, tree)
    scopes = list(tree.walk(root))

    def row(at: int) -> ScopeRow:
        each = scopes[at]
        label = tree.names[each] if each else ALL
        return _row(tree, each, measures, ops, outputs, runs, label=label, depth=tree.depths[each])

    every = Rows([tree.depths[each] for each in scopes], row)
    return Scopes(
        all=every,
        folded=every if raw else _folded(graph, tree, root, measures, ops, outputs, runs),
        not_followed=graph.not_followed,
        without_formula=_most_first(flops.without_formula),
        unknown_shapes=_most_first(flops.unknown_shape),
    )


def _no_scope(scope: str, tree: ScopeTree) -> NotFound:
    known = [tree.path(each) for each in range(1, min(len(tree), _SUGGESTED))]
    otherwise = f"it has: {', '.join(known[:8]) or 'none'}"
    return NotFound(f"no scope named '{scope}'", hint=did_you_mean(scope, known, otherwise=otherwise))


def _measures(graph: Inlined, tree: ScopeTree, flops: Sequence[int | None]) -> dict[str, list[int]]:
    """Returns each measure of each scope, all that is below it counted."""
    sizes = {kind: output_bytes(kind) for kind in set(graph.nodes.kinds)}
    per_node = [sizes[kind] for kind in graph.nodes.kinds]
    own = {
        "nodes": tree.own([1] * len(graph.nodes)),
        "bytes": tree.own([size or 0 for size in per_node]),
        "unsized": tree.own([size is None for size in per_node]),
        "flops": tree.own([number or 0 for number in flops]),
        "unknown_flops": tree.own([number is None for number in flops]),
    }
    own |= {name: [0] * len(tree) for name in ("variables", "parameters", "parameter_bytes", "unsized_variables")}
    for index, variable in variable_homes(graph):
        owner, size = tree.owners[index], elements(variable.type.shape)
        own["variables"][owner] += 1
        own["parameters"][owner] += size or 0
        own["parameter_bytes"][owner] += variable_bytes(variable.type) or 0
        own["unsized_variables"][owner] += size is None
    return {name: tree.total(values) for name, values in own.items()}


def _ops(graph: Inlined, tree: ScopeTree, seen: Clean | None) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
    """Returns, for each scope, the ops right in it, and the reasons for which others right in it are put aside."""
    ops: list[dict[str, int]] = [{} for _ in range(len(tree))]
    aside: list[dict[str, int]] = [{} for _ in range(len(tree))]
    put_aside = seen.put_aside if seen is not None else {}
    for name, kind, owner in zip(graph.nodes.names, graph.nodes.kinds, tree.owners, strict=True):
        reason = put_aside.get(name)
        counts, what = (ops[owner], kind.op) if reason is None else (aside[owner], reason)
        counts[what] = counts.get(what, 0) + 1
    return ops, aside


def _outputs(graph: Inlined, tree: ScopeTree, seen: Clean | None) -> list[_Outputs]:
    """Returns, for each scope, the types of what leaves it, and how many tensors that are."""
    if seen is None:
        return leaving(graph, tree, tree.owners, most=_TYPES)
    return leaving(seen.graph, tree, [tree.owners[index] for index in seen.stays], most=_TYPES)


def _functions(graph: Inlined, tree: ScopeTree) -> dict[int, str]:
    """Returns the Python function behind each scope that is a plain call."""
    return {
        scope: call_text(place.function)
        for place, scope in zip(graph.places, place_scopes(graph, tree), strict=True)
        if place.function and not place.label and scope is not None
    }


def _folded(
    graph: Inlined,
    tree: ScopeTree,
    root: int,
    measures: Mapping[str, list[int]],
    ops: tuple[list[dict[str, int]], list[dict[str, int]]],
    outputs: Sequence[_Outputs],
    runs: Mapping[int, str],
) -> Rows:
    """Returns the rows that people read: repeats as one, and a scope that holds nothing but one other joined to it."""
    repeats = find_repeats(tree, [kind.op for kind in graph.nodes.kinds], scope=root)
    summed = {name: repeats.total(values) for name, values in measures.items()}
    together = tuple(_together(repeats, counters) for counters in ops)
    leave = _alike(repeats, outputs)
    computing = tree.total([sum(counts.values()) for counts in ops[0]])
    silent = _silent(graph, tree, computing)
    below = [
        [child for child in inner if repeats.shown_as[child] == child and not silent[child]]
        for inner in tree.children()
    ]
    _join_silent(tree, repeats, silent, together[1])
    times = _times(tree, repeats)
    heads: list[tuple[int, int, str, str]] = []  # scope, depth, label and pattern of each row
    waiting = [(root, tree.depths[root], tree.path(root) or ALL, tree.path(root) or ALL)]
    while waiting:
        scope, depth, label, pattern = waiting.pop()
        while scope != root and scope not in runs and _holds_one(scope, below, summed):
            scope = below[scope][0]
            label += "/" + _label(tree, repeats, scope)
            pattern += "/" + _pattern(tree, repeats, scope)
        heads.append((scope, depth, label, pattern))
        waiting += [
            (child, depth + 1, _label(tree, repeats, child), _pattern(tree, repeats, child))
            for child in reversed(below[scope])
        ]

    def row(at: int) -> ScopeRow:
        scope, depth, label, pattern = heads[at]
        of = times[scope]
        return _row(tree, scope, summed, together, leave, runs, label=label, pattern=pattern, depth=depth, scopes=of)

    return Rows([depth for _, depth, _, _ in heads], row)


def _silent(graph: Inlined, tree: ScopeTree, computing: Sequence[int]) -> list[bool]:
    """Returns which scopes have nothing in them that computes; the bodies of calls, branches and loops stay visible."""
    silent = [not number for number in computing]
    for place in place_scopes(graph, tree):
        scope = place
        while scope and silent[scope]:
            silent[scope] = False
            scope = tree.parents[scope]
    return silent


def _join_silent(tree: ScopeTree, repeats: Repeats, silent: Sequence[bool], aside: Sequence[dict[str, int]]) -> None:
    """Counts what lies in scopes where nothing computes with the scopes above: such a scope is no row."""
    for scope in range(len(tree) - 1, 0, -1):
        if silent[scope] and repeats.shown_as[scope] == scope:
            _add(aside[repeats.shown_as[tree.parents[scope]]], aside[scope])


def _holds_one(scope: int, below: Sequence[Sequence[int]], measures: Mapping[str, Sequence[int]]) -> bool:
    """Tells a scope in which nothing lies but one other scope."""
    return len(below[scope]) == 1 and all(
        measures[name][scope] == measures[name][below[scope][0]] for name in ("nodes", "variables")
    )


def _label(tree: ScopeTree, repeats: Repeats, scope: int) -> str:
    members = repeats.groups.get(scope, (scope,))
    first, last = tree.names[members[0]], tree.names[members[-1]]
    return first if first == last else f"{first} ... {last}"


def _pattern(tree: ScopeTree, repeats: Repeats, scope: int) -> str:
    """Returns the name of a group with `*` for the numbers in which its first and its last member differ."""
    members = repeats.groups.get(scope, (scope,))
    first, last = (_NUMBERS.split(tree.names[member]) for member in (members[0], members[-1]))
    if len(first) != len(last):
        return f"{tree.names[members[0]]}*"
    return "".join(a if a == b else "*" for a, b in zip(first, last, strict=True))


def _times(tree: ScopeTree, repeats: Repeats) -> list[int]:
    """Returns of how many scopes the row of each is the sum."""
    times = [1]
    for scope in range(1, len(tree)):  # parents have lower numbers than their children
        times.append(times[tree.parents[scope]] * len(repeats.groups.get(scope, (scope,))))
    return times


def _together(repeats: Repeats, counters: Sequence[dict[str, int]]) -> list[dict[str, int]]:
    sums: list[dict[str, int]] = [{} for _ in counters]
    for scope, counter in zip(repeats.shown_as, counters, strict=True):
        _add(sums[scope], counter)
    return sums


def _add(sums: dict[str, int], counts: Mapping[str, int]) -> None:
    for what, number in counts.items():
        sums[what] = sums.get(what, 0) + number


def _alike(repeats: Repeats, outputs: Sequence[_Outputs]) -> list[_Outputs]:
    """Returns what leaves each scope and those that it stands for, with the types that any of them has."""
    types: list[dict[TensorType, None]] = [{} for _ in outputs]
    numbers = [0] * len(outputs)
    for scope, (found, number) in zip(repeats.shown_as, outputs, strict=True):
        types[scope].update(dict.fromkeys(found))
        numbers[scope] += number
    return [(tuple(found)[:_TYPES], number) for found, number in zip(types, numbers, strict=True)]


def _row(
    tree: ScopeTree,
    scope: int,
    measures: Mapping[str, Sequence[int]],
    ops: tuple[Sequence[dict[str, int]], ...],
    outputs: Sequence[_Outputs],
    runs: Mapping[int, str],
    *,
    label: str,
    depth: int,
    pattern: str = "",
    scopes: int = 1,
) -> ScopeRow:
    return ScopeRow(
        path=tree.path(scope),
        depth=depth,
        label=label,
        pattern=pattern or label,
        runs=runs.get(scope, ""),
        scopes=scopes,
        outputs=outputs[scope][0],
        leaving=outputs[scope][1],
        ops=_most_first(ops[0][scope]),
        aside=_most_first(ops[1][scope]),
        **{name: values[scope] for name, values in measures.items()},
    )


def _most_first(counts: Mapping[str, int]) -> Counts:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
