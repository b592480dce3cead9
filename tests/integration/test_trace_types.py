"""Types as TensorFlow traces for them, as text."""

from __future__ import annotations

import collections
from typing import Any

import pytest
import tensorflow as tf

from tracer.capture.trace_types import type_text

Pair = collections.namedtuple("Pair", "a b")


class Extension(tf.experimental.ExtensionType):  # type: ignore[misc]  # TensorFlow has no types
    """A type of a user's own."""

    values: tf.Tensor
    rows: tf.RaggedTensor
    size: int


class Thing:
    """What TensorFlow knows nothing of."""


def _ragged() -> Any:
    return tf.ragged.constant([[1], [2, 3]])


def _pipeline() -> Any:
    """Returns a dataset of two tensors, whose batches may be of any size."""
    return tf.data.Dataset.from_tensors((tf.ones((3, 2)), tf.constant(1))).batch(4)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: tf.ones((2, 3)), "float32[2, 3]"),
        (lambda: tf.Variable(tf.ones(2)), "Variable float32[2]"),
        (lambda: (1, [None, "s"], {"k": tf.ones(2)}), "(Literal[1], [Literal[None], Literal['s']], {'k': float32[2]})"),
        (lambda: Pair(tf.ones(1), 2), "Pair(a=float32[1], b=Literal[2])"),
        (_pipeline, "Dataset[(float32[?, 3, 2], int32[?])]"),
        (lambda: iter(_pipeline()), "Iterator[(float32[?, 3, 2], int32[?])]"),
        (lambda: _pipeline().window(2), "Dataset[(Dataset[float32[?, 3, 2]], Dataset[int32[?]])]"),
        (
            lambda: iter(tf.data.Dataset.from_tensors({"x": tf.ones(3), "y": _ragged()})).get_next_as_optional(),
            "Optional[{'x': float32[3], 'y': Ragged int32[2, ?]}]",
        ),
        (_ragged, "Ragged int32[2, ?]"),
        (
            lambda: tf.ragged.constant([[[1]]], row_splits_dtype=tf.int32),
            "Ragged int32[1, ?, ?] with 2 ragged axes and int32 splits",
        ),
        (lambda: tf.sparse.from_dense([[1.0, 0.0]]), "Sparse float32[1, 2]"),
        (lambda: tf.IndexedSlices(tf.ones((1, 2)), tf.constant([0])), "IndexedSlices float32[?, 2]"),
        (lambda: tf.TensorArray(tf.float32, 3, element_shape=(2,)), "TensorArray float32[2]"),
        (
            lambda: Extension(tf.ones(2), _ragged(), 3),
            "Extension.Spec(values=float32[2], rows=Ragged int32[2, ?], size=3)",
        ),
        (Thing, "Weakref[<weakref; to 'Thing'>]"),
    ],
)
def test_a_type_is_written_as_one_reads_it(made: Any, text: str) -> None:
    """Tensors are dtype and shape, whatever they are in, and no object's address is among them."""
    value = made()  # TensorFlow holds it weakly

    concrete = tf.function(lambda x: tf.constant(1)).get_concrete_function(value)

    (parameter,) = concrete.function_type.parameters.values()
    assert type_text(parameter.type_constraint) == text


def test_a_result_is_written_like_an_argument() -> None:
    """Results of several types are a nest of them; a tensor array that is returned is one."""

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def several(x: Any) -> Any:
        return {"x": x, "none": None, "rows": _ragged(), "array": tf.TensorArray(tf.float32, 3, element_shape=(2,))}

    output = several.get_concrete_function(tf.ones(2)).function_type.output

    assert type_text(output) == (
        "{'x': float32[2], 'none': Literal[None], 'rows': Ragged int32[2, ?], 'array': TensorArray float32[2]}"
    )
