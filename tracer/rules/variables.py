"""Rules about variables that a function takes along."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.graph.references import is_control
from tracer.rules.finding import Found
from tracer.rules.subject import Subject


def unused_variable(subject: Subject) -> Iterator[Found]:
    """Finds captured variables that nothing uses: at most they are read, and what was read goes nowhere."""
    results = _results(subject)
    for index, variable in subject.variables.items():
        if not _is_used(subject, index, results):
            readers = subject.consumers[index]
            yield Found(
                f"the variable '{variable.name.partition(':')[0]}' is captured, and nothing uses its value",
                "remove the line that reads it, or use what it reads; v.shape gives the shape alone",
                readers[0] if readers else index,
            )


def _results(subject: Subject) -> set[int]:
    """Returns what the function may return: each `Identity` at top level.

    TensorFlow lets the results of a function that reads variables wait for these reads, by control edges. Where some
    wait, one that does not is what a `read_value()` left.
    """
    inputs = subject.nodes.inputs
    top = [index for index in subject.by_op.get("Identity", ()) if "/" not in subject.nodes.names[index]]
    return {index for index in top if any(map(is_control, inputs[index]))} or set(top)


def _is_used(subject: Subject, index: int, results: set[int]) -> bool:
    waiting, seen = list(subject.consumers[index]), set[int]()
    while waiting:
        reader = waiting.pop()
        if reader in seen:  # a damaged graph may go round
            continue
        seen.add(reader)
        if reader in results or subject.nodes.kinds[reader].op not in ("ReadVariableOp", "Identity"):
            return True
        waiting += subject.consumers[reader]
    return False
