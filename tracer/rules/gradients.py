"""Rules about training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer.graph.model import Variable
from tracer.rules.finding import Found
from tracer.rules.subject import BACKWARD, UPDATES, Subject

# Behind these no gradient flows back, whether one meant it or not: what they return is an index, a truth, a whole
# number, or Python's. Not `StopGradient`, which is always meant.
_NO_GRADIENT = frozenset(
    (
        *("ArgMax", "ArgMin", "Sign", "Floor", "Ceil", "Round", "Rint", "Shape", "Size", "Rank"),
        *("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual", "LogicalAnd", "LogicalOr", "LogicalNot"),
        *("Bincount", "Where", "PyFunc", "PyFuncStateless", "PrintV2", "Print", "Assert", "InTopKV2", "OneHot"),
    )
)
_FLOATING = ("float", "bfloat", "complex")
_WHOLE = ("int", "uint", "bool", "string")


def no_gradient(subject: Subject) -> Iterator[Found]:
    """Finds trainable variables that the loss of a training step depends on, and that no gradient reaches.

    A step that leaves variables alone on purpose, as each half of a GAN does, is not found: the gradient flows through
    them. Nor is what only the update needs, as a rate, or what is behind a `tf.stop_gradient`.
    """
    trainable = {
        index: variable
        for index, variable in subject.variables.items()
        if variable.trainable and variable.type.dtype.startswith(_FLOATING)
    }
    updated = {index for index in trainable if _is_updated(subject, index)}
    backward = [bool(BACKWARD.search(name)) for name in subject.nodes.names]
    if not updated or len(updated) == len(trainable):
        return
    mirrored = {part for index, name in enumerate(subject.nodes.names) if backward[index] for part in _mirrored(name)}
    forward = _before(subject, backward)
    lost: dict[object, list[int]] = {}  # variables by the line that uses them: the layers of a model have one cause
    for index in trainable:
        if index in forward and index not in updated and not _reaches_tape(subject, index, backward, mirrored):
            reader = _reader(subject, index)
            lost.setdefault(subject.line(reader) or reader, []).append(index)
    for indexes in lost.values():
        yield _lost([trainable[index] for index in indexes], _reader(subject, indexes[0]))


def _lost(variables: Sequence[Variable], reader: int) -> Found:
    name = f"'{variables[0].name.partition(':')[0]}'"
    if len(variables) == 1:
        said = f"{name} is trainable, but no gradient reaches it: this step updates other variables and never this one"
    else:
        said = (
            f"{name} and {len(variables) - 1} more are trainable, but no gradient reaches them: this step updates "
            "other variables and never these"
        )
    return Found(
        said,
        "look for argmax, a comparison, rounding, a cast to integers or NumPy between it and the loss; if it is meant "
        "to stay as it is, say so: tf.stop_gradient, or trainable=False where it is made",
        reader,
        count=len(variables),
    )


def _reader(subject: Subject, index: int) -> int:
    """Returns the first node that uses a variable and has a line; else the node that stands for the variable."""
    return next((at for at in subject.consumers[index] if subject.line(at)), index)


def _is_updated(subject: Subject, index: int) -> bool:
    return any(UPDATES.fullmatch(subject.nodes.kinds[reader].op) for reader in subject.consumers[index])


def _before(subject: Subject, backward: list[bool]) -> set[int]:
    """Returns what the gradients are computed from."""
    waiting = [index for index, is_backward in enumerate(backward) if is_backward]
    seen = set(waiting)
    while waiting:
        fresh = [producer for producer in subject.producers[waiting.pop()] if producer not in seen]
        seen.update(fresh)
        waiting += fresh
    return seen


def _mirrored(path: str) -> Iterator[str]:
    """Returns what a gradient's path says of the way forward: `mlp/MatMul` and `mlp` of `gradient_tape/mlp/MatMul`."""
    found = BACKWARD.search(path)
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
            if backward[reader] or subject.nodes.names[reader] in mirrored or _is_meant(subject, reader):
                return True
            if reader not in seen and _passes_gradient(subject, reader):
                seen.add(reader)
                waiting.append(reader)
    return False


def _is_meant(subject: Subject, index: int) -> bool:
    """Tells whether somebody wrote that the gradient ends at a node: there, or right behind it."""
    return any(subject.nodes.kinds[at].op == "StopGradient" for at in (index, *subject.consumers[index]))


def _passes_gradient(subject: Subject, index: int) -> bool:
    kind = subject.nodes.kinds[index]
    if kind.op in _NO_GRADIENT:
        return False
    return not (kind.op == "Cast" and str(kind.attributes.get("DstT", "")).startswith(_WHOLE))
