"""Rules about training."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.rules.finding import Found
from tracer.rules.subject import Subject

# Scopes that gradients stand in: of a tape, and of the function that is the gradient of a function.
_BACKWARD = re.compile(r"(?:^|/)(?:gradient_tape|gradients)(?:_\d+)?/")
_UPDATES = re.compile(r"Assign(?:Add|Sub)?VariableOp|Resource(?:Sparse)?Apply\w+|ResourceScatter\w+")
# Behind these no gradient flows back: what they return is an index, a truth, a whole number, or Python's.
_NO_GRADIENT = frozenset(
    (
        *("StopGradient", "ArgMax", "ArgMin", "Sign", "Floor", "Ceil", "Round", "Rint", "Shape", "Size", "Rank"),
        *("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual", "LogicalAnd", "LogicalOr", "LogicalNot"),
        *("Bincount", "Where", "PyFunc", "PyFuncStateless", "PrintV2", "Print", "Assert", "InTopKV2", "OneHot"),
    )
)
_WHOLE = ("int", "uint", "bool", "string")


def no_gradient(subject: Subject) -> Iterator[Found]:
    """Finds trainable variables that a training step reads and never updates, since no gradient reaches them.

    A step that updates some variables and leaves others alone on purpose, as in a GAN, is not found: the gradient flows
    through the others.
    """
    trainable = {index: variable for index, variable in subject.variables.items() if variable.trainable}
    updated = {index for index in trainable if _is_updated(subject, index)}
    if not updated or len(updated) == len(trainable):
        return
    backward = [bool(_BACKWARD.search(name)) for name in subject.nodes.names]
    mirrored = {part for index, name in enumerate(subject.nodes.names) if backward[index] for part in _mirrored(name)}
    for index, variable in trainable.items():
        if index not in updated and not _reaches_tape(subject, index, backward, mirrored):
            reader = next((at for at in subject.consumers[index] if subject.line(at)), index)
            yield Found(
                f"'{variable.name.partition(':')[0]}' is trainable, but no gradient reaches it: this step updates "
                "other variables and never this one",
                "look for tf.stop_gradient, argmax, a cast to integers or NumPy between it and the loss; if it is "
                "meant to stay as it is, make it with trainable=False",
                reader,
            )


def _is_updated(subject: Subject, index: int) -> bool:
    return any(_UPDATES.fullmatch(subject.nodes.kinds[reader].op) for reader in subject.consumers[index])


def _mirrored(path: str) -> Iterator[str]:
    """Returns what a gradient's path says of the way forward: `mlp/MatMul` and `mlp` of `gradient_tape/mlp/MatMul`."""
    found = _BACKWARD.search(path)
    forward = path[found.end() :] if found else ""
    while forward:
        yield forward
        forward = forward.rpartition("/")[0]


def _reaches_tape(subject: Subject, index: int, backward: list[bool], mirrored: set[str]) -> bool:
    """Tells whether what a variable's value flows into, where gradients flow back, is what the tape went through."""
    waiting, seen = [index], {index}
    while waiting:
        node = waiting.pop()
        for reader in subject.consumers[node]:
            if backward[reader] or subject.nodes.names[reader] in mirrored:
                return True
            if reader not in seen and _passes_gradient(subject, reader):
                seen.add(reader)
                waiting.append(reader)
    return False


def _passes_gradient(subject: Subject, index: int) -> bool:
    kind = subject.nodes.kinds[index]
    if kind.op in _NO_GRADIENT:
        return False
    return not (kind.op == "Cast" and str(kind.attributes.get("DstT", "")).startswith(_WHOLE))
