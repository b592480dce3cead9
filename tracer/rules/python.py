"""Rules about Python and host work inside a graph."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.graph.lines import Frame
from tracer.rules.finding import Found
from tracer.rules.subject import Subject

_PY_FUNCTIONS = {"PyFunc": "tf.numpy_function", "PyFuncStateless": "tf.numpy_function", "EagerPyFunc": "tf.py_function"}
_ASSERTION = re.compile(r"(?:^|/)[Aa]ssert")
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
    """Finds prints and assertions; not those that an operation of TensorFlow brings along."""
    theirs = _library_assertions(subject)
    for index in subject.of_ops(_DEBUG):
        if index in theirs:
            continue
        op = subject.nodes.kinds[index].op
        yield Found(
            f"{_DEBUG[op]} ({op}): what it looks at has to come to the host",
            "remove it when it has done its work; for a look now and then, tf.summary or a separate function",
            index,
        )


def _library_assertions(subject: Subject) -> set[int]:
    """Returns the assertions inside of scopes that one line made, which are an operation's own, as `tf.image` has."""
    around = {index: _around(subject.nodes.names[index]) for index in subject.by_op.get("Assert", ())}
    if not any(around.values()):
        return set()
    makers: dict[str, set[Frame | None]] = {}
    for index, scope in around.items():
        makers.setdefault(scope, set()).add(subject.line(index))
    for index, name in enumerate(subject.nodes.names):
        scope = name.rpartition("/")[0]
        if scope in makers:
            makers[scope].add(subject.line(index))
    return {index for index, scope in around.items() if scope and len(makers[scope]) < 2}


def _around(path: str) -> str:
    """Returns the scope that an assertion stands in: `net` of `net/assert_equal_1/Assert/AssertGuard/else/Assert`."""
    found = _ASSERTION.search(path)
    return path[: found.start()].rstrip("/") if found else path.rpartition("/")[0]
