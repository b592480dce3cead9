"""Rules about training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer.graph.model import Kind, Variable
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
_ENDS = 32  # of what variables flow into, to look for the loss among


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
    if not updated or len(updated) == len(trainable):
        return
    tape = _Tape(subject, updated)
    lost: dict[object, list[int]] = {}  # variables by the line that uses them: the layers of a model have one cause
    for index in trainable:
        if index in tape.before and index not in updated and not tape.reaches(index):
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


class _Tape:
    """What the gradients of a graph go back through.

    What was recorded of a gradient names the node that it belongs to, or reads it. The gradient of a sum does neither
    and has no nodes of its own; so what the variables that are updated flow into up to the loss counts too.
    """

    def __init__(self, subject: Subject, updated: set[int]) -> None:
        self._subject = subject
        self._backward = [bool(BACKWARD.search(name)) for name in subject.nodes.names]
        gradients = [index for index, is_backward in enumerate(self._backward) if is_backward]
        self._mirrored = {part for index in gradients for part in _mirrored(subject.nodes.names[index])}
        way = self._flow(updated)
        to_loss = self._to_loss(way)
        self._on_way = way & to_loss
        self.before = _walk(gradients, subject.producers) | to_loss  # what the gradients, or the loss, depend on

    def reaches(self, index: int) -> bool:
        """Tells whether a gradient could flow to a variable, or somebody wrote that it is not to."""
        return any(
            self._has_gradient(at) or at in self._on_way or self._is_meant(at)
            for node in self._flow({index})
            for at in self._subject.consumers[node]
        )

    def _flow(self, starts: set[int]) -> set[int]:
        """Returns what values flow into where gradients flow back, the values themselves among it."""
        waiting, seen = list(starts), set(starts)
        while waiting:
            for reader in self._subject.consumers[waiting.pop()]:
                if reader not in seen and not self._backward[reader] and _passes_gradient(self._subject, reader):
                    seen.add(reader)
                    waiting.append(reader)
        return seen

    def _to_loss(self, way: set[int]) -> set[int]:
        """Returns what the loss depends on; nothing where it is not clear which of the results it is.

        Args:
          way: what the variables that are updated flow into. The loss is an end of it, behind all that has a gradient;
            a single number, if one is there: predictions are none.
        """
        consumers = self._subject.consumers
        proven = {at for at in way if self._has_gradient(at) or any(self._backward[reader] for reader in consumers[at])}
        ends = [index for index in way if way.isdisjoint(consumers[index])]
        if not proven or len(ends) > _ENDS:
            return set()
        behind = {end: _walk([end], self._subject.producers) for end in ends}
        losses = [end for end, found in behind.items() if proven <= found]
        numbers = [end for end in losses if _is_number(self._subject.nodes.kinds[end])]
        return set.intersection(*(behind[end] for end in numbers or losses)) if losses else set()

    def _has_gradient(self, index: int) -> bool:
        """Tells whether a node is a gradient's own, or one that a gradient was named after."""
        return self._backward[index] or self._subject.nodes.names[index] in self._mirrored

    def _is_meant(self, index: int) -> bool:
        """Tells whether somebody wrote that the gradient ends at a node: there, or right behind it."""
        kinds = self._subject.nodes.kinds
        return any(kinds[at].op == "StopGradient" for at in (index, *self._subject.consumers[index]))


def _walk(starts: Sequence[int], edges: Sequence[Sequence[int]]) -> set[int]:
    """Returns what edges lead to, the starts among it."""
    waiting, seen = list(starts), set(starts)
    while waiting:
        fresh = {at for at in edges[waiting.pop()] if at not in seen}
        seen |= fresh
        waiting += fresh
    return seen


def _mirrored(path: str) -> Iterator[str]:
    """Returns what a gradient's path says of the way forward: `mlp/MatMul` and `mlp` of `gradient_tape/mlp/MatMul`."""
    found = BACKWARD.search(path)
    forward = path[found.end() :] if found else ""
    while forward:
        yield forward
        forward = forward.rpartition("/")[0]


def _is_number(kind: Kind) -> bool:
    return bool(kind.outputs) and kind.outputs[0].shape == ()


def _passes_gradient(subject: Subject, index: int) -> bool:
    kind = subject.nodes.kinds[index]
    if kind.op in _NO_GRADIENT or UPDATES.fullmatch(kind.op):
        return False
    return not (kind.op == "Cast" and str(kind.attributes.get("DstT", "")).startswith(_WHOLE))
