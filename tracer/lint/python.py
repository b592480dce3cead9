"""Rules about Python and host work inside a graph."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.lint.finding import Found
from tracer.lint.subject import Subject

_PY_FUNCTIONS = {"PyFunc": "tf.numpy_function", "PyFuncStateless": "tf.numpy_function", "EagerPyFunc": "tf.py_function"}
_DEBUG = {
    "Print": "tf.Print writes a line in every call",
    "PrintV2": "tf.print writes a line in every call",
    "Assert": "an assertion is checked in every call",
}


def py_function(subject: Subject) -> Iterator[Found]:
    """Finds ops that run Python."""
    for index in subject.of_ops(_PY_FUNCTIONS):
        op = subject.nodes.kinds[index].op
        yield Found(
            f"{_PY_FUNCTIONS[op]} ({op}) runs Python inside the graph: one thread at a time, invisible to the "
            "optimiser, and not part of a SavedModel",
            "write it with TensorFlow's ops; or do it before the call, or in the input pipeline, if it must be Python",
            index,
        )


def debug_op(subject: Subject) -> Iterator[Found]:
    """Finds prints and assertions."""
    for index in subject.of_ops(_DEBUG):
        op = subject.nodes.kinds[index].op
        yield Found(
            f"{_DEBUG[op]} ({op}): what it looks at has to come to the host",
            "remove it when it has done its work; for a look now and then, tf.summary or a separate function",
            index,
        )
