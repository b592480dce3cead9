"""Inlining: each node once for every place that runs it, at its node path, with edges that go through the calls.

A node that runs functions stands *behind* their nodes: what the functions return are its inputs, and who reads their
results reads it. What the functions take they read from the producers themselves, as in TensorFlow's own inlining.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Container, Iterable, Mapping, Sequence

from tracer.graph.arguments import element_kinds, given, kept
from tracer.graph.inlined_size import LIMIT, Calls, TooLarge, check_growth, check_size, inlined_nodes
from tracer.graph.model import Body, Graph, Kind, Node, Nodes, Variable
from tracer.graph.references import by_name, data_of, in_graph, index_by_name, is_control, port_number, producer_of

__all__ = ["LIMIT", "MISSING", "RECURSIVE", "Inlined", "Place", "TooLarge", "inline", "inlined_nodes"]

RECURSIVE = "recursive"
MISSING = "missing"

# An argument by its position, ~position where a control edge leads to it; or what stands before and behind a prefix.
_Reference = int | tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where the nodes of a function stand: the graph itself, or one run of a function by a node."""

    prefix: str  # of the node paths: "net/while/body/"; empty for the graph itself
    function: str = ""  # the function's runtime name; empty for the graph itself
    parent: int = -1  # the place of the node that runs it; -1 for the graph itself
    call: str = ""  # that node, as its own function names it
    label: str = ""  # "body"; empty for a plain call


@dataclasses.dataclass(frozen=True, slots=True)
class Inlined:
    """A graph without functions."""

    nodes: Nodes  # names are node paths, and so are inputs: "net/add", "net/split:1", "^net/init"
    places: tuple[Place, ...]  # the graph itself is the first
    place_of: Sequence[int]  # for each node, the index of its place
    not_followed: Mapping[str, str]  # nodes whose function stays closed, by path: `RECURSIVE` or `MISSING`
    captures: Mapping[str, Variable]  # by node path
    added: Collection[str] = ()  # paths of nodes that no graph holds: of arguments which a call does not give

    def local_name(self, index: int) -> str:
        """Returns a node's name in its own function."""
        return self.nodes.names[index][len(self.places[self.place_of[index]].prefix) :]


def inline(graph: Graph, *, limit: int = LIMIT) -> Inlined:
    """Returns the graph with the functions that its nodes run in the nodes' places, nested to any depth.

    A function that is open already is not entered again, so recursion ends; `not_followed` names where.

    Raises:
      TooLarge: there would be more than `limit` nodes, or paths too long to hold.
    """
    calls = Calls(graph)
    if not calls.of(graph.nodes):
        return Inlined(graph.nodes, (Place(""),), [0] * len(graph.nodes), {}, graph.captures)
    check_size(graph, calls, limit)
    return _Inliner(graph, calls, limit).run()


class _Compiled:
    """A function as it is put in place again and again: its references read once."""

    def __init__(self, nodes: Nodes, arguments: Sequence[str], returns: Sequence[str], calls: Calls) -> None:
        self.nodes = nodes
        self.arguments = arguments
        self.calls = calls.of(nodes)
        self._positions = index_by_name(arguments)
        self._kinds = by_name(nodes.names, nodes.kinds)
        self.inputs = [[self._reference(text) for text in inputs] for inputs in nodes.inputs]
        self.returns = [self._reference(text) for text in returns]

    def producer(self, index: int) -> Kind | None:
        """Returns what kind of node makes the first input of a node; None if that is an argument, or unknown."""
        first = next(iter(self.inputs[index]), 0)
        return None if isinstance(first, int) else self._kinds.get(producer_of(first[1]))

    def _reference(self, text: str) -> _Reference:
        if is_control(text):
            name = text[1:]
            return ~self._positions[name] if name in self._positions and name not in self._kinds else ("^", name)
        if text in self._kinds:
            return "", text
        name, _, port = text.partition(":")
        if name in self._positions and name not in self._kinds:
            return self._positions[name] + port_number(port)  # "x:1" is the second of a list
        return "", in_graph(text, self._kinds)


class _Inliner:
    """Fills the columns of the inlined graph."""

    def __init__(self, graph: Graph, calls: Calls, limit: int) -> None:
        self._graph = graph
        self._calls = calls
        self._limit = limit
        self._compiled = {"": _Compiled(graph.nodes, (), (), calls)}
        self._names: list[str] = []
        self._kinds: list[Kind] = []
        self._inputs: list[tuple[str, ...]] = []
        self._devices: list[str] = []
        self._places: list[Place] = [Place("")]
        self._arguments: list[Sequence[str]] = [()]
        self._place_of: list[int] = []
        self._not_followed: dict[str, str] = {}
        self._added: set[str] = set()
        self._characters = 0
        self._edges = 0

    def run(self) -> Inlined:
        """Returns the inlined graph."""
        # A stack and not recursion, as functions nest deep. Each entry: a place, and how far its calls are done;
        # -1 waits for its turn: only then is its function open.
        stack = [(0, -1)]
        opened: dict[str, None] = {}
        while stack:
            place, done = stack.pop()
            compiled = self._function(self._places[place].function)
            if done < 0:
                opened[self._places[place].function] = None
                done = 0
            start = compiled.calls[done - 1][0] + 1 if done else 0
            if done == len(compiled.calls):
                self._copy(place, compiled, start, len(compiled.nodes))
                opened.popitem()
                continue
            index, bodies = compiled.calls[done]
            self._copy(place, compiled, start, index)
            stack.append((place, done + 1))
            stack.extend((inner, -1) for inner in reversed(self._call(place, compiled, index, bodies, opened)))
        nodes = Nodes(self._names, self._kinds, (self._inputs, self._devices))
        captures = self._graph.captures
        return Inlined(nodes, tuple(self._places), self._place_of, self._not_followed, captures, self._added)

    def _function(self, name: str) -> _Compiled:
        if name not in self._compiled:
            function = self._graph.functions[name]
            self._compiled[name] = _Compiled(function.nodes, function.arguments, function.returns, self._calls)
        return self._compiled[name]

    def _copy(self, place: int, compiled: _Compiled, start: int, end: int) -> None:
        """Adds nodes that run nothing."""
        nodes = compiled.nodes
        prefix, arguments = self._places[place].prefix, self._arguments[place]
        self._names += [prefix + name for name in nodes.names[start:end]]
        self._kinds += nodes.kinds[start:end]
        self._inputs += [_resolve(inputs, prefix, arguments) for inputs in compiled.inputs[start:end]]
        self._devices += nodes.devices[start:end]
        self._place_of += [place] * (end - start)
        edges = sum(map(len, compiled.inputs[start:end]))
        self._guard((end - start + edges) * len(prefix), edges)

    def _call(
        self, place: int, compiled: _Compiled, index: int, bodies: Sequence[Body], opened: Container[str]
    ) -> list[int]:
        """Adds a node that runs functions, and returns the places of those that can be followed."""
        node = compiled.nodes[index]
        prefix, arguments = self._places[place].prefix, self._arguments[place]
        path = prefix + node.name
        inputs = _resolve(compiled.inputs[index], prefix, arguments)
        data = data_of(inputs)
        inner: list[int] = []
        returned: list[str] = []
        for number, body in enumerate(bodies):
            if body.function not in self._graph.functions or body.function in opened:
                self._not_followed[path] = RECURSIVE if body.function in opened else MISSING
                continue
            function = self._function(body.function)
            body_prefix = f"{path}/{body.label}/" if body.label else f"{path}/"
            inputs_given = given(node, body.label, number, function.arguments, data)
            dataset = compiled.producer(index) if "Dataset" in node.op else None
            self._synthesise(place, body_prefix, function.arguments, inputs_given, dataset, data[:1])
            taken = [text or body_prefix + name for text, name in zip(inputs_given, function.arguments, strict=True)]
            inner.append(len(self._places))
            self._places.append(Place(body_prefix, body.function, place, node.name, body.label))
            self._arguments.append(taken)
            returned += _resolve(function.returns, body_prefix, taken)
        own = inputs if path in self._not_followed else kept(node, inputs)
        self._add(place, node._replace(name=path, inputs=(*own, *returned)))
        return inner

    def _synthesise(
        self,
        place: int,
        prefix: str,
        names: Sequence[str],
        taken: Sequence[str],
        dataset: Kind | None,
        source: Sequence[str],
    ) -> None:
        """Adds a node for each argument that no input stands for: of a dataset's function, the parts of an element.

        Args:
          place: where the call is.
          prefix: of the function's nodes.
          names: the function's arguments.
          taken: which input stands for each; empty where none does.
          dataset: the kind of the dataset whose elements the function takes, if it takes such.
          source: that dataset.
        """
        parts = [name for name, text in zip(names, taken, strict=True) if not text]
        self._added.update(prefix + name for name in parts)
        for name, kind in zip(parts, element_kinds(dataset, len(parts)), strict=True):
            self._add(place, Node(prefix + name, kind, tuple(source) if dataset else (), ""))

    def _add(self, place: int, node: Node) -> None:
        self._names.append(node.name)
        self._kinds.append(node.kind)
        self._inputs.append(node.inputs)
        self._devices.append(node.device)
        self._place_of.append(place)
        self._guard(len(node.name), len(node.inputs))

    def _guard(self, characters: int, edges: int) -> None:
        """Stops where functions that call each other make more of themselves than was counted before."""
        self._characters += characters
        self._edges += edges
        check_growth(len(self._names), self._characters, self._edges, self._limit)


def _resolve(references: Iterable[_Reference], prefix: str, arguments: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        [
            _argument(part, prefix, arguments) if isinstance(part, int) else part[0] + prefix + part[1]
            for part in references
        ]
    )


def _argument(position: int, prefix: str, arguments: Sequence[str]) -> str:
    if position < 0:
        return "^" + producer_of(_argument(~position, prefix, arguments))
    return arguments[position] if position < len(arguments) else f"{prefix}argument_{position}"
