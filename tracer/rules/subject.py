"""What the rules look at: one trace's inlined graph, with what several rules ask of it worked out once."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

from tracer.graph.inline import LIMIT, Inlined, inline
from tracer.graph.lines import Frame, InlinedLines, Stack
from tracer.graph.model import Graph, Kind, Nodes, Variable
from tracer.recorded import Trace

# Ops that pass on or hold a value and compute nothing.
PLUMBING = frozenset(
    (
        *("Const", "Identity", "IdentityN", "NoOp", "Placeholder", "PlaceholderWithDefault", "_Arg", "_Retval"),
        *("ReadVariableOp", "VarHandleOp", "StopGradient", "PreventGradient", "EnsureShape"),
    )
)


class Subject:
    """A trace's graph with its functions in their places. Edges are indexes of nodes."""

    def __init__(self, trace: Trace, *, limit: int = LIMIT) -> None:
        self.trace = trace
        self.graph: Graph = trace.graph
        self.inlined: Inlined = inline(self.graph, limit=limit)
        self.nodes: Nodes = self.inlined.nodes
        self._lines = InlinedLines(trace.lines, self.inlined)

    @functools.cached_property
    def index_of(self) -> dict[str, int]:
        """Node paths to indexes."""
        return {name: index for index, name in enumerate(self.nodes.names)}

    @functools.cached_property
    def producers(self) -> list[list[int]]:
        """For each node, whose results it reads; control edges are not among them."""
        find = self.index_of.get
        return [
            [at for text in inputs if text[:1] != "^" and (at := find(text.partition(":")[0])) is not None]
            for inputs in self.nodes.inputs
        ]

    @functools.cached_property
    def consumers(self) -> list[list[int]]:
        """For each node, who reads its results; control edges are not among them."""
        found: list[list[int]] = [[] for _ in self.nodes.names]
        for index, producers in enumerate(self.producers):
            for producer in producers:
                found[producer].append(index)
        return found

    @functools.cached_property
    def by_op(self) -> dict[str, list[int]]:
        """Nodes by their op."""
        found: dict[str, list[int]] = {}
        for index, kind in enumerate(self.nodes.kinds):
            found.setdefault(kind.op, []).append(index)
        return found

    @functools.cached_property
    def op_paths(self) -> frozenset[str]:
        """Scopes that are an op's own: `MatMul` of `MatMul/ReadVariableOp`, `Sum` of `Sum/reduction_indices`."""
        return frozenset(self.nodes.names)

    @functools.cached_property
    def variables(self) -> dict[int, Variable]:
        """The captured variables, by the node that stands for each."""
        return {index: variable for index, variable in self.captures.items() if variable.kind == "variable"}

    @functools.cached_property
    def captures(self) -> dict[int, Variable]:
        """What the function takes from outside, by the node that stands for each."""
        captures = self.inlined.captures or self.trace.captures
        return {self.index_of[node]: found for node, found in captures.items() if node in self.index_of}

    def of_ops(self, ops: Iterable[str]) -> Iterator[int]:
        """Returns the nodes of some ops, in the order of the graph."""
        return iter(sorted(index for op in ops for index in self.by_op.get(op, ())))

    def of_kinds(self, kinds: set[Kind]) -> Iterator[int]:
        """Returns the nodes of some kinds, in the order of the graph."""
        return (index for index, kind in enumerate(self.nodes.kinds) if kind in kinds) if kinds else iter(())

    def scope(self, index: int) -> str:
        """Returns the scope that a node stands in; an op's own scope is not one."""
        scope = self.nodes.names[index].rpartition("/")[0]
        while scope and scope in self.op_paths:
            scope = scope.rpartition("/")[0]
        return scope

    def line(self, index: int) -> Frame | None:
        """Returns the line of the user's that made a node."""
        return self._lines.line(index)

    def stack(self, index: int) -> Stack:
        """Returns the user's frames behind a node, the outermost first."""
        return self._lines.stack(index)

    def stack_key(self, index: int) -> tuple[int, int] | None:
        """Returns a number for the lines of Python that made a node: equal where they are equal."""
        place = self.inlined.place_of[index]
        stacks = self.trace.lines.nodes.get(self.inlined.places[place].function)
        stack = stacks.get(self.inlined.local_name(index)) if stacks else None
        return None if stack is None or not self.trace.lines.stacks[stack] else (place, stack)
