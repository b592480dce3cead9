"""Whose an execution is: a node's, Python's, tf.data's or the runtime's; or the reason why nobody's."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple

from tracer.profile.hlo_nodes import is_program_of
from tracer.profile.model import EAGER, FOLDING, HOST, FunctionRun, Op
from tracer.profile.names import is_input

# Kinds of owners.
OF_NODE = "node"  # a node of a recorded trace
OF_EAGER = "eager"  # an op that Python ran by itself, of which there is no graph: known by its type
OF_INPUT = "input"  # the tf.data pipeline, as far as no function holds it: datasets, iterators, Python's ops, by type
OF_RUNTIME = "runtime"  # what TensorFlow does for itself, by what that is

# What TensorFlow does for itself.
CONSTANTS = "constant folding"  # Grappler runs nodes of constants, once, when a function runs for the first time
TRANSFERS = "transfers"  # tensors handed from one part of a graph to another
PROGRAM_MEMORY = "XLA programs"  # their memory, which they take as a whole

# Why an execution is nobody's.
NO_PROGRAM = "XLA programs whose HLO is not recorded"
XLA_OWN = "instructions that XLA added, which name no node"
NO_FUNCTION = "functions that are not recorded"
NO_NODE = "nodes that are in no recorded graph"
NO_LAUNCH = "kernels that name no node"


_DATASET = re.compile(r"\w*Dataset(V\d+)?")
_TRANSFER = re.compile(r"_(Host)?(Send|Recv)")


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded trace, as far as executions are looked up in it."""

    trace: str  # its name in the answer: "000-step"
    function: str  # runtime name: "__inference_step_28"
    paths: Container[str]  # node paths of its graphs, traced and optimised
    instructions: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # see `hlo_nodes`
    of_input: bool = False  # whether tf.data runs it, by its name
    called: bool = False  # whether Python calls it: then tf.data does not run it
    source: str = ""  # what it is a trace of: traces of one Python function have that in common
    device: Callable[[str], str] = lambda _: ""  # on which device the node at a path was placed; empty if unknown


class Owner(NamedTuple):
    """Whose executions are."""

    kind: str  # `OF_NODE`, `OF_EAGER`, `OF_INPUT`, `OF_RUNTIME`
    trace: str  # of `Recorded`; empty for other kinds
    path: str  # the node path; of other kinds the type of the op, or what the runtime did


Owners = tuple[Owner, ...]


class Lookup:
    """Finds the owners of executions; each question is answered once.

    Traces are asked one after the other, so that those behind need not be read where the first have the answer.
    """

    def __init__(self, recorded: Sequence[Recorded]) -> None:
        self._recorded = recorded
        self._by_function = {trace.function: trace for trace in recorded if trace.function}
        may_be_input = (trace for trace in recorded if trace.of_input or not trace.called)
        self._run_by_input = sorted(may_be_input, key=lambda trace: not trace.of_input)
        self._by_trace = {trace.trace: trace for trace in recorded}
        self._devices: dict[Owner, str] = {}
        self._programs: dict[str, Recorded | None] = {}
        self._known: dict[tuple[Op, str, str, bool, bool], Owners | str] = {}

    def owners(self, op: Op, run: FunctionRun) -> Owners | str:
        """Returns whose an execution is, or the reason why it is nobody's.

        Several nodes share an execution in equal parts: those that XLA made one instruction from.
        """
        key = (op, run.function, run.prefix, run.number == FOLDING, run.input)
        if key not in self._known:
            self._known[key] = self._find(op, run)
        return self._known[key]

    def device(self, owner: Owner, seen: str) -> str:
        """Returns the device that an owner's execution ran on, where it was seen on a device of this name.

        Threads of the host do not say for which of its logical devices they work: the node does.
        """
        trace = self._by_trace.get(owner.trace)
        if trace is None or not seen.startswith(HOST):
            return seen
        if owner not in self._devices:
            placed = trace.device(owner.path)
            at = placed.find(HOST)
            self._devices[owner] = placed[at:] if at >= 0 else ""
        return self._devices[owner] or seen

    def _find(self, op: Op, run: FunctionRun) -> Owners | str:
        if op.kind == EAGER:
            return _other(OF_INPUT if run.input or is_input(op.type) else OF_EAGER, op.type)
        if op.module:
            return self._instruction(op, run)
        if not op.path:
            return NO_LAUNCH
        if run.number == FOLDING:
            return _other(OF_INPUT, op.type) if _DATASET.fullmatch(op.type) else _other(OF_RUNTIME, CONSTANTS)
        return self._node(op, run) or _without_node(op, run, self._by_function)

    def _node(self, op: Op, run: FunctionRun) -> Owners:
        """Returns the node of an op: in the function that Python called, else in any that has it."""
        called = self._by_function.get(run.function)
        full = run.prefix + op.path
        if called and full in called.paths:
            return (Owner(OF_NODE, called.trace, full),)
        for wanted in dict.fromkeys((full, op.path)):
            for trace in self._run_by_input if run.input else self._recorded:
                # Of a function that is not recorded, a path that a recorded one has too is no proof.
                if (called or not run.function or not trace.function) and wanted in trace.paths:
                    if run.input and self._is_anybodys(wanted, trace):
                        return _other(OF_INPUT, op.type)
                    return (Owner(OF_NODE, trace.trace, wanted),)
        return ()

    def _is_anybodys(self, path: str, first: Recorded) -> bool:
        """Tells whether another function of datasets has that path, too: tf.data does not say which of them it runs."""
        others = (trace for trace in self._recorded if trace.of_input and trace.source != first.source)
        return any(path in trace.paths for trace in others)

    def _instruction(self, op: Op, run: FunctionRun) -> Owners | str:
        program = self._program(op.module)
        if program is None:
            return NO_PROGRAM
        nodes = [path for path in program.instructions.get(op.name, ()) if path in program.paths]
        called = self._by_function.get(run.function)
        if called and nodes and all(run.prefix + path in called.paths for path in nodes):
            return tuple(Owner(OF_NODE, called.trace, run.prefix + path) for path in nodes)
        return tuple(Owner(OF_NODE, program.trace, path) for path in nodes) or XLA_OWN

    def _program(self, module: str) -> Recorded | None:
        if module not in self._programs:
            found = (trace for trace in self._recorded if is_program_of(module, trace.function) and trace.instructions)
            self._programs[module] = next(found, None)
        return self._programs[module]


def _other(kind: str, path: str) -> Owners:
    return (Owner(kind, "", path),)


def _without_node(op: Op, run: FunctionRun, functions: Mapping[str, Recorded]) -> Owners | str:
    if _DATASET.fullmatch(op.type):
        return _other(OF_INPUT, op.type)
    if op.path.startswith("__"):  # an allocation of a whole function's
        return _other(OF_RUNTIME, PROGRAM_MEMORY)
    if _TRANSFER.fullmatch(op.type):
        return _other(OF_RUNTIME, TRANSFERS)
    return NO_FUNCTION if run.function and run.function not in functions else NO_NODE
