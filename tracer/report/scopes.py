"""A graph to the rows of its scope tree."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from tracer.errors import NotFound, did_you_mean
from tracer.graph.clean import Clean, clean
from tracer.graph.flops import graph_flops
from tracer.graph.inline import Inlined
from tracer.graph.model import TensorType
from tracer.graph.names import call_text
from tracer.graph.oddities import cycle, repeated_names
from tracer.graph.op_sets import FRAME_OPS, PASSING_ON
from tracer.graph.references import by_name
from tracer.graph.repeats import Repeats, find_repeats
from tracer.graph.scopes import ScopeTree, innermost_scope, named_scope, place_scopes, scope_tree
from tracer.graph.sizes import elements, output_bytes, variable_bytes
from tracer.graph.variables import variable_homes
from tracer.profile.attribute import NodeTime
from tracer.report.outputs import Leaving, Output, scope_outputs, summed_outputs

ALL = "(all)"  # what the whole graph is called
_NUMBERS = re.compile(r"(\d+)")
_SORTS = {  # a scope is all its nodes
    "self": "total_ns",
    "total": "total_ns",
    "calls": "calls",
    "bytes": "allocated",
    "peak": "peak_bytes",
    "held": "held_bytes",
}
_NO_SUM = "peak_bytes"  # a measure of which several scopes together have the most of one
_GIVEN = frozenset({"Const", "Placeholder", "NoOp"}) | FRAME_OPS | PASSING_ON  # ops that compute nothing
_DIGITS = 9  # of a number in a name; Python refuses to read one of thousands

Counts = tuple[tuple[str, int], ...]  # of each thing how many, most first


@dataclasses.dataclass(frozen=True, slots=True)
class ScopeRow:
    """One scope, with what lies in it and below it. A row may stand for several scopes of the same structure."""

    path: str  # "net/layer"; "" is the whole graph
    depth: int  # 0 for the whole graph
    label: str  # what to call it below its parent: "layer", "body", "block_1 ... block_16"
    pattern: str  # of several of the same structure the label, shorter: "block_1..16", "pad_*"; empty of others
    runs: str  # the call that the scope is, `layer()`, of a Python function; empty where it is none
    scopes: int  # of how many scopes the row is the sum
    among: int  # how many scopes have such names, from the first of them to the last
    nodes: int  # that the graph holds, each call of a function counted: as many as `inlined_nodes` counts
    variables: int  # that live there: used there first, or made there; without an optimizer's
    parameters: int  # elements of the variables, as far as known
    parameter_bytes: int
    optimizer_parameters: int  # elements of an optimizer's variables: its velocities, its moments
    bytes: int  # of all outputs of which the size is known
    flops: int  # of all nodes of which they are known; of a loop's body, of one turn
    unsized: int  # nodes whose output bytes are not known
    unsized_variables: int  # variables whose shape is not known
    unknown_flops: int  # nodes whose FLOPs are not known
    output: Output | None  # the first tensor that leaves it
    outputs: tuple[TensorType, ...]  # what leaves it, each type once, the first few of them
    leaving: int  # how many tensors leave it
    ops: Counts  # right in it: what computes, then arguments, results and what else only hands on
    aside: Counts  # right in it: what the clean view puts aside, by reason
    self_ns: int | None = None  # self time of the nodes right in it; like what follows None without a profile
    total_ns: int | None = None  # self time of all nodes in it and below it
    calls: int | None = None  # executions of these
    allocated: int | None = None  # bytes that these allocated
    peak_bytes: int | None = None  # the most in use on their device while one of these ran
    held_bytes: int | None = None  # of `allocated` what was in use at the window's peak


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
    of_layers: bool = False  # whether the nodes are the layers of a model, and no operations
    repeated_names: Mapping[str, int] = dataclasses.field(default_factory=dict)  # that several nodes have; how many
    cycle: tuple[str, ...] = ()  # nodes that each read the one before, the first the last; of a graph that was checked


def scope_rows(
    graph: Inlined,
    *,
    scope: str = "",
    raw: bool = False,
    times: Iterable[NodeTime] | None = None,
    sort: str = "",
    check: bool = False,
) -> Scopes:
    """Returns the scope tree of a graph with all that is known of each scope.

    Args:
      graph: the graph.
      scope: only this one and what is below it, named as `named_scope` takes it.
      raw: show what the clean view puts aside, and the scopes that TensorFlow makes for the inputs of a single node.
      times: what the nodes of this trace took; None if nothing is known of it.
      sort: in which order to read scopes of one parent: `self`, `total`, `calls`, `bytes`, `peak` or `held`, the most
        first; that of the program if it is empty.
      check: look for what no graph of TensorFlow's has, as a file from elsewhere may.

    Raises:
      NotFound: no such scope, or no such order.
    """
    tree = scope_tree(graph, raw=raw)
    root = named_scope(tree, scope, graph.nodes.names)
    flops = graph_flops(graph.nodes, not_followed=graph.not_followed)
    measures = _measures(graph, tree, flops.per_node)
    if times is not None:
        measures |= _times_of(times, graph, tree)
    order = _order(sort, measures)
    seen = None if raw else clean(graph)
    ops = _ops(graph, tree, seen)
    outputs = scope_outputs(graph, tree, seen)
    runs = _functions(graph, tree)
    scopes = list(tree.walk(root))

    def row(at: int) -> ScopeRow:
        each = scopes[at]
        label = tree.names[each] if each else ALL
        return _row(tree, each, measures, ops, outputs, runs, label=label, depth=tree.depths[each])

    every = Rows([tree.depths[each] for each in scopes], row)
    return Scopes(
        all=every,
        folded=every if raw else _folded(graph, tree, root, measures, ops, outputs, runs, order),
        not_followed=graph.not_followed,
        without_formula=_most_first(flops.without_formula),
        unknown_shapes=_most_first(flops.unknown_shape),
        of_layers=any(kind.is_layer for kind in set(graph.nodes.kinds)),
        repeated_names=repeated_names(graph.nodes) if check else {},
        cycle=cycle(graph.nodes) if check else (),
    )


def _measures(graph: Inlined, tree: ScopeTree, flops: Sequence[int | None]) -> dict[str, list[int]]:
    """Returns each measure of each scope, all that is below it counted."""
    sizes = {kind: output_bytes(kind) for kind in set(graph.nodes.kinds)}
    held = [name not in graph.added for name in graph.nodes.names]
    per_node = [sizes[kind] if is_held else 0 for kind, is_held in zip(graph.nodes.kinds, held, strict=True)]
    own = {
        "nodes": tree.own(held),
        "bytes": tree.own([size or 0 for size in per_node]),
        "unsized": tree.own([size is None for size in per_node]),
        "flops": tree.own([number or 0 for number in flops]),
        "unknown_flops": tree.own([number is None for number in flops]),
    }
    counted = ("variables", "parameters", "parameter_bytes", "unsized_variables", "optimizer_parameters")
    own |= {name: [0] * len(tree) for name in counted}
    for index, variable in variable_homes(graph):
        owner, size = tree.owners[index], elements(variable.type.shape)
        if variable.optimizer:
            own["optimizer_parameters"][owner] += size or 0
            continue
        own["variables"][owner] += 1
        own["parameters"][owner] += size or 0
        own["parameter_bytes"][owner] += variable_bytes(variable.type) or 0
        own["unsized_variables"][owner] += size is None
    return {name: tree.total(values) for name, values in own.items()}


def _times_of(times: Iterable[NodeTime], graph: Inlined, tree: ScopeTree) -> dict[str, list[int]]:
    """Returns what the nodes of each scope took. A node that only the other stage has lies in the scope of its path."""
    owners = by_name(graph.nodes.names, tree.owners)
    own = {name: [0] * len(tree) for name in ("self_ns", "calls", "allocated", "held_bytes")}
    peaks = [0] * len(tree)
    for time in times:
        owner = owners.get(time.path)
        if owner is None:
            owner = innermost_scope(tree, time.path)
        own["self_ns"][owner] += time.self_ns
        own["calls"][owner] += time.calls
        own["allocated"][owner] += time.bytes
        own["held_bytes"][owner] += time.held_bytes
        peaks[owner] = max(peaks[owner], time.peak_bytes)
    below = {name: tree.total(values) for name, values in own.items()}
    return {**below, "self_ns": own["self_ns"], "total_ns": below["self_ns"], _NO_SUM: tree.most(peaks)}


def _order(sort: str, measures: Mapping[str, Sequence[int]]) -> str:
    """Returns the measure by which scopes of one parent are sorted; none for the order of the program."""
    if sort and sort not in _SORTS:
        raise NotFound(f"no order named '{sort}'", hint=did_you_mean(sort, _SORTS, otherwise=", ".join(_SORTS)))
    return _SORTS[sort] if sort and _SORTS[sort] in measures else ""


def _ops(graph: Inlined, tree: ScopeTree, seen: Clean | None) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
    """Returns, for each scope, the ops right in it, and the reasons for which others right in it are put aside."""
    ops: list[dict[str, int]] = [{} for _ in range(len(tree))]
    aside: list[dict[str, int]] = [{} for _ in range(len(tree))]
    put_aside = seen.put_aside if seen is not None else {}
    for name, kind, owner in zip(graph.nodes.names, graph.nodes.kinds, tree.owners, strict=True):
        if name in graph.added:
            continue
        reason = put_aside.get(name)
        counts, what = (ops[owner], kind.op) if reason is None else (aside[owner], reason)
        counts[what] = counts.get(what, 0) + 1
    return ops, aside


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
    outputs: Sequence[Leaving],
    runs: Mapping[int, str],
    order: str,
) -> Rows:
    """Returns the rows that people read: repeats as one, and a scope that holds nothing but one other joined to it."""
    repeats = find_repeats(tree, [kind.op for kind in graph.nodes.kinds], scope=root)
    summed = {
        name: repeats.most(values) if name == _NO_SUM else repeats.total(values) for name, values in measures.items()
    }
    together = tuple(_together(repeats, counters) for counters in ops)
    leave = summed_outputs(repeats, outputs)
    computing = tree.total([sum(counts.values()) for counts in ops[0]])
    silent = _silent(graph, tree, computing)
    below = [
        [child for child in inner if repeats.shown_as[child] == child and not silent[child]]
        for inner in tree.children()
    ]
    _join_silent(tree, repeats, silent, together[1])
    if order:
        for inner in below:
            inner.sort(key=lambda child: -summed[order][child])
    times, among = _times(tree, repeats)
    heads: list[tuple[int, int, str, str]] = []  # scope, depth, label and pattern of each row
    waiting = [(root, tree.depths[root], tree.path(root) or ALL, "")]
    while waiting:
        scope, depth, label, pattern = waiting.pop()
        while scope != root and scope not in runs and _holds_one(scope, below, together):
            scope = below[scope][0]
            if scope in tree.repeated:
                continue
            name, shorter = _label(tree, repeats, scope)
            if pattern or shorter:
                pattern = f"{pattern or label}/{shorter or name}"
            label += f"/{name}"
        heads.append((scope, depth, label, pattern))
        waiting += [(child, depth + 1, *_label(tree, repeats, child)) for child in reversed(below[scope])]

    def row(at: int) -> ScopeRow:
        scope, depth, label, pattern = heads[at]
        of = (times[scope], among[scope])
        return _row(tree, scope, summed, together, leave, runs, label=label, pattern=pattern, depth=depth, of=of)

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


def _holds_one(scope: int, below: Sequence[Sequence[int]], right_in: Iterable[Sequence[Mapping[str, int]]]) -> bool:
    """Tells a scope in which nothing lies but one other scope."""
    return len(below[scope]) == 1 and not any(counts[scope] for counts in right_in)


def _label(tree: ScopeTree, repeats: Repeats, scope: int) -> tuple[str, str]:
    """Returns the name of a scope, or of a group its first and last member, and that in short."""
    members = repeats.groups.get(scope, (scope,))
    names = [tree.names[member] for member in members]
    return (names[0], "") if len(names) == 1 else (f"{names[0]} ... {names[-1]}", _pattern(names))


def _pattern(names: Sequence[str]) -> str:
    """Returns the names of a group as one: `block_1..16` of 16 in a row, else with `*` for what differs."""
    parts = [_NUMBERS.split(name) for name in names]
    if len({len(each) for each in parts}) > 1:  # `dense`, `dense_1`, ...
        return f"{names[0]}*"
    differ = [at for at, values in enumerate(zip(*parts, strict=True)) if len(set(values)) > 1]
    for at in differ:
        numbers = [each[at] for each in parts]
        parts[0][at] = f"{numbers[0]}..{numbers[-1]}" if len(differ) == 1 and _in_a_row(numbers) else "*"
    return "".join(parts[0])


def _in_a_row(numbers: Sequence[str]) -> bool:
    if len(numbers[0]) > _DIGITS:
        return False
    first, many = int(numbers[0]), len(numbers)  # gradients come last to first
    rows = (range(first, first + many), range(first, first - many, -1))
    return any(list(numbers) == [str(number) for number in row] for row in rows)


def _times(tree: ScopeTree, repeats: Repeats) -> tuple[list[int], list[int]]:
    """Returns of how many scopes the row of each is the sum, and among how many of such names."""
    times, among = [1], [1]
    for scope in range(1, len(tree)):  # parents have lower numbers than their children
        above = times[tree.parents[scope]]
        times.append(above * len(repeats.groups.get(scope, (scope,))))
        among.append(above * repeats.spans.get(scope, 1))
    return times, among


def _together(repeats: Repeats, counters: Sequence[dict[str, int]]) -> list[dict[str, int]]:
    sums: list[dict[str, int]] = [{} for _ in counters]
    for scope, counter in zip(repeats.shown_as, counters, strict=True):
        _add(sums[scope], counter)
    return sums


def _add(sums: dict[str, int], counts: Mapping[str, int]) -> None:
    for what, number in counts.items():
        sums[what] = sums.get(what, 0) + number


def _row(
    tree: ScopeTree,
    scope: int,
    measures: Mapping[str, Sequence[int]],
    ops: tuple[Sequence[dict[str, int]], ...],
    outputs: Sequence[Leaving],
    runs: Mapping[int, str],
    *,
    label: str,
    depth: int,
    pattern: str = "",
    of: tuple[int, int] = (1, 1),
) -> ScopeRow:
    return ScopeRow(
        path=tree.path(scope),
        depth=depth,
        label=label,
        pattern=pattern,
        runs=runs.get(scope, ""),
        scopes=of[0],
        among=of[1],
        output=outputs[scope].output,
        outputs=outputs[scope].types,
        leaving=outputs[scope].number,
        ops=_computing_first(ops[0][scope]),
        aside=_most_first(ops[1][scope]),
        **{name: values[scope] for name, values in measures.items()},
    )


def _most_first(counts: Mapping[str, int]) -> Counts:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _computing_first(ops: Mapping[str, int]) -> Counts:
    return tuple(sorted(_most_first(ops), key=lambda item: item[0] in _GIVEN))
