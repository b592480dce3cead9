"""Rules about variables that a function takes along."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.rules.finding import Found
from tracer.rules.subject import Subject


def unused_variable(subject: Subject) -> Iterator[Found]:
    """Finds captured variables that nothing uses: at most they are read, and what was read goes nowhere."""
    for index, variable in subject.variables.items():
        if not _is_used(subject, index):
            readers = subject.consumers[index]
            yield Found(
                f"the variable '{variable.name.partition(':')[0]}' is captured, and nothing uses its value",
                "remove the line that reads it, or use what it reads; v.shape gives the shape alone",
                readers[0] if readers else index,
            )


def _is_used(subject: Subject, index: int) -> bool:
    waiting, seen = list(subject.consumers[index]), set[int]()
    while waiting:
        reader = waiting.pop()
        if reader in seen:  # a damaged graph may go round
            continue
        seen.add(reader)
        op = subject.nodes.kinds[reader].op
        # At top level an `Identity` that nobody reads may be what the function returns.
        if op != "ReadVariableOp" and (op != "Identity" or "/" not in subject.nodes.names[reader]):
            return True
        waiting += subject.consumers[reader]
    return False
