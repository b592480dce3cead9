"""Whose the nodes of a trace are: the lines of Python, the module, the phase, and what is fused into them."""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple

from tracer.errors import TracerError
from tracer.graph.hlo import read_hlo
from tracer.graph.inline import Inlined, inline
from tracer.graph.lines import Frame, InlinedLines, Stack
from tracer.graph.model import Graph
from tracer.graph.references import index_by_name
from tracer.graph.stage_map import made_from
from tracer.profile.coverage import bodies_of, executable, untraced
from tracer.profile.hlo_nodes import hlo_nodes
from tracer.profile.lookup import Recorded
from tracer.recorded import ModuleScope, Trace, Warned
from tracer.timing.phases import BACKWARD, FORWARD, INPUT, OTHER, phases, without_tape

# How TensorFlow names gradients in the body of a loop or a branch (tensorflow/python/ops/gradients_util.py).
_OF_BODY = re.compile(r".*(?:^|/)gradients(?:_\d+)?/(?P<op>.+?)_grad(?:_\d+)?/")
_DATASET = "Dataset_"  # what TensorFlow puts before the name of a function that tf.data runs


class Owner(NamedTuple):
    """Whose a node is."""

    op: str  # of the node that is executed: "_FusedMatMul"
    stack: Stack  # the user's lines that made it, the outermost first; empty if none is known
    phase: str
    module: ModuleScope | None  # the innermost module or layer that it stands in
    fused: tuple[str, ...]  # other nodes that are executed with it, by path
    gradient_of: (
        Frame | None
    )  # the line of the forward pass that it is a gradient of, where only one comes into question


NOBODY = Owner("", (), OTHER, None, (), None)


class TraceOwners:
    """The nodes of a trace at both of its graphs' paths. What cannot be read is in `damaged`, and has no nodes."""

    def __init__(self, trace: Trace, *, limit: int) -> None:
        self.trace = trace
        self.damaged: list[Warned] = []
        self._limit = limit
        self._known: dict[str, Owner] = {}

    def recorded(self) -> Recorded:
        """Returns the trace as executions are looked up in it; what that needs of it is read when it is asked for."""
        return Recorded(
            self.trace.id,
            self.trace.runtime_name,
            _Paths(self),
            _Instructions(self),
            of_input=self.trace.name.startswith(_DATASET),
            device=self.device,
        )

    def has(self, path: str) -> bool:
        """Returns whether one of the graphs has a node of that path."""
        return path in self._index or path in self._optimized_index

    def device(self, path: str) -> str:
        """Returns where the node at a path was placed: TensorFlow writes it into the optimised graph."""
        for graph, index in ((self._optimized, self._optimized_index), (self._traced, self._index)):
            if graph is not None and path in index and (device := graph.nodes.devices[index[path]]):
                return device
        return ""

    def untraced(self, calls: Mapping[str, int], runs: int) -> int:
        """Returns how many executions of cheap nodes TensorFlow did not trace, as the loops and branches tell.

        Args:
          calls: executions in the profile, by node path.
          runs: how often Python called the trace.
        """
        if self._optimized is None or self._traced is None or self.trace.jit_compile:
            return 0
        return sum(row.missing for row in untraced(executable(self._optimized), calls, bodies_of(self._traced), runs))

    def owner(self, path: str) -> Owner:
        """Returns whose the node at a path is; each is looked for once."""
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = self._owner(path)
        return found

    def _owner(self, path: str) -> Owner:
        known = self._index
        origins = tuple([origin for origin in self._made_from.get(path, (path,)) if origin in known])
        index = known[origins[0]] if origins else None
        phase = self._phase(path, index)
        return Owner(
            op=self._op(path),
            stack=self._stack(origins),
            phase=phase,
            module=self._module(index),
            fused=tuple([origin for origin in origins if origin != path]),
            gradient_of=self._gradient_of(path) if phase == BACKWARD else None,
        )

    def _op(self, path: str) -> str:
        for graph, index in ((self._optimized, self._optimized_index), (self._traced, self._index)):
            if graph is not None and path in index:
                return graph.nodes.kinds[index[path]].op
        return ""

    def _stack(self, origins: tuple[str, ...]) -> Stack:
        """Returns the lines behind the first of a node's origins that has any, from the traced function on.

        Who called that function for the first time, and so had it traced, is not who calls it in the window.
        """
        if self._lines is None:
            return ()
        stacks = (self._lines.stack(self._index[origin]) for origin in origins if origin in self._index)
        stack = next(filter(None, stacks), ())
        own = self.trace.definition
        if own is None:
            return stack
        named = [
            (frame.line - own.line, at)
            for at, frame in enumerate(stack)
            if (frame.file, frame.function) == (own.file, own.function) and frame.line >= own.line
        ]
        return stack[min(named)[1] :] if named else stack  # of functions of one name, the one that begins closest above

    def _phase(self, path: str, index: int | None) -> str:
        if self.trace.name.startswith(_DATASET):
            return INPUT
        if self.trace.kind == "backward" or (index is None and without_tape(path) != path):
            return BACKWARD
        return self._phases[index] if index is not None else FORWARD

    def _module(self, index: int | None) -> ModuleScope | None:
        """Returns the module whose scope is the longest around a node, in its own function, else around the call."""
        if index is None or self._traced is None or not self._modules:
            return None
        place, name = self._traced.place_of[index], self._traced.local_name(index)
        while place >= 0:
            found = self._around(name)
            if found:
                return found
            place, name = self._traced.places[place].parent, self._traced.places[place].call
        return self._modules.get("")  # the trace is a method of it

    def _around(self, name: str) -> ModuleScope | None:
        scope = without_tape(name)
        while scope:
            if scope in self._modules:
                return self._modules[scope]
            scope = scope.rpartition("/")[0]
        return None

    def _gradient_of(self, path: str) -> Frame | None:
        """Returns the line of what a gradient mirrors: `gradient_tape/net/add/Sum` is of the line of `net/add`.

        In the body of a loop, or of a branch, the op is named right: `gradients/while/Tanh_grad/TanhGrad` is of the
        line of the node `while/Tanh` of some body.
        """
        mirrored = without_tape(path)
        if mirrored == path:
            return None
        in_body = _OF_BODY.search(path)
        if in_body:
            lines = self._local_lines.get(in_body["op"], frozenset())
        else:
            lines = self._scope_lines.get(mirrored.rpartition("/")[0], frozenset())
        return next(iter(lines)) if len(lines) == 1 else None

    def _graph(self, stage: str) -> Inlined | None:
        content = self._stage(stage)
        try:
            return inline(content, limit=self._limit) if isinstance(content, Graph) else None
        except TracerError as error:
            self.damaged.append(Warned("damaged", error.message, error.hint))
            return None

    def _stage(self, stage: str) -> Graph | str | None:
        if self.trace.stages.get(stage, "not recorded"):
            return None
        try:
            return self.trace.stage(stage)
        except TracerError as error:
            self.damaged.append(Warned("damaged", error.message, error.hint))
            return None

    @functools.cached_property
    def instructions(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes that XLA made each of its instructions from: see `hlo_nodes`."""
        program = self._stage("optimized_hlo")
        try:
            if not isinstance(program, str) or self._traced is None:
                return {}
            return hlo_nodes(read_hlo(program), self._traced, limit=self._limit)
        except TracerError as error:
            self.damaged.append(Warned("damaged", error.message, error.hint))
            return {}

    @functools.cached_property
    def _traced(self) -> Inlined | None:
        return self._graph("traced")

    @functools.cached_property
    def _optimized(self) -> Inlined | None:
        return self._graph("optimized")

    @functools.cached_property
    def _index(self) -> dict[str, int]:
        return _index(self._traced)

    @functools.cached_property
    def _optimized_index(self) -> dict[str, int]:
        return _index(self._optimized)

    @functools.cached_property
    def _made_from(self) -> Mapping[str, tuple[str, ...]]:
        return made_from(self._traced, self._optimized) if self._traced and self._optimized else {}

    @functools.cached_property
    def _lines(self) -> InlinedLines | None:
        return InlinedLines(self.trace.lines, self._traced) if self._traced else None

    @functools.cached_property
    def _phases(self) -> list[str]:
        return phases(self._traced.nodes) if self._traced else []

    @functools.cached_property
    def _scope_lines(self) -> Mapping[str, frozenset[Frame]]:
        """The lines that made the nodes of the forward pass right in each scope; a node is a scope of its own, too."""
        found: dict[str, set[Frame]] = {}
        if self._traced is None or self._lines is None:
            return {}
        for index, (name, phase) in enumerate(zip(self._traced.nodes.names, self._phases, strict=True)):
            line = self._lines.line(index) if phase == FORWARD and "/" in name else None
            if line:
                found.setdefault(name, set()).add(line)
                found.setdefault(name.rpartition("/")[0], set()).add(line)
        return {scope: frozenset(lines) for scope, lines in found.items()}

    @functools.cached_property
    def _local_lines(self) -> Mapping[str, frozenset[Frame]]:
        """The lines that made the nodes of the forward pass, by their names in their own functions."""
        found: dict[str, set[Frame]] = {}
        if self._traced is None or self._lines is None:
            return {}
        for index, phase in enumerate(self._phases):
            line = self._lines.line(index) if phase == FORWARD else None
            if line:
                found.setdefault(self._traced.local_name(index), set()).add(line)
        return {name: frozenset(lines) for name, lines in found.items()}

    @functools.cached_property
    def _modules(self) -> Mapping[str, ModuleScope]:
        return {module.scope: module for module in self.trace.modules}


class _Paths(Container[str]):
    """The node paths of a trace: most traces of a program that traces again and again did not run in the window."""

    def __init__(self, owners: TraceOwners) -> None:
        self._owners = owners

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._owners.has(path)


class _Instructions(Mapping[str, tuple[str, ...]]):
    """The instructions of a trace's program."""

    def __init__(self, owners: TraceOwners) -> None:
        self._owners = owners

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return self._owners.instructions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._owners.instructions)

    def __len__(self) -> int:
        return len(self._owners.instructions)


def _index(graph: Inlined | None) -> dict[str, int]:
    return index_by_name(graph.nodes.names) if graph else {}
