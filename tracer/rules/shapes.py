"""Rules about shapes."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.graph.model import Kind
from tracer.rules.finding import Found
from tracer.rules.subject import Subject

_NO_SHAPE = frozenset(("resource", "variant", ""))
# What the ops that lose the rank can be helped with; others are told to say it.
_REMEDIES = {
    "DecodeImage": "tf.io.decode_image(..., expand_animations=False) keeps the rank",
    "ParseTensor": "say it behind: x = tf.ensure_shape(tf.io.parse_tensor(...), [None, 3])",
}
_REMEDY = "say it behind: x = tf.ensure_shape(x, [None, 3]), with None where a size really changes"
_RESTORING = frozenset(("EnsureShape", "Reshape"))
# What they give is as it was made elsewhere.
_GIVEN = frozenset(("Placeholder", "PlaceholderWithDefault", "_Arg", "ReadVariableOp", "IteratorGetNext"))


def unknown_shape(subject: Subject) -> Iterator[Found]:
    """Finds ops that lose the rank: not even the number of axes of the result is known, though it was of all inputs.

    Sizes that are not known are ordinary: a batch has one. An `EnsureShape` behind the op restores the shape.
    """
    losing = {kind for kind in set(subject.nodes.kinds) if _loses(kind)}
    for index in subject.of_kinds(losing):
        producers = {subject.nodes.kinds[at] for at in subject.producers[index]}
        readers = [subject.nodes.kinds[at].op for at in subject.consumers[index]]
        if any(_unknown(kind) or not _recorded(kind) for kind in producers) or not set(readers) - _RESTORING:
            continue
        op = subject.nodes.kinds[index].op
        yield Found(
            f"behind {op} not even the number of axes is known: what follows is found out at run time, and layers that "
            "need the shape fail",
            _REMEDIES.get(op, _REMEDY),
            index,
        )


def _recorded(kind: Kind) -> bool:
    return "_output_shapes" in kind.attributes


def _unknown(kind: Kind) -> bool:
    return any(output.shape is None and output.dtype not in _NO_SHAPE for output in kind.outputs)


def _loses(kind: Kind) -> bool:
    return _recorded(kind) and not kind.bodies and kind.op not in _GIVEN and _unknown(kind)
