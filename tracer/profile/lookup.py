"""Which node of which recorded trace an execution is of."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence

from tracer.profile.hlo_nodes import is_program_of
from tracer.profile.model import EAGER, FOLDING, FunctionRun, Op

# Why an execution is of no recorded node.
CONSTANTS = "constants that Grappler evaluates, in runs of its own"
PIPELINE = "nodes of the tf.data pipeline itself, which no function holds"
EAGERLY = "ops that Python ran by itself"
NO_PROGRAM = "XLA programs whose HLO is not recorded"
XLA_OWN = "instructions that XLA added, which name no node"
NO_FUNCTION = "functions that are not recorded"
NO_NODE = "nodes that are in no recorded graph"
NO_LAUNCH = "kernels that name no node"

TRANSFERS = "tensors that TensorFlow hands from one part of a graph to another"
PROGRAM_MEMORY = "memory of XLA programs as a whole"

_DATASET = re.compile(r"\w*Dataset(V\d+)?")
_TRANSFER = re.compile(r"_(Host)?(Send|Recv)")


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded trace, as far as executions are looked up in it."""

    trace: str  # its name in the answer: "000-step"
    function: str  # runtime name: "__inference_step_28"
    paths: Collection[str]  # node paths of its graphs, traced and optimised; a set or a mapping
    instructions: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # see `hlo_nodes`


Places = tuple[tuple[str, str], ...]  # traces and node paths


class Lookup:
    """Finds the nodes of executions; each question is answered once."""

    def __init__(self, recorded: Sequence[Recorded]) -> None:
        self._recorded = recorded
        self._by_function = {trace.function: trace for trace in recorded if trace.function}
        self._programs: dict[str, Recorded | None] = {}
        self._known: dict[tuple[Op, str, str, bool], Places | str] = {}

    def places(self, op: Op, run: FunctionRun) -> Places | str:
        """Returns the nodes that an execution is of, or the reason why it is of none.

        Several nodes share an execution in equal parts: those that XLA made one instruction from.
        """
        key = (op, run.function, run.prefix, run.number == FOLDING)
        if key not in self._known:
            self._known[key] = self._find(op, run)
        return self._known[key]

    def _find(self, op: Op, run: FunctionRun) -> Places | str:
        if op.kind == EAGER:
            return EAGERLY
        if op.module:
            return self._instruction(op, run)
        if not op.path:
            return NO_LAUNCH
        if run.number == FOLDING:
            return PIPELINE if _DATASET.fullmatch(op.type) else CONSTANTS
        return self._node(op.path, run) or _why_not(op, run, self._by_function)

    def _node(self, path: str, run: FunctionRun) -> Places:
        """Returns the node of a path: in the function that Python called, else in any that has it."""
        called = self._by_function.get(run.function)
        full = run.prefix + path
        if called and full in called.paths:
            return ((called.trace, full),)
        for wanted in dict.fromkeys((full, path)):
            for trace in self._recorded:
                if wanted in trace.paths:
                    return ((trace.trace, wanted),)
        return ()

    def _instruction(self, op: Op, run: FunctionRun) -> Places | str:
        program = self._program(op.module)
        if program is None:
            return NO_PROGRAM
        nodes = [path for path in program.instructions.get(op.name, ()) if path in program.paths]
        called = self._by_function.get(run.function)
        if called and nodes and all(run.prefix + path in called.paths for path in nodes):
            return tuple((called.trace, run.prefix + path) for path in nodes)
        return tuple((program.trace, path) for path in nodes) or XLA_OWN

    def _program(self, module: str) -> Recorded | None:
        if module not in self._programs:
            found = (trace for trace in self._recorded if trace.instructions and is_program_of(module, trace.function))
            self._programs[module] = next(found, None)
        return self._programs[module]


def _why_not(op: Op, run: FunctionRun, functions: Mapping[str, Recorded]) -> str:
    if _DATASET.fullmatch(op.type):
        return PIPELINE
    if op.path.startswith("__"):  # an allocation of a whole function's
        return PROGRAM_MEMORY
    if _TRANSFER.fullmatch(op.type):
        return TRANSFERS
    return NO_FUNCTION if run.function and run.function not in functions else NO_NODE
