"""Rules about types."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.graph.model import Kind
from tracer.rules.finding import Found
from tracer.rules.subject import Subject

_WIDE = frozenset(("float64", "complex128"))
_NARROW = frozenset(("float32", "float16", "bfloat16"))
_TYPES = ("T", "dtype", "DstT", "SrcT", "Tout")  # attributes that name the type of what flows through a node
_PASSING = frozenset(("Identity", "IdentityN", "EnsureShape", "Reshape", "StopGradient", "Cast"))


def float64(subject: Subject) -> Iterator[Found]:
    """Finds where float64 begins in a graph that otherwise computes in less, and is computed with.

    Not where an argument or a variable of the function is float64: then it was asked for.
    """
    kinds = set(subject.nodes.kinds)
    wide = {kind for kind in kinds if _gives(kind, _WIDE)}
    if not wide or _asked_for(subject) or not _narrow(subject, kinds):
        return
    for index in subject.of_kinds(wide):
        producers = subject.producers[index]
        if any(subject.nodes.kinds[producer] in wide for producer in producers):
            continue
        if _computed_with(subject, index, wide):
            yield Found(_begins(subject.nodes.kinds[index], subject.nodes.names[index]), _ADVICE, index)


_ADVICE = (
    "say the type where the number comes from: tf.constant(0.1, tf.float32), np.float32, x.astype('float32'), "
    "tf.cast(n, tf.float32) / m; float64 takes twice the memory, and on most GPUs far more time"
)


def _begins(kind: Kind, name: str) -> str:
    source = str(kind.attributes.get("SrcT", ""))
    if kind.op == "Cast" and "truediv" in name:
        return f"float64 begins here: TensorFlow divides {source} by {source} in float64"
    if kind.op == "Cast":
        return f"float64 begins here: a cast from {source}"
    if kind.op == "Const":
        return "float64 begins here: a constant, as NumPy makes them, is float64"
    return f"float64 begins here, with {kind.op}"


def _gives(kind: Kind, dtypes: frozenset[str]) -> bool:
    return any(output.dtype in dtypes for output in kind.outputs)


def _asked_for(subject: Subject) -> bool:
    given = [argument.type for argument in subject.trace.arguments]
    given += [captured.type.dtype for captured in subject.captures.values()]
    placeholders = (subject.nodes.kinds[index] for index in subject.by_op.get("Placeholder", ()))
    return any(dtype in text for text in given for dtype in _WIDE) or any(_gives(kind, _WIDE) for kind in placeholders)


def _narrow(subject: Subject, kinds: set[Kind]) -> bool:
    """Tells a graph that computes in float32 or less, or that divides integers: there TensorFlow chose float64."""
    return any(_gives(kind, _NARROW) for kind in kinds if kind.op != "Const") or any(
        "truediv/Cast" in subject.nodes.names[index] for index in subject.by_op.get("Cast", ())
    )


def _computed_with(subject: Subject, index: int, wide: set[Kind]) -> bool:
    """Tells whether an op works on the value in float64: not if it is only cast on, handed on or returned."""
    waiting, seen = [index], {index}
    while waiting:
        for reader in subject.consumers[waiting.pop()]:
            kind = subject.nodes.kinds[reader]
            if kind.op not in _PASSING and any(kind.attributes.get(name) in _WIDE for name in _TYPES):
                return True
            if kind.op in _PASSING and kind in wide and reader not in seen:
                seen.add(reader)
                waiting.append(reader)
    return False
