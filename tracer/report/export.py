"""A stage of a trace to what `export` writes of it: nodes, edges and scopes by number, ready to be drawn or listed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tracer.graph.clean import CONSTANT, VARIABLE, clean
from tracer.graph.hlo import read_hlo
from tracer.graph.hlo_origins import hlo_origins
from tracer.graph.inline import LIMIT, Inlined, inline
from tracer.graph.lines import Frame, InlinedLines
from tracer.graph.model import Kind, Tensor, TensorType, Variable
from tracer.graph.names import function_name, node_path
from tracer.graph.references import index_by_name, producer_of, split
from tracer.graph.scopes import ScopeTree, named_scope, place_scopes, scope_tree
from tracer.recorded import HLO_STAGES, Trace
from tracer.text import shape as shape_text
from tracer.timing.timing import TimedNode, Timing

_PLACEHOLDERS = ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "_Arg", "_DeviceArg")
_NUMBER = re.compile(r"_\d+$")


class Read(NamedTuple):
    """A variable or a constant that a node reads, and that has no node of its own in the clean view."""

    path: str
    kind: str  # "variable" or "constant"
    text: str  # the variable's name, or the constant's value


class Cost(NamedTuple):
    """What a node took in the window of its run, on all devices."""

    calls: int
    self_ns: int
    total_ns: int  # with what it called
    allocated_bytes: int
    phase: str  # "forward", "backward", ...
    module: str  # the layer or module that it stands in; empty if there is none


class ViewNode(NamedTuple):
    """A node."""

    path: str
    op: str
    label: str  # the variable's name, the user's name for the node, or else its op
    group: int  # the scope that it lies in, as a number in `GraphView.groups`
    scope: str  # that scope's path
    device: str
    outputs: tuple[TensorType, ...]
    attributes: Mapping[str, Any]  # without what is told elsewhere: the shapes of its outputs
    inputs: tuple[str, ...]  # "net/add", "net/split:1", "^net/init"; those that are not in the view too
    line: Frame | None  # the user's line that made it
    variable: Variable | None  # what it stands for, if that comes from outside of the function
    reads: tuple[Read, ...]
    functions: tuple[str, ...]  # names of the Python functions that it runs
    not_followed: str  # why the function that it runs stays closed; empty if it does not
    outside: bool  # it lies outside the scope of the view, and is there because something inside reads it
    cost: Cost | None = None  # None if it was not executed under its own name, or nobody looked


class Edge(NamedTuple):
    """An edge between two nodes, which are numbers in `GraphView.nodes`."""

    source: int
    port: int  # of the source's outputs, or `CONTROL`
    target: int
    input: int  # which of the target's inputs, control edges counted
    type: TensorType | None  # None if unknown, and for control edges


class Group(NamedTuple):
    """A scope. Its path is its name behind its parent's: written out for each, nested paths grow with the square."""

    name: str  # the last part of its path; for the first group, which holds everything, the path of the whole view
    label: str  # the name, and the Python function that is called there
    parent: int  # -1 for the first; parents come before their children
    depth: int  # 0 for the first
    nodes: int  # in it and below it, without those from outside
    function: str  # the function's runtime name, if the scope is a run of one; else empty


@dataclasses.dataclass(frozen=True, slots=True)
class GraphView:
    """One stage of a trace that is a graph, its functions inlined."""

    trace: Trace
    stage: str
    scope: str  # the only one that is in the view; empty for all
    raw: bool
    nodes: tuple[ViewNode, ...]
    edges: tuple[Edge, ...]  # by target and input
    groups: tuple[Group, ...]
    put_aside: Mapping[str, str]  # nodes that the clean view leaves out, by path, with the reason
    timing: Timing | None = None  # where the costs of nodes are from


@dataclasses.dataclass(frozen=True, slots=True)
class TextView:
    """One stage of a trace that is a text: source, AutoGraph code, HLO."""

    trace: Trace
    stage: str
    text: str


def export_view(
    trace: Trace,
    *,
    stage: str = "traced",
    scope: str = "",
    raw: bool = False,
    limit: int = LIMIT,
    timing: Timing | None = None,
) -> GraphView | TextView:
    """Returns what there is to export of one stage of a trace.

    Args:
      trace: the trace.
      stage: one of `recorded.STAGES`.
      scope: only this scope; of a graph.
      raw: also constants, variables, identities, no-ops and control edges; of a graph.
      limit: how many nodes an inlined graph may have.
      timing: of the trace's run, for what its nodes took; the instructions of the HLO stages are not nodes.

    Raises:
      NotFound: the stage was not recorded, or there is no such scope.
      TooLarge: the graph has more nodes than `limit`.
    """
    content = trace.stage(stage)
    if isinstance(content, str):
        if stage not in HLO_STAGES:
            return TextView(trace, stage, content)
        content = read_hlo(content, f"the stage '{stage}' of {trace.id}")
    full = inline(content, limit=limit)
    view = _View(trace, stage, full, _lines(trace, stage, full, limit), raw=raw).view(scope)
    return view if timing is None or stage in HLO_STAGES else _with_costs(view, timing)


def _lines(trace: Trace, stage: str, graph: Inlined, limit: int) -> Callable[[int], Frame | None]:
    """Returns what tells the line behind a node of the inlined graph."""
    if not trace.lines.nodes:
        return lambda _: None
    if stage == "traced":
        return InlinedLines(trace.lines, graph).line
    # Lines are recorded for the traced graph; a node of a later stage has that of the traced node of its path, an
    # instruction of HLO that of the first node that XLA made it from.
    if trace.stages.get("traced"):
        return lambda _: None
    traced = inline(trace.graph, limit=limit)
    source = InlinedLines(trace.lines, traced)
    if stage in HLO_STAGES:
        origins: Sequence[Sequence[int]] = hlo_origins(traced, graph)
    else:
        known = index_by_name(traced.nodes.names)
        paths = map(node_path, graph.nodes.names)
        origins = [(known[path],) if path in known else () for path in paths]
    return lambda index: next(filter(None, map(source.line, origins[index])), None)


def _with_costs(view: GraphView, timing: Timing) -> GraphView:
    """Returns the view with what its nodes took: those of its trace that were executed at their paths."""
    found: dict[str, Cost] = {}
    for node in timing.nodes:
        if node.time.trace == view.trace.id:
            found[node.time.path] = _cost(node, found.get(node.time.path))
    nodes = tuple(node._replace(cost=found.get(node.path)) for node in view.nodes)
    return dataclasses.replace(view, nodes=nodes, timing=timing)


def _cost(node: TimedNode, before: Cost | None) -> Cost:
    time, owner = node.time, node.owner
    cost = Cost(
        time.calls, time.self_ns, time.total_ns, time.bytes, owner.phase, owner.module.name if owner.module else ""
    )
    if before is None:
        return cost
    return cost._replace(
        calls=before.calls + cost.calls,
        self_ns=before.self_ns + cost.self_ns,
        total_ns=before.total_ns + cost.total_ns,
        allocated_bytes=before.allocated_bytes + cost.allocated_bytes,
    )


class _View:
    """Puts a view together."""

    def __init__(
        self, trace: Trace, stage: str, full: Inlined, line: Callable[[int], Frame | None], *, raw: bool
    ) -> None:
        self._trace, self._stage, self._raw, self._full, self._line = trace, stage, raw, full, line
        cleaned = None if raw else clean(full)
        self._graph = full if cleaned is None else cleaned.graph
        self._put_aside = {} if cleaned is None else cleaned.put_aside
        self._badges = {} if cleaned is None else cleaned.badges
        self._index = index_by_name(full.nodes.names)  # in the full graph
        self._tree = scope_tree(self._graph, raw=raw)
        self._functions = _functions(self._graph, self._tree)
        self._kinds: dict[Kind, tuple[Mapping[str, Any], tuple[str, ...]]] = {}
        self._paths: dict[int, str] = {}

    def view(self, scope: str) -> GraphView:
        """Returns the view of one scope."""
        root = named_scope(self._tree, scope, self._full.nodes.names)
        scope = self._tree.path(root)
        groups, moved = self._groups(root, scope)
        chosen = [index for index, owner in enumerate(self._tree.owners) if owner in moved]
        positions = index_by_name([self._graph.nodes.names[index] for index in chosen])
        full_indexes = self._full_indexes()
        nodes = [self._node(index, full_indexes[index], moved[self._tree.owners[index]]) for index in chosen]
        if scope:
            nodes += self._outside(nodes, positions, scope)
        edges = tuple(_edges(nodes, positions))
        below = f"{scope}/" if scope else ""
        put_aside = {path: reason for path, reason in self._put_aside.items() if path.startswith(below)}
        return GraphView(self._trace, self._stage, scope, self._raw, tuple(nodes), edges, tuple(groups), put_aside)

    def _groups(self, root: int, scope: str) -> tuple[list[Group], dict[int, int]]:
        """Returns the scopes of the view, and their numbers in it by their numbers in the tree."""
        tree = self._tree
        totals = tree.total(tree.own([1] * len(tree.owners)))
        groups = [Group(scope, scope or "(graph)", -1, 0, totals[root], self._functions.get(root, ""))]
        moved = {root: 0}
        for number in range(root + 1, len(tree)):  # children have higher numbers than their parents
            parent = moved.get(tree.parents[number])
            if parent is None:
                continue
            name, function = tree.names[number], self._functions.get(number, "")
            label = f"{name} ({_python_name(function)})" if function and _is_plain(name) else name
            moved[number] = len(groups)
            groups.append(Group(name, label, parent, groups[parent].depth + 1, totals[number], function))
        return groups, moved

    def _full_indexes(self) -> Sequence[int]:
        """Returns where the nodes of the view stand in the full graph: there their lines are known."""
        if self._raw:
            return range(len(self._graph.nodes))
        names, found, at = self._full.nodes.names, [], 0
        for name in self._graph.nodes.names:  # in the same order, so that nodes that share a name are told apart
            while names[at] != name:
                at += 1
            found.append(at)
            at += 1
        return found

    def _node(self, index: int, full_index: int, group: int, *, outside: bool = False) -> ViewNode:
        path, kind, inputs, device = self._graph.nodes[index]
        if kind not in self._kinds:
            self._kinds[kind] = _told(kind)
        attributes, functions = self._kinds[kind]
        variable = self._graph.captures.get(path)
        return ViewNode(
            path=path,
            op=kind.op,
            label=path if outside else _label(path, kind.op, variable),
            group=group,
            scope=self._scope(self._tree.owners[index]),
            device=device,
            outputs=kind.outputs,
            attributes=attributes,
            inputs=inputs,
            line=self._line(full_index),
            variable=variable,
            reads=tuple(self._reads(self._badges.get(path, ()))),
            functions=functions,
            not_followed=self._graph.not_followed.get(path, ""),
            outside=outside,
        )

    def _scope(self, number: int) -> str:
        if number not in self._paths:
            self._paths[number] = self._tree.path(number)
        return self._paths[number]

    def _reads(self, paths: Iterable[str]) -> Iterable[Read]:
        for path in paths:
            reason = self._put_aside.get(path, "")
            if reason == VARIABLE:
                variable = self._full.captures.get(path)
                shared = self._full.nodes.kinds[self._index[path]].attributes.get("shared_name")
                yield Read(path, VARIABLE, (variable.name if variable else str(shared or "")) or path)
            elif reason == CONSTANT:
                yield Read(path, CONSTANT, _value(self._full.nodes.kinds[self._index[path]].attributes.get("value")))

    def _outside(self, nodes: list[ViewNode], positions: dict[str, int], scope: str) -> list[ViewNode]:
        """Returns the nodes that those of the view read; adds their positions."""
        everywhere = index_by_name(self._graph.nodes.names)
        full_indexes = self._full_indexes()
        found: list[ViewNode] = []
        for node in nodes:
            for reference in node.inputs:
                path = producer_of(reference)
                if path in positions or path not in everywhere:
                    continue
                positions[path] = len(nodes) + len(found)
                index = everywhere[path]
                found.append(self._node(index, full_indexes[index], 0, outside=True)._replace(inputs=(), reads=()))
        return found


def _edges(nodes: Sequence[ViewNode], positions: Mapping[str, int]) -> Iterable[Edge]:
    for target, node in enumerate(nodes):
        for number, reference in enumerate(node.inputs):
            path, port = split(reference)
            source = positions.get(path)
            if source is not None:
                outputs = nodes[source].outputs
                known = 0 <= port < len(outputs)
                yield Edge(source, port, target, number, outputs[port] if known else None)


def _functions(graph: Inlined, tree: ScopeTree) -> dict[int, str]:
    """Returns the function that runs in a scope, by the scope's number."""
    places = zip(graph.places[1:], place_scopes(graph, tree)[1:], strict=True)
    return {scope: place.function for place, scope in places if scope is not None}


def _is_plain(name: str) -> bool:
    """Tells whether a scope's own name leaves open what runs there: that of a call does, `body` does not."""
    return name not in {"then", "else", "cond", "body"} and not re.fullmatch(r"branch\d+", name)


def _python_name(runtime_name: str) -> str:
    name, kind = function_name(runtime_name)
    return name if kind == "inference" else f"{name}, {kind}"


def _told(kind: Kind) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    attributes = {name: value for name, value in kind.attributes.items() if name != "_output_shapes"}
    return attributes, tuple(_python_name(body.function) for body in kind.bodies)


def _label(path: str, op: str, variable: Variable | None) -> str:
    if variable and variable.name:
        return variable.name
    name = path.rpartition("/")[2]
    if op in _PLACEHOLDERS:
        return name
    # TensorFlow names a node after its op, or after the start of it: `add_1` is an AddV2. Other names are the user's.
    stem = _NUMBER.sub("", name).lower()
    from_op = op.lower() == stem or (len(stem) >= 3 and op.lower().startswith(stem))
    return op if not stem or from_op else name


def _value(value: Any) -> str:
    """Returns a constant in a few characters."""
    if not isinstance(value, Tensor):
        return ""
    if value.values and value.shape == ():
        return str(value.values[0])
    return f"{value.dtype}{shape_text(value.shape)}"
