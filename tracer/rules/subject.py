"""What the rules look at: one trace's inlined graph, with what several rules ask of it worked out once."""

from __future__ import annotations

import bisect
import dataclasses
import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from tracer.graph.inline import LIMIT, Inlined, inline
from tracer.graph.lines import Frame, InlinedLines, Stack
from tracer.graph.model import Graph, Kind, Nodes, Variable
from tracer.graph.op_sets import FRAME_OPS, PASSING_ON, VARIABLE_OPS
from tracer.graph.references import data_of, find, index_by_name
from tracer.recorded import Trace

# Ops that pass on or hold a value and compute nothing.
PLUMBING = (
    PASSING_ON
    | FRAME_OPS
    | VARIABLE_OPS
    | {"Const", "NoOp", "Placeholder", "PlaceholderWithDefault", "ReadVariableOp", "_VarHandlesOp"}
)
# Ops that change a variable.
UPDATES = re.compile(r"Assign(?:Add|Sub)?VariableOp|Resource(?:Sparse)?Apply\w+|ResourceScatter\w+")
# Scopes that gradients stand in: of a tape, and of the function that is the gradient of a function.
BACKWARD = re.compile(r"(?:^|/)(?:gradient_tape|gradients)(?:_\d+)?/")
NUMBER = re.compile(r"_\d+(?=/|$)")  # what TensorFlow adds to a name to make it unique


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
        return index_by_name(self.nodes.names)

    @functools.cached_property
    def producers(self) -> list[list[int]]:
        """For each node, whose results it reads; control edges are not among them."""
        index = self.index_of
        return [
            [at for text in data_of(inputs) if (at := find(text, index)[0]) is not None] for inputs in self.nodes.inputs
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

    @functools.cached_property
    def module_scopes(self) -> frozenset[str]:
        """The scopes of modules and layers, as their functions name them."""
        return frozenset(module.scope for module in self.trace.modules)

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

    def has_line(self, index: int) -> bool:
        """Tells whether a line of the user's in the node's own function is known, and not only that of a call of it."""
        return self.stack_key(index) is not None

    def is_library(self, index: int) -> bool:
        """Tells whether a node is the inside of what one line called: of a layer of Keras, of an op of many nodes.

        Its scope then is one line's, and the function that the line stands in has nodes elsewhere too. Where a method
        has just one line, all in the method's own scope, that line is taken for what it is.
        """
        scope, key = self.scope(index), self.stack_key(index)
        if key is None or len(scope) <= len(self.inlined.places[self.inlined.place_of[index]].prefix):
            return False
        inside = [self.stack_key(at) for at in self._inside(scope)]
        if any(other not in (key, None) for other in inside):
            return False
        stack, definition = self.stack(index), self.trace.definition
        traced = (definition.file, definition.function) if definition else None
        if [(frame.file, frame.function) == traced for frame in stack[-2:]] in ([True], [False, True]):
            return True  # the line stands in the traced function itself
        return self._made_by[key] > inside.count(key) or self._lines_of[_call(stack)] > 1

    def _inside(self, scope: str) -> Iterator[int]:
        """Returns the nodes in a scope."""
        by_name = self._by_name
        at = bisect.bisect_left(by_name, (f"{scope}/", -1))
        while at < len(by_name) and by_name[at][0].startswith(f"{scope}/"):
            yield by_name[at][1]
            at += 1

    @functools.cached_property
    def _by_name(self) -> list[tuple[str, int]]:
        return sorted(zip(self.nodes.names, range(len(self.nodes)), strict=True))

    @functools.cached_property
    def _made_by(self) -> Counter[tuple[int, int]]:
        """How many nodes each row of lines made."""
        keys = map(self.stack_key, range(len(self.nodes)))
        return Counter(key for key in keys if key is not None)

    @functools.cached_property
    def _lines_of(self) -> Counter[Stack]:
        """How many lines of each call of a function made nodes."""
        one_of = {self.stack_key(index): index for index in range(len(self.nodes))}
        return Counter(_call(self.stack(index)) for key, index in one_of.items() if key is not None)

    def stack_key(self, index: int) -> tuple[int, int] | None:
        """Returns a number for the lines of Python that made a node: equal where they are equal."""
        place = self.inlined.place_of[index]
        stacks = self.trace.lines.nodes.get(self.inlined.places[place].function)
        stack = stacks.get(self.inlined.local_name(index)) if stacks else None
        return None if stack is None or not self.trace.lines.stacks[stack] else (place, stack)


def _call(stack: Stack) -> Stack:
    """Returns the call of a function that a stack ends in: without the line, which is another as it goes on."""
    return (*stack[:-1], dataclasses.replace(stack[-1], line=0))
